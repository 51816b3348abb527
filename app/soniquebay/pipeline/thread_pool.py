"""Reading many files with a few threads, with a deadline for each file."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class DeadlineThreadPool(Generic[Item, Result]):
    """Threads that share a list of items: while one waits for the disk, another parses.

    A thread that misses its deadline is abandoned and replaced. Python cannot end it, so replace the process soon.
    """

    def __init__(
        self, read: Callable[[Item], Result], timeout_result: Callable[[Item], Result], timeout_seconds: float
    ) -> None:
        """`read` must not raise. `timeout_result` makes the result of an item that took over `timeout_seconds`."""
        self._read = read
        self._timeout_result = timeout_result
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._finished = threading.Condition(self._lock)
        self.abandoned_threads = 0

    def run(self, items: Sequence[Item], threads: int) -> list[Result]:
        """Return the result of each item, in the order of the items."""
        self._items = items
        self._results: dict[int, Result] = {}
        self._next_index = 0
        self._active: dict[threading.Thread, tuple[int, float]] = {}  # index of its item, and start time
        with self._finished:
            for _ in range(min(threads, len(items))):
                self._start_thread()
            while len(self._results) < len(items):
                self._finished.wait(self._seconds_to_deadline())
                self._abandon_overdue_threads()
        return [self._results[index] for index in range(len(items))]

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, daemon=True)
        self._active[thread] = (-1, time.monotonic())  # no item yet
        thread.start()

    def _work(self) -> None:
        thread = threading.current_thread()
        while True:
            with self._lock:
                if thread not in self._active or self._next_index >= len(self._items):
                    return
                index, self._next_index = self._next_index, self._next_index + 1
                self._active[thread] = (index, time.monotonic())
            result = self._read(self._items[index])
            with self._finished:
                if thread not in self._active:
                    return  # abandoned; its item has the timeout result
                self._results[index] = result
                if len(self._results) == len(self._items):
                    self._finished.notify_all()

    def _seconds_to_deadline(self) -> float:
        earliest_start = min((started for _, started in self._active.values()), default=time.monotonic())
        return max(0.01, earliest_start + self._timeout_seconds - time.monotonic())

    def _abandon_overdue_threads(self) -> None:
        now = time.monotonic()
        for thread, (index, started) in list(self._active.items()):
            if index in self._results or index < 0 or now - started < self._timeout_seconds:
                continue
            del self._active[thread]
            self.abandoned_threads += 1
            self._results[index] = self._timeout_result(self._items[index])
            self._start_thread()
