"""How a stage becomes a Celery task, and what is left of one that fails for good."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from celery import Task, shared_task
from celery.signals import task_failure
from kombu.exceptions import OperationalError

from soniquebay.pipeline import library_api
from soniquebay.worker.app import describe_broker_error, send

log = logging.getLogger(__name__)
Stage = TypeVar("Stage", bound=Callable[..., None])

GIVE_UP_PATIENCE = 5.0  # seconds; this may run in the worker's main process, which has others to serve


class StageTask(Task):
    """A task that is tried again soon when its process dies under it, and gives up after that."""

    max_retries = 3
    default_retry_delay = 5  # seconds; Celery's own is three minutes

    @staticmethod
    def give_up(error: BaseException, arguments: dict[str, Any]) -> None:
        """Leave a trace of what could not be done."""


class BatchTask(StageTask):
    """A task on a batch of files: if it fails for good, its files become listed failures and the scan goes on."""

    @staticmethod
    def give_up(error: BaseException, arguments: dict[str, Any]) -> None:
        """Close the batch."""
        path = f"/internal/batches/{arguments['batch_id']}/abandon"
        library_api.post(path, {"stage": "extract", "reason": reason_of(error)}, GIVE_UP_PATIENCE)


def reason_of(error: BaseException) -> str:
    """Return an error as it is shown to people."""
    return f"{type(error).__name__}: {error}"


def forward(task: str, **arguments: Any) -> None:
    """Send the next stage; waits for a Redis that is away or full, so that what was done need not be done again.

    Raises ``kombu.exceptions.OperationalError`` after `library_api.PATIENCE` seconds.
    """
    deadline, pause = time.monotonic() + library_api.PATIENCE, 1.0
    while True:
        try:
            return send(task, **arguments)
        except OperationalError as error:
            if time.monotonic() + pause > deadline:
                raise
            log.warning("%s waits. %s", task, describe_broker_error(error))
        time.sleep(pause)
        pause = min(pause * 2, 10.0)


def stage(name: str, base: type[StageTask] = StageTask) -> Callable[[Stage], Stage]:
    """Register a function as the task of this name."""
    return cast("Callable[[Stage], Stage]", shared_task(name=name, base=base))


@task_failure.connect
def _give_up(sender: Any, exception: BaseException, kwargs: dict[str, Any], **_: Any) -> None:
    # The signal and not Task.on_failure: only the signal also comes when the task's process was killed.
    if isinstance(exception, library_api.ApiUnavailableError | OperationalError):
        log.warning("%s will be sent again: %s", sender.name, exception)
        return
    log.warning("%s is given up: %s", sender.name, exception)
    try:
        sender.give_up(exception, kwargs)
    except (library_api.ApiUnavailableError, library_api.RefusedError) as error:
        log.warning("%s failed, and the API could not be told: %s", sender.name, error)
