"""A window of look-ups: one after another, each answer told to the API, until the first trouble."""

import logging
import time
from collections.abc import Callable
from typing import Any

from soniquebay.library.enrichment import Item
from soniquebay.online.errors import UpstreamError
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import GIVE_UP_PATIENCE, StageTask

log = logging.getLogger(__name__)

# Seconds that a window may hold its process. The API's lease is longer, and covers the last look-up begun.
LIMIT = 60.0


class OnlineTask(StageTask):
    """A window that cannot be worked on puts its look-ups off: one that ends its process must not do so for ever."""

    @staticmethod
    def give_up(error: BaseException, arguments: dict[str, Any]) -> None:
        """Put the look-ups off."""
        library_api.post("/internal/online/postpone", arguments["items"], GIVE_UP_PATIENCE)


def work(service: str, items: list[Item], look_up: Callable[[Item], None]) -> None:
    """Look items up while nothing goes wrong, then tell the API how the service is; the API sends the next window."""
    end = time.monotonic() + LIMIT
    for item in items:
        if time.monotonic() > end:
            break
        try:
            look_up(item)
        except UpstreamError as error:
            if error.answered:
                library_api.post("/internal/online/postpone", [item])
            trouble = {"reason": error.reason, "retry_after": error.retry_after}
            library_api.post(f"/internal/online/services/{service}/down", trouble)
            return
    library_api.post(f"/internal/online/services/{service}/up", {})
