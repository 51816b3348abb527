"""Give workers on other machines tracks to analyse: a few each, under leases."""

import logging
import sqlite3
import time
from collections.abc import Callable, Collection
from typing import Any

from kombu.exceptions import OperationalError

from soniquebay.allowed_workers import queue_of
from soniquebay.library import leases
from soniquebay.library.database import Database
from soniquebay.library.queries import Row
from soniquebay.listeners.remote_workers import Presence, RemoteWorkers
from soniquebay.worker.app import describe_broker_error, send_many_to

log = logging.getLogger(__name__)

MESSAGE_LOST_AFTER_SECONDS = 40.0
# Since its queue is empty. The first may have been written before the worker took the last message.
HEARTBEATS_UNTIL_LOST = 2
TRACKS_OF_PROCESS = 3  # one is analysed, and the next ones wait for no round trip


class RemoteFeeder:
    """Keeps the queues of the workers on other machines filled, and ends their leases."""

    def __init__(
        self,
        database: Database,
        workers: RemoteWorkers,
        sent_here: Callable[[], Collection[int]],
        queue_length: Callable[[str], int],
    ) -> None:
        """`sent_here` returns the tracks that were sent to the workers of this machine and are not done.

        `queue_length` returns how many messages wait in a queue.
        """
        self._database = database
        self._workers = workers
        self._sent_here = sent_here
        self._queue_length = queue_length
        # Of each worker whose queue is empty: when it was heard of last, and how often since then.
        self._heard_since_empty: dict[str, tuple[float, int]] = {}

    def refill(self, *, is_delayed: bool) -> int:
        """End leases that are over, and lease tracks to workers that have room; return how many.

        With `is_delayed` nothing new is given. Raises ``sqlite3.Error`` and ``redis.RedisError``.
        """
        db, now = self._database.reader(), time.time()
        ended = leases.ended(db, self._workers.present_or_unknown(), now)
        if ended.deserted or ended.late:
            log.warning("%d tracks of workers on other machines are given to others", len(ended.deserted + ended.late))
            with self._database.transaction() as writer:
                leases.end(writer, ended.deserted)
                leases.leave_here(writer, ended.late)
        present = self._workers.present()
        queued = {worker: self._queue_length(queue_of(worker)) for worker in present}
        for worker, seen in present.items():
            self._end_lost(db, worker, seen, queued[worker], now)
        if is_delayed:
            return 0
        return sum(self._fill(db, worker, seen.processes, queued[worker]) for worker, seen in present.items())

    def _end_lost(self, db: sqlite3.Connection, worker: str, seen: Presence, queued: int, now: float) -> None:
        # A message that was on its way when a connection was lost is nowhere any more, and a task that failed neither.
        if queued:
            self._heard_since_empty.pop(worker, None)
            return
        last, heard = self._heard_since_empty.get(worker, (seen.at, 0))
        heard += seen.at > last
        self._heard_since_empty[worker] = seen.at, heard
        lost = leases.lost(db, worker, seen.busy, now - MESSAGE_LOST_AFTER_SECONDS)
        if lost and heard >= HEARTBEATS_UNTIL_LOST:
            log.warning("%d tracks that remote worker %s does not have are analysed here", len(lost), worker)
            with self._database.transaction() as writer:
                leases.leave_here(writer, lost)

    def _fill(self, db: sqlite3.Connection, worker: str, processes: int, queued: int) -> int:
        size = min(TRACKS_OF_PROCESS * processes, leases.MAX_TRACKS_OF_WORKER)
        # A worker that takes no messages would fill Redis: its leases end, and the messages stay.
        has = max(leases.count_of(db, worker), queued)
        if has > size // 2:
            return 0
        with self._database.transaction() as writer:
            rows = leases.take(writer, worker, size - has, self._sent_here(), time.time())
        if not rows:
            return 0
        try:
            send_many_to(queue_of(worker), "vector.calculate", map(_arguments, rows))
        except OperationalError as error:
            log.warning("nothing sent to remote worker %s. %s", worker, describe_broker_error(error))
            with self._database.transaction() as writer:
                leases.end(writer, [row["id"] for row in rows])
            return 0
        return len(rows)


def _arguments(row: Row) -> dict[str, Any]:
    """Return the arguments of a track's analysis elsewhere: of the path only the suffix, which tells the format."""
    _, dot, suffix = row["path"].rpartition("/")[2].rpartition(".")
    arguments = {"track_id": row["id"], "suffix": suffix if dot and suffix.isascii() and suffix.isalnum() else ""}
    return {**arguments, "start": row["start_seconds"], "seconds": row["seconds"]} if row["part"] else arguments
