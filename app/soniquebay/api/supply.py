"""Queues kept supplied from the database: a few tasks at a time, however much waits there.

What waits to be analysed, to get a cover or to get its genres is in the rows. All of it as messages at once would fill
Redis with a large library, and would be lost with it; so a queue gets a handful, and the next ones when they are done.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

from soniquebay.library.queries import Row

Fetch = Callable[[sqlite3.Connection, int], list[Row]]
Send = Callable[[Sequence[Row]], bool]

STALE = 360.0  # seconds after which a task whose queue is empty counts as lost; longer than any of them may take
LOST = 4.0  # seconds without a move after which work counts as lost of which nothing in Redis speaks


class Supply:
    """The tasks of one queue that were sent and have not come back."""

    def __init__(self, queue: str, size: int, fetch: Fetch, send: Send) -> None:
        """`fetch` reads up to so many rows that wait, each with an `id`; `send` hands some of them to the queue."""
        self.queue = queue
        self._size = size
        self._fetch = fetch
        self._send = send
        self._sent: dict[int, float] = {}
        self._lock = threading.Lock()
        self._knows_queue = False

    def done(self, ids: Sequence[int]) -> bool:
        """Note what came back; True when the queue should be filled up."""
        with self._lock:
            for item in ids:
                self._sent.pop(item, None)
            return len(self._sent) <= self._size // 2

    def expects_any(self) -> bool:
        """Tell whether anything was sent that has not come back."""
        return bool(self._sent)

    def refill(self, db: sqlite3.Connection, waiting: int, *, in_hand: bool = True) -> int:
        """Fill the queue up; returns how many rows were sent.

        `waiting` is how many messages are in it now, `in_hand` whether a worker has taken one of them.
        """
        with self._lock:
            now = time.monotonic()
            if waiting == 0:
                self._knows_queue = True
                patience = STALE if in_hand else LOST
                self._sent = {item: sent for item, sent in self._sent.items() if now - sent < patience}
            # What a process before this one sent is not known here, so it is used up first.
            if not self._knows_queue or len(self._sent) > self._size // 2:
                return 0
            room = self._size - len(self._sent)
            rows = [row for row in self._fetch(db, self._size + len(self._sent)) if row["id"] not in self._sent][:room]
            if not rows or not self._send(rows):
                return 0
            self._sent.update((int(row["id"]), now) for row in rows)
            return len(rows)


def chunks(rows: Sequence[Row], size: int) -> list[Sequence[Row]]:
    """Split rows into parts of at most `size`."""
    return [rows[i : i + size] for i in range(0, len(rows), size)]
