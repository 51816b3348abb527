"""The limits of a child process of the worker: time, memory, and how often a task may kill its process."""

from typing import Any

import pytest
from pytest_celery import CeleryTestSetup

from tests.containers.components import CONTAINER_TIMEOUT_SECONDS, Api
from tests.support.stack import wait_until

# Received, decoded and parsed, it takes more than the 500 MB that a process may use.
LARGE_PATH_CHARACTERS = 130 * 2**20
# No process writes to the pipe, so opening it blocks for ever. Its name is not that of audio, so scans ignore it.
PIPE = "/srv/music/pipe"
MISSING_FILE = "/srv/music/none.ogg"


@pytest.fixture(scope="module")
def pipe(api: Api) -> str:
    api.run_as_root("mkfifo", "-m", "644", PIPE)
    return PIPE


def analyse(setup: CeleryTestSetup, path: str, **limits: float) -> str:
    return str(setup.app.send_task("vector.calculate", kwargs={"track_id": 0, "path": path}, **limits).id)


def test_the_soft_limit_ends_an_analysis_that_hangs_and_the_hard_limit_one_that_ignores_the_soft_limit(
    celery_setup: CeleryTestSetup, pipe: str
) -> None:
    worker: Any = celery_setup.worker
    inspect = celery_setup.app.control.inspect(destination=[worker.hostname()], timeout=CONTAINER_TIMEOUT_SECONDS)
    [tasks] = inspect.registered("soft_time_limit", "time_limit").values()
    assert "vector.calculate [soft_time_limit=300 time_limit=330]" in tasks

    # Limits in the message override those. A first task loads the modules, whose import would count towards the limit.
    worker.wait_until_succeeded("vector.calculate", analyse(celery_setup, MISSING_FILE))
    [child] = worker.child_pids()
    soft = analyse(celery_setup, pipe, soft_time_limit=3, time_limit=60)
    worker.assert_log_exists(f"Soft time limit (3s) exceeded for vector.calculate[{soft}]")
    worker.wait_for_match(rf"track 0 has no vector: it(?:s analysis)? took too long.* task_id={soft}")
    worker.wait_until_succeeded("vector.calculate", soft)
    assert worker.child_pids() == [child]

    hard = analyse(celery_setup, pipe, soft_time_limit=6, time_limit=9)
    child = worker.wait_until_started(hard)
    worker.signal("STOP", child)  # like a process that hangs in the kernel, it receives no signal
    worker.assert_log_exists(f"Hard time limit (9s) exceeded for vector.calculate[{hard}]")
    worker.assert_log_exists("vector.calculate is given up")
    wait_until(lambda: worker.child_pids() and child not in worker.child_pids(), CONTAINER_TIMEOUT_SECONDS)
    worker.wait_until_succeeded("vector.calculate", analyse(celery_setup, MISSING_FILE))


def test_a_process_that_has_grown_beyond_500_mb_is_replaced(celery_setup: CeleryTestSetup, api: Api) -> None:
    worker: Any = celery_setup.worker
    before = set(worker.child_pids())  # one, or more while tracks of a test before are analysed
    batch = {
        "session_id": 0,
        "batch_id": "none",
        "files": [{"path": "x" * LARGE_PATH_CHARACTERS, "size": 0, "mtime_ns": 0}],
    }
    celery_setup.app.send_task("metadata.extract_batch", kwargs=batch, argsrepr="()", kwargsrepr="{}")
    worker.wait_until_succeeded("metadata.extract_batch")
    worker.assert_log_exists("exceeding memory limit")
    wait_until(lambda: before - set(worker.child_pids()), CONTAINER_TIMEOUT_SECONDS)
    celery_setup.app.send_task("maintenance.resume_sessions")
    worker.wait_until_succeeded("maintenance.resume_sessions")


def test_a_task_that_kills_its_process_each_time_is_given_up_after_three_retries(
    celery_setup: CeleryTestSetup, api: Api, pipe: str
) -> None:
    worker: Any = celery_setup.worker
    task = analyse(celery_setup, pipe)
    for time in range(1, 5):
        worker.wait_for_match(rf"Task vector\.calculate\[{task}\] received", time)
        worker.signal("KILL", worker.wait_until_started(task))
    worker.assert_log_exists("vector.calculate is given up: Worker exited prematurely")
    assert worker.log_count(rf"Task vector\.calculate\[{task}\] retry") == 3
    assert worker.log_count(rf"Task vector\.calculate\[{task}\] received") == 4
