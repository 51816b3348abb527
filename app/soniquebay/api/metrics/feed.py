"""The metrics as text, gathered once for all who ask at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.metrics.requests import RequestCounts
from soniquebay.api.shared_run import SharedRun
from soniquebay.api.storage import Storage
from soniquebay.library.database import Database
from soniquebay.settings import Settings

if TYPE_CHECKING:
    from soniquebay.api.metrics.exposition import Exposition


class MetricsFeed:
    """Gathers the metrics when somebody asks, and never while nobody does."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        storage: Storage,
        dispatcher: Dispatcher,
        counts: RequestCounts,
        *,
        certificate_end: Callable[[], float | None],
    ) -> None:
        """`certificate_end`: returns when the owner's certificate ends (Unix seconds), None without one."""
        self._sources = settings, database, storage, dispatcher, counts
        self._certificate_end = certificate_end
        self._exposition: Exposition | None = None
        self._run: SharedRun[bytes] = SharedRun("metrics")

    async def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return await self._run.result(self._gather)

    def _gather(self) -> bytes:
        # It loads prometheus_client, which takes 2 MB: only where somebody asks.
        from soniquebay.api.metrics.exposition import Exposition

        if self._exposition is None:
            self._exposition = Exposition(*self._sources, certificate_end=self._certificate_end)
        return self._exposition.text()
