"""The metrics as text, gathered once for all who ask at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soniquebay.api.metrics.sources import Sources
from soniquebay.api.shared_run import SharedRun

if TYPE_CHECKING:
    from soniquebay.api.metrics.exposition import Exposition


class MetricsFeed:
    """Gathers the metrics when somebody asks, and never while nobody does."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._exposition: Exposition | None = None
        self._run: SharedRun[bytes] = SharedRun("metrics")

    async def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return await self._run.result(self._gather)

    def _gather(self) -> bytes:
        # It loads prometheus_client, which takes 2 MB: only where somebody asks.
        from soniquebay.api.metrics.exposition import Exposition

        if self._exposition is None:
            self._exposition = Exposition(self._sources)
        return self._exposition.text()
