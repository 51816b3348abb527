"""Reading many files with a few threads, with a deadline for each file."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class DeadlineThreadPool(Generic[Item, Result]):
    """Threads that share a list of items; while one waits for the disk another parses.

    A thread that hangs in a file is left behind: nothing in Python can end it, so the process should be replaced soon.
    """

    def __init__(self, read: Callable[[Item], Result], too_late: Callable[[Item], Result], deadline: float) -> None:
        """`read` must not raise; `too_late` makes the result of an item that took over `deadline` seconds."""
        self._read = read
        self._too_late = too_late
        self._deadline = deadline
        self._lock = threading.Lock()
        self._moved = threading.Condition(self._lock)
        self.hanging = 0
        """Threads left behind."""

    def run(self, items: Sequence[Item], threads: int) -> list[Result]:
        """Return the result of each item, in their order."""
        self._items = items
        self._results: dict[int, Result] = {}
        self._next = 0
        self._begun: dict[threading.Thread, tuple[int, float]] = {}
        with self._moved:
            for _ in range(min(threads, len(items))):
                self._start()
            while len(self._results) < len(items):
                self._moved.wait(self._patience())
                self._leave_behind()
        return [self._results[place] for place in range(len(items))]

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, daemon=True)
        self._begun[thread] = (-1, time.monotonic())
        thread.start()

    def _work(self) -> None:
        me = threading.current_thread()
        while True:
            with self._lock:
                if me not in self._begun or self._next >= len(self._items):
                    return
                place, self._next = self._next, self._next + 1
                self._begun[me] = (place, time.monotonic())
            result = self._read(self._items[place])
            with self._moved:
                if me not in self._begun:
                    return  # left behind; its item has its result
                self._results[place] = result
                if len(self._results) == len(self._items):
                    self._moved.notify_all()

    def _patience(self) -> float:
        oldest = min((begun for _, begun in self._begun.values()), default=time.monotonic())
        return max(0.01, oldest + self._deadline - time.monotonic())

    def _leave_behind(self) -> None:
        now = time.monotonic()
        for thread, (place, begun) in list(self._begun.items()):
            if place in self._results or place < 0 or now - begun < self._deadline:
                continue
            del self._begun[thread]
            self.hanging += 1
            self._results[place] = self._too_late(self._items[place])
            self._start()
