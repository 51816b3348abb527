"""Nothing is lost and nothing is done twice: the broker restarted, the worker killed, the API away."""

from typing import Any

from pytest_celery import CeleryTestSetup

from tests.containers.appliance import EMULATED, Api
from tests.stack import wait_until

WAITS = r"scan\.discovery\[([0-9a-f-]+)\] waiting for the API"


def discovery_waits(worker: Any, times: int = 1) -> str:
    """Wait until a discovery is in the middle of its work, the API away, and return its id."""
    return str(worker.until(WAITS, times))


def test_a_task_is_tried_again_when_its_process_dies_and_waits_for_an_api_that_is_away(
    celery_setup: CeleryTestSetup, api: Api
) -> None:
    worker: Any = celery_setup.worker
    with api.away():
        session = api.scan()
        task = discovery_waits(worker)
        [child] = worker.children()
        worker.signal("KILL", child)
        worker.until(rf"Task scan\.discovery\[{task}\] retry: Retry in 5s")
        worker.until(rf"Task scan\.discovery\[{task}\] received", 2)
        waited = worker.count(WAITS)
        discovery_waits(worker, waited + 2)
        assert worker.count(rf"{task}\] succeeded") == 0
    worker.succeeded("scan.discovery", task)
    api.completed(session)
    assert worker.count(r"Task scan\.discovery\[.+ received") == 2


def test_a_broker_restarted_under_a_task_has_it_done_once(celery_setup: CeleryTestSetup, api: Api) -> None:
    worker: Any = celery_setup.worker
    redis: Any = celery_setup.broker.container  # type: ignore[union-attr]
    began = worker.started_at()
    with api.away():
        session = api.scan()
        task = discovery_waits(worker)
        celery_setup.broker.restart()  # type: ignore[union-attr]
        worker.until("Connected to redis", 2)
        assert redis.taken() != []  # Redis has kept that the worker has it
    worker.succeeded("scan.discovery", task)
    api.completed(session)
    wait_until(lambda: redis.taken() == [], EMULATED)  # acknowledged, over a connection that was new
    celery_setup.app.send_task("maintenance.resume_sessions")
    worker.succeeded("maintenance.resume_sessions")
    assert worker.count(r"Task scan\.discovery\[.+ received") == 1
    assert worker.count(r"Task scan\.discovery\[.+ succeeded") == 1
    assert worker.started_at() == began


def test_a_worker_killed_in_a_task_does_it_when_it_is_back(celery_setup: CeleryTestSetup, api: Api) -> None:
    worker: Any = celery_setup.worker
    redis: Any = celery_setup.broker.container  # type: ignore[union-attr]
    with api.away():
        session = api.scan()
        task = discovery_waits(worker)
        worker.kill()
        wait_until(worker.has_ended)
        assert redis.taken() != []
        worker.restart()
        worker.assert_log_exists("restored 1 tasks of a worker that was killed")
        worker.until(rf"scan\.discovery\[{task}\] received", 2)
    worker.succeeded("scan.discovery", task)
    api.completed(session)
    wait_until(lambda: redis.taken() == [], EMULATED)
    assert worker.count(r"Task scan\.discovery\[.+ succeeded") == 1
