"""What the two ASGI applications share: the one database, and the ways to the worker and to the listeners."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from soniquebay.api.dispatch import Dispatcher
from soniquebay.api.events import ProgressFeed
from soniquebay.api.supply import Supply
from soniquebay.library.database import Database
from soniquebay.library.similarity import VectorIndex
from soniquebay.settings import Settings

if TYPE_CHECKING:
    from soniquebay.api.online import OnlineWork
    from soniquebay.api.watch import Watcher


@dataclass(slots=True)
class Services:
    """One object a process; made by `api/server.py`, or by a test."""

    settings: Settings
    database: Database
    dispatcher: Dispatcher
    progress: ProgressFeed
    online: "OnlineWork"
    wake: Callable[[], None] = lambda: None
    """Has the queues filled up soon; safe from any thread."""
    watcher: "Watcher | None" = None
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
