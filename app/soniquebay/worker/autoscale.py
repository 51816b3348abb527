"""One process when idle, four under load, fewer when memory is short."""

import logging
from typing import Any

from celery.worker.autoscale import Autoscaler

from soniquebay.worker.memory import available_mb, pressure

log = logging.getLogger(__name__)

RESERVE_MB = 300  # left to the system, Redis and the API
CHILD_MB = 200  # what one more busy process takes at worst before it is recycled or held by the cgroup
MAX_PRESSURE = 10.0  # percent


class MemoryAutoscaler(Autoscaler):
    """Celery's autoscaler under a ceiling that memory sets."""

    def ceiling(self) -> int:
        """Return how many processes memory bears now."""
        room = (available_mb() - RESERVE_MB) // CHILD_MB
        cap = self.processes + room if room >= 0 else self.processes - 1
        if pressure() > MAX_PRESSURE:
            cap = min(cap, self.processes - 1)
        return int(max(self.min_concurrency, min(self.max_concurrency, cap)))

    def _maybe_scale(self, req: Any = None) -> bool | None:
        cap, now = self.ceiling(), self.processes
        # With prefetch off the worker takes as many tasks as this says.
        self.worker.max_concurrency = cap
        # One ahead of the load: as no task is prefetched, the queue behind a busy pool cannot be seen from here.
        busy = self.qty
        want = min(max(busy + 1 if busy >= now else busy, self.min_concurrency), cap)
        if want > now:
            self.scale_up(1)
        elif want < now:
            self.scale_down(now - want)  # keeps them for a while, and idle ones alone can go
        if self.processes == now:
            return None
        log.info("autoscale %d -> %d: %d busy, memory bears %d", now, self.processes, busy, cap)
        return True
