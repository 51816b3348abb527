"""Keep a queue filled from the database: a few tasks at a time, however many rows wait.

Tracks that wait for analysis and albums that wait for a cover are rows. As messages they would all be in Redis at once,
and would be lost with it. So a queue gets a handful of tasks, and the next ones when half of those are done.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Hashable, Sequence

from soniquebay.library.queries import Row

Fetch = Callable[[sqlite3.Connection, int], list[Row]]
Send = Callable[[Sequence[Row]], bool]

# A sent row counts as lost after this time when its queue is empty. No task of these queues may take longer.
TASK_LOST_AFTER_SECONDS = 360.0
# The same when no worker has an unacknowledged message of the queue either.
MESSAGE_LOST_AFTER_SECONDS = 4.0


class QueueFeeder:
    """Keeps one queue filled, and knows which of its rows were sent and are not done."""

    def __init__(self, queue: str, size: int, fetch: Fetch, send: Send) -> None:
        """Make a feeder that keeps up to `size` rows in `queue`.

        `fetch` reads waiting rows, each with an `id`, up to a number. `send` sends rows as tasks and tells whether it
        succeeded.
        """
        self.queue = queue
        self._size = size
        self._fetch = fetch
        self._send = send
        self._sent_at: dict[Hashable, float] = {}
        self._lock = threading.Lock()
        self._queue_is_ours = False

    def mark_done(self, ids: Sequence[Hashable]) -> bool:
        """Note that rows are done; return True when the queue should be refilled."""
        with self._lock:
            for row_id in ids:
                self._sent_at.pop(row_id, None)
            return len(self._sent_at) <= self._size // 2

    def send_asked_for(self, row: Row) -> bool:
        """Send a row that somebody asks for, unless it waits already; return False when it could not be sent."""
        row_id = row["id"]
        with self._lock:
            if row_id in self._sent_at:
                return True
            self._sent_at[row_id] = time.monotonic()
        # Without the lock: a Redis that does not answer must not hold up those who say that a row is done.
        if self._send([row]):
            return True
        with self._lock:
            self._sent_at.pop(row_id, None)
        return False

    def resize(self, size: int) -> None:
        """Keep up to `size` rows in the queue from now on."""
        self._size = size

    def outstanding(self) -> set[Hashable]:
        """Return the ids of the rows that were sent and are not done."""
        with self._lock:
            return set(self._sent_at)

    def has_outstanding(self) -> bool:
        """Tell whether rows were sent that are not done."""
        return bool(self._sent_at)

    def refill(self, db: sqlite3.Connection, queued: int, *, has_unacknowledged: bool = True) -> int:
        """Fill the queue up; return how many rows were sent.

        `queued` is the number of messages that wait in the queue. `has_unacknowledged` tells whether a worker has
        received one of its messages and not acknowledged it.
        """
        with self._lock:
            now = time.monotonic()
            if queued == 0:
                self._queue_is_ours = True
                limit = TASK_LOST_AFTER_SECONDS if has_unacknowledged else MESSAGE_LOST_AFTER_SECONDS
                self._sent_at = {row_id: sent_at for row_id, sent_at in self._sent_at.items() if now - sent_at < limit}
            # Messages of an earlier process are unknown here, so the queue has to run empty once.
            if not self._queue_is_ours or len(self._sent_at) > self._size // 2:
                return 0
            free = self._size - len(self._sent_at)
            waiting = self._fetch(db, self._size + len(self._sent_at))
            rows = [row for row in waiting if row["id"] not in self._sent_at][:free]
            if not rows or not self._send(rows):
                return 0
            self._sent_at.update((row["id"], now) for row in rows)
            return len(rows)
