"""The lookups of one task: one after another, each result sent to the API, until the first error."""

import logging
import time
from collections.abc import Callable
from typing import Any

from soniquebay.library.enrichment import Lookup
from soniquebay.online.errors import UpstreamError
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import RECORD_FAILURE_MAX_WAIT_SECONDS, StageTask

log = logging.getLogger(__name__)

# Shorter than the lease of the API, which also covers the last lookup that was begun.
MAX_TASK_SECONDS = 60.0


class OnlineTask(StageTask):
    """A task whose lookups are postponed if it fails for good: one that kills its process must not do so forever."""

    @staticmethod
    def record_failure(error: BaseException, arguments: dict[str, Any]) -> None:
        """Postpone the lookups."""
        library_api.post("/internal/online/postpone", arguments["items"], RECORD_FAILURE_MAX_WAIT_SECONDS)


def run_lookups(service: str, lookups: list[Lookup], look_up: Callable[[Lookup], None]) -> None:
    """Make lookups until the first error, then report to the API whether the service is up or down.

    The API then sends the next lookups. Those that this task had no time for are still due.
    """
    deadline = time.monotonic() + MAX_TASK_SECONDS
    for lookup in lookups:
        if time.monotonic() > deadline:
            break
        try:
            look_up(lookup)
        except UpstreamError as error:
            if error.answered:
                library_api.post("/internal/online/postpone", [lookup])
            body = {"reason": error.reason, "retry_after": error.retry_after}
            library_api.post(f"/internal/online/services/{service}/down", body)
            return
    library_api.post(f"/internal/online/services/{service}/up", {})
