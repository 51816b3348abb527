"""What a process of the worker may take: time, memory, and how often a task may cost one."""

from typing import Any

import pytest
from pytest_celery import CeleryTestSetup

from tests.containers.appliance import Api
from tests.containers.test_recovery import discovery_waits
from tests.stack import wait_until

LARGE = 150 * 2**20  # characters; read, unpacked and parsed, more than the 500 MB that a process may take
PIPE = "/srv/music/pipe.ogg"  # nobody writes into it: what opens it waits for ever


@pytest.fixture(scope="module")
def pipe(api: Api) -> str:
    api.run_as_root("mkfifo", "-m", "644", PIPE)
    return PIPE


@pytest.fixture
def warm(celery_setup: CeleryTestSetup, api: Api) -> Any:
    """Give the worker with its one process ready to analyse, so that loading what it takes counts against no limit."""
    worker: Any = celery_setup.worker
    celery_setup.app.send_task("vector.calculate", kwargs={"track_id": 0, "path": "/srv/music/none.ogg"})
    worker.succeeded("vector.calculate")
    return worker


def analyse(setup: CeleryTestSetup, path: str, **limits: float) -> str:
    return str(setup.app.send_task("vector.calculate", kwargs={"track_id": 0, "path": path}, **limits).id)


def test_the_limits_of_an_analysis_stand_in_the_worker(celery_setup: CeleryTestSetup) -> None:
    worker: Any = celery_setup.worker
    inspect = celery_setup.app.control.inspect(destination=[worker.hostname()], timeout=20)
    [tasks] = inspect.registered("soft_time_limit", "time_limit").values()
    assert "vector.calculate [soft_time_limit=100 time_limit=120]" in tasks


def test_an_analysis_ends_at_its_soft_limit_and_its_process_lives(
    celery_setup: CeleryTestSetup, warm: Any, pipe: str
) -> None:
    before = warm.children()
    task = analyse(celery_setup, pipe, soft_time_limit=3, time_limit=60)
    warm.assert_log_exists(f"Soft time limit (3s) exceeded for vector.calculate[{task}]")
    warm.assert_log_exists(f"vector.calculate[{task}] track 0 has no vector: its analysis took too long")
    warm.succeeded("vector.calculate", task)
    assert warm.children() == before


def test_a_process_that_does_not_heed_the_soft_limit_is_killed_at_the_hard_one(
    celery_setup: CeleryTestSetup, warm: Any, pipe: str
) -> None:
    [child] = warm.children()
    task = analyse(celery_setup, pipe, soft_time_limit=6, time_limit=9)
    warm.begun(task)
    warm.signal("STOP", child)  # as one that hangs in the kernel, it hears nothing
    warm.assert_log_exists(f"Hard time limit (9s) exceeded for vector.calculate[{task}]")
    warm.assert_log_exists("vector.calculate is given up: TimeLimitExceeded")
    wait_until(lambda: warm.children() and child not in warm.children(), 60)
    after = analyse(celery_setup, "/srv/music/none.ogg")
    warm.succeeded("vector.calculate", after)


def test_a_process_that_has_grown_beyond_500_mb_is_replaced(celery_setup: CeleryTestSetup, api: Api) -> None:
    worker: Any = celery_setup.worker
    [child] = worker.children()
    batch = {"session_id": 0, "batch_id": "none", "files": [{"path": "x" * LARGE, "size": 0, "mtime_ns": 0}]}
    celery_setup.app.send_task("metadata.extract_batch", kwargs=batch, argsrepr="()", kwargsrepr="{}")
    worker.succeeded("metadata.extract_batch")
    worker.assert_log_exists("exceeding memory limit")
    wait_until(lambda: worker.children() and child not in worker.children(), 60)
    celery_setup.app.send_task("maintenance.resume_sessions")
    worker.succeeded("maintenance.resume_sessions")


def test_a_task_whose_process_is_killed_is_tried_again(celery_setup: CeleryTestSetup, api: Api) -> None:
    worker: Any = celery_setup.worker
    with api.away():
        session = api.scan()
        task = discovery_waits(worker)
        [child] = worker.children()
        worker.signal("KILL", child)
        worker.until(rf"Task scan\.discovery\[{task}\] retry: Retry in 5s")
        worker.until(rf"Task scan\.discovery\[{task}\] received", 2)
    worker.succeeded("scan.discovery", task)
    api.completed(session)


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
    worker.assert_log_exists("vector.calculate is given up: WorkerLostError")
    assert worker.count(rf"Task vector\.calculate\[{task}\] retry") == 3
    assert worker.count(rf"Task vector\.calculate\[{task}\] received") == 4
