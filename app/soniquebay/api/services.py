"""What the two ASGI applications share: the one database, and the ways to the worker and to the listeners."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.events import ProgressFeed
from soniquebay.api.lookups import Lookups
from soniquebay.api.queue_feeder import QueueFeeder
from soniquebay.library.database import Database
from soniquebay.library.similarity.index import SimilarityIndex
from soniquebay.settings import Settings


def _unwatched() -> dict[str, Any]:
    return {"ready": False, "waiting": 0, "roots": []}


@dataclass(slots=True)
class Services:
    """One object a process; made by `api/server.py`, or by a test."""

    settings: Settings
    database: Database
    dispatcher: Dispatcher
    progress: ProgressFeed
    lookups: Lookups
    request_refill: Callable[[], None] = lambda: None
    """Has the queues filled up soon; safe from any thread."""
    watch_state: Callable[[], dict[str, Any]] = _unwatched
    """How the folders of music are watched, as `models.WatchState` has it."""
    vectors: SimilarityIndex = field(init=False)

    def __post_init__(self) -> None:
        self.vectors = SimilarityIndex(self.database.reader)

    def tasks_finished(self, feeder: QueueFeeder, ids: Sequence[int]) -> None:
        """Note what a queue has done, and fill it up in time."""
        if feeder.mark_done(ids):
            self.request_refill()


def get_services(request: Request) -> Any:
    """Return the services of the application that got the request."""
    return request.app.state.services


Shared = Annotated[Services, Depends(get_services)]
