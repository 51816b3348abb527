"""What the two ASGI applications share: the one database, and the ways to the worker and to the listeners."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from soniquebay.api.dispatch import Dispatcher
from soniquebay.api.events import ProgressFeed
from soniquebay.api.lookups import Lookups
from soniquebay.api.supply import Supply
from soniquebay.library.database import Database
from soniquebay.library.similarity import VectorIndex
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
    wake: Callable[[], None] = lambda: None
    """Has the queues filled up soon; safe from any thread."""
    watch_state: Callable[[], dict[str, Any]] = _unwatched
    """How the folders of music are watched, as `models.WatchState` has it."""
    vectors: VectorIndex = field(init=False)

    def __post_init__(self) -> None:
        self.vectors = VectorIndex(self.database.reader)

    def came_back(self, supply: Supply, ids: Sequence[int]) -> None:
        """Note what a queue has done, and fill it up in time."""
        if supply.done(ids):
            self.wake()


def get_services(request: Request) -> Any:
    """Return the services of the application that got the request."""
    return request.app.state.services


Shared = Annotated[Services, Depends(get_services)]
