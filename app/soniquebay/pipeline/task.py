"""How a stage becomes a Celery task."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

from celery import Task, shared_task
from kombu.exceptions import OperationalError

from soniquebay.pipeline import library_api

log = logging.getLogger(__name__)
Stage = TypeVar("Stage", bound=Callable[..., None])


class BatchTask(Task):
    """A task on a batch of files: if it fails for good, its files become listed failures and the scan goes on."""

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: dict[str, Any], einfo: Any) -> None:
        """Close the batch; an API or a Redis that is away is no failure, the ledger sends the batch again."""
        if isinstance(exc, library_api.ApiUnavailableError | OperationalError):
            log.warning("batch %s will be sent again: %s", kwargs["batch_id"], exc)
            return
        reason = f"{type(exc).__name__}: {exc}"
        library_api.post(
            f"/internal/batches/{kwargs['batch_id']}/abandon", {"stage": self.name.split(".")[0], "reason": reason}
        )


def stage(name: str, base: type[Task] = Task) -> Callable[[Stage], Stage]:
    """Register a function as the task of this name."""
    return cast("Callable[[Stage], Stage]", shared_task(name=name, base=base))
