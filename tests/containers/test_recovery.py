"""No task is lost or done twice when the broker restarts, the worker is killed or the API is unavailable."""

from typing import Any

from pytest_celery import CeleryTestSetup

from tests.containers.components import CONTAINER_TIMEOUT_SECONDS, Api
from tests.support.stack import wait_until

WAITS_FOR_API = r"waiting for the API \(.*task=scan\.discovery task_id=([0-9a-f-]+)"


def wait_for_waiting_discovery(worker: Any, times: int = 1) -> str:
    """Wait until a discovery waits for the API in the middle of its work, and return its task id."""
    return str(worker.wait_for_match(WAITS_FOR_API, times))


def test_a_task_is_retried_when_its_process_dies_and_waits_for_an_unavailable_api(
    celery_setup: CeleryTestSetup, api: Api
) -> None:
    worker: Any = celery_setup.worker
    with api.unavailable():
        session_id = api.scan()
        task = wait_for_waiting_discovery(worker)
        worker.signal("KILL", worker.wait_until_started(task))
        worker.wait_for_match(rf"Task scan\.discovery\[{task}\] retry: Retry in 5s")
        worker.wait_for_match(rf"Task scan\.discovery\[{task}\] received", 2)
        waits = worker.log_count(WAITS_FOR_API)
        wait_for_waiting_discovery(worker, waits + 2)
        assert worker.log_count(rf"{task}\] succeeded") == 0
    worker.wait_until_succeeded("scan.discovery", task)
    api.wait_until_completed(session_id)
    assert worker.log_count(r"Task scan\.discovery\[.+ received") == 2


def test_a_task_is_done_once_when_the_broker_restarts_under_it(celery_setup: CeleryTestSetup, api: Api) -> None:
    worker: Any = celery_setup.worker
    redis: Any = celery_setup.broker.container  # type: ignore[union-attr]
    began = worker.started_at()
    with api.unavailable():
        session_id = api.scan()
        task = wait_for_waiting_discovery(worker)
        celery_setup.broker.restart()  # type: ignore[union-attr]
        worker.wait_for_match("Connected to redis", 2)
        assert redis.unacknowledged() != []  # Redis still has the unacknowledged message
    worker.wait_until_succeeded("scan.discovery", task)
    api.wait_until_completed(session_id)
    wait_until(lambda: redis.unacknowledged() == [], CONTAINER_TIMEOUT_SECONDS)  # acknowledged over a new connection
    celery_setup.app.send_task("maintenance.resume_sessions")
    worker.wait_until_succeeded("maintenance.resume_sessions")
    assert worker.log_count(r"Task scan\.discovery\[.+ received") == 1
    assert worker.log_count(r"Task scan\.discovery\[.+ succeeded") == 1
    assert worker.started_at() == began


def test_a_killed_worker_does_its_task_after_its_restart(celery_setup: CeleryTestSetup, api: Api) -> None:
    worker: Any = celery_setup.worker
    redis: Any = celery_setup.broker.container  # type: ignore[union-attr]
    with api.unavailable():
        session_id = api.scan()
        task = wait_for_waiting_discovery(worker)
        worker.kill()
        wait_until(worker.has_ended)
        assert redis.unacknowledged() != []
        worker.restart()
        worker.wait_for_match(r"restored \d+ tasks of a worker that was killed")  # others were at work, too
        worker.wait_for_match(rf"scan\.discovery\[{task}\] received", 2)
    worker.wait_until_succeeded("scan.discovery", task)
    api.wait_until_completed(session_id)
    wait_until(lambda: redis.unacknowledged() == [], CONTAINER_TIMEOUT_SECONDS)
    assert worker.log_count(r"Task scan\.discovery\[.+ succeeded") == 1
