"""What the metrics are gathered from."""

from collections.abc import Callable
from typing import NamedTuple

from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.metrics.requests import RequestCounts
from soniquebay.api.storage import Storage
from soniquebay.library.database import Database
from soniquebay.settings import Settings


class RemoteFigures(NamedTuple):
    """What is known of the workers on other machines."""

    joined: int
    present: int
    suspended: int
    leases: int
    vectors_brought: int


class Sources(NamedTuple):
    """The parts of the API that have figures."""

    settings: Settings
    database: Database
    storage: Storage
    dispatcher: Dispatcher
    counts: RequestCounts
    certificate_end: Callable[[], float | None]
    """Return when the owner's certificate ends (Unix seconds), None without one."""
    remote_figures: Callable[[], RemoteFigures]
    """Return what is known of the workers on other machines. Raises ``sqlite3.Error``."""
