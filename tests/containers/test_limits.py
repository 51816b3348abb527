"""What a process of the worker may take: time, memory, and how often a task may cost one."""

from typing import Any

import pytest
from pytest_celery import CeleryTestSetup

from tests.containers.appliance import EMULATED, Api
from tests.stack import wait_until

LARGE = 130 * 2**20  # characters; read, unpacked and parsed, more than the 500 MB that a process may take
# Nobody writes into it: what opens it waits for ever. By its name no music, so that no scan meets it.
PIPE = "/srv/music/pipe"
NOWHERE = "/srv/music/none.ogg"


@pytest.fixture(scope="module")
def pipe(api: Api) -> str:
    api.run_as_root("mkfifo", "-m", "644", PIPE)
    return PIPE


def analyse(setup: CeleryTestSetup, path: str, **limits: float) -> str:
    return str(setup.app.send_task("vector.calculate", kwargs={"track_id": 0, "path": path}, **limits).id)


def test_an_analysis_that_hangs_ends_at_its_soft_limit_and_one_that_does_not_heed_it_at_the_hard_one(
    celery_setup: CeleryTestSetup, pipe: str
) -> None:
    worker: Any = celery_setup.worker
    inspect = celery_setup.app.control.inspect(destination=[worker.hostname()], timeout=EMULATED)
    [tasks] = inspect.registered("soft_time_limit", "time_limit").values()
    assert "vector.calculate [soft_time_limit=300 time_limit=330]" in tasks

    # Limits of the message go before those. The process is made ready first, for loading what it takes counts too.
    worker.succeeded("vector.calculate", analyse(celery_setup, NOWHERE))
    [child] = worker.children()
    soft = analyse(celery_setup, pipe, soft_time_limit=3, time_limit=60)
    worker.assert_log_exists(f"Soft time limit (3s) exceeded for vector.calculate[{soft}]")
    worker.until(rf"{soft}\] track 0 has no vector: it(?:s analysis)? took too long")
    worker.succeeded("vector.calculate", soft)
    assert worker.children() == [child]

    hard = analyse(celery_setup, pipe, soft_time_limit=6, time_limit=9)
    worker.begun(hard)
    worker.signal("STOP", child)  # as one that hangs in the kernel, it hears nothing
    worker.assert_log_exists(f"Hard time limit (9s) exceeded for vector.calculate[{hard}]")
    worker.assert_log_exists("vector.calculate is given up")
    wait_until(lambda: worker.children() and child not in worker.children(), EMULATED)
    worker.succeeded("vector.calculate", analyse(celery_setup, NOWHERE))


def test_a_process_that_has_grown_beyond_500_mb_is_replaced(celery_setup: CeleryTestSetup, api: Api) -> None:
    worker: Any = celery_setup.worker
    [child] = worker.children()
    batch = {"session_id": 0, "batch_id": "none", "files": [{"path": "x" * LARGE, "size": 0, "mtime_ns": 0}]}
    celery_setup.app.send_task("metadata.extract_batch", kwargs=batch, argsrepr="()", kwargsrepr="{}")
    worker.succeeded("metadata.extract_batch")
    worker.assert_log_exists("exceeding memory limit")
    wait_until(lambda: worker.children() and child not in worker.children(), EMULATED)
    celery_setup.app.send_task("maintenance.resume_sessions")
    worker.succeeded("maintenance.resume_sessions")


def test_a_task_that_costs_its_process_each_time_is_given_up_after_three_retries(
    celery_setup: CeleryTestSetup, api: Api, pipe: str
) -> None:
    worker: Any = celery_setup.worker
    task = analyse(celery_setup, pipe)
    for time in range(1, 5):
        worker.until(rf"Task vector\.calculate\[{task}\] received", time)
        worker.begun(task)
        [child] = worker.children()
        worker.signal("KILL", child)
    worker.assert_log_exists("vector.calculate is given up: Worker exited prematurely")
    assert worker.count(rf"Task vector\.calculate\[{task}\] retry") == 3
    assert worker.count(rf"Task vector\.calculate\[{task}\] received") == 4
