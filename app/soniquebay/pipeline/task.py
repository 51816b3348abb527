"""How a stage becomes a Celery task, and what happens when a task fails for good."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

from celery import Task, shared_task
from celery.signals import task_failure
from kombu.exceptions import OperationalError

from soniquebay.pipeline import library_api
from soniquebay.worker.app import describe_broker_error, send

log = logging.getLogger(__name__)
Stage = TypeVar("Stage", bound=Callable[..., None])

# Failures may be recorded in the worker's main process, which must not be blocked for long.
RECORD_FAILURE_MAX_WAIT_SECONDS = 5.0
GIVE_BACK_MAX_WAIT_SECONDS = 5.0


class StageTask(Task):
    """A task that is retried soon when its process dies, and then fails for good."""

    max_retries = 3
    default_retry_delay = 5  # seconds; Celery's own is three minutes

    @staticmethod
    def record_failure(error: BaseException, arguments: dict[str, Any]) -> None:
        """Record through the API that the task with these arguments failed for good."""


class BatchTask(StageTask):
    """A task on a batch of files: if it fails for good, its files become listed failures and the scan continues."""

    @staticmethod
    def record_failure(error: BaseException, arguments: dict[str, Any]) -> None:
        """Close the batch."""
        path = f"/internal/batches/{arguments['batch_id']}/abandon"
        body = {"stage": "extract", "reason": describe_error(error)}
        library_api.post(path, body, RECORD_FAILURE_MAX_WAIT_SECONDS)


def describe_error(error: BaseException) -> str:
    """Return the reason shown to people for an error."""
    return f"{type(error).__name__}: {error}"


def forward(task: str, **arguments: Any) -> None:
    """Send the next stage; while Redis is down or full, try again, so that finished work is not repeated.

    Raises ``kombu.exceptions.OperationalError`` after `library_api.MAX_WAIT_SECONDS`.
    """
    deadline, delay = time.monotonic() + library_api.MAX_WAIT_SECONDS, 1.0
    while True:
        try:
            return send(task, **arguments)
        except OperationalError as error:
            if time.monotonic() + delay > deadline:
                raise
            log.warning("%s not sent yet. %s", task, describe_broker_error(error))
        time.sleep(delay)
        delay = min(delay * 2, 10.0)


def give_back(path: str) -> None:
    """Tell the API, by a path of its internal application, that a task of a paused scan drops its message.

    If it does not hear of it, the ledger notices after the scan is resumed that Redis has no message.
    """
    with suppress(library_api.ApiUnavailableError, library_api.RefusedError):
        library_api.post(path, {}, GIVE_BACK_MAX_WAIT_SECONDS)


def stage(name: str, base: type[StageTask] = StageTask) -> Callable[[Stage], Stage]:
    """Register a function as the Celery task of this name."""
    return cast("Callable[[Stage], Stage]", shared_task(name=name, base=base))


@task_failure.connect
def _record_failure(sender: Any, exception: BaseException, kwargs: dict[str, Any], **_: Any) -> None:
    # The signal instead of Task.on_failure: only the signal is also sent when the process of the task was killed.
    if isinstance(exception, library_api.ApiUnavailableError | OperationalError):
        log.warning("%s will be sent again: %s", sender.name, exception)
        return
    log.warning("%s is given up: %s", sender.name, exception)
    try:
        sender.record_failure(exception, kwargs)
    except (library_api.ApiUnavailableError, library_api.RefusedError) as error:
        log.warning("%s failed, and the API could not record it: %s", sender.name, error)
