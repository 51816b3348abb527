"""Work that many requests ask for at once, and that is done once for all of them."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedRun(Generic[T]):
    """Runs a job in a thread of its own, once for all who ask while it runs. Safe from any thread and event loop."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, name)
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    async def result(self, job: Callable[[], T]) -> T:
        """Return what the job that runs returns, or start this one. Raises what it raises."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = self._executor.submit(job)
            running = self._running
        # One who leaves must not cancel it for the others.
        return await asyncio.shield(asyncio.wrap_future(running))
