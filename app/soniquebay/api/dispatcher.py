"""Tasks that the API sends. What cannot be sent now stays in the database and is sent later."""

import logging
import shutil
import sqlite3
import time
from collections.abc import Sequence
from typing import Any, cast

import redis
from kombu.exceptions import OperationalError

from soniquebay.api.queue_feeder import MESSAGE_LOST_AFTER_SECONDS, QueueFeeder, chunks
from soniquebay.library import queries, sessions
from soniquebay.library.database import Database
from soniquebay.library.queries import Row
from soniquebay.library.sessions import Batch
from soniquebay.overrides.unacknowledged import queues_with_unacknowledged
from soniquebay.settings import KEY_PREFIX
from soniquebay.worker.app import describe_broker_error, send, send_many
from soniquebay.worker.config import PRIORITY_STEPS

log = logging.getLogger(__name__)

WARN_EVERY = 60.0  # seconds; what hinders is looked at far more often than a log has to say so
ROOM = 1 << 20  # bytes; with less on its disk the database takes nothing more, or soon will not
HOLD = 300.0  # seconds for which a scan has the machine to itself: first everything is found, then it is analysed
VECTORS, COVERS, GENRES = 100, 50, 1000  # so many at a time
GENRES_PER_TASK = 200  # tracks
_SCAN_QUEUES = ("scan", "extract", "batch", "insert")
_SEPARATOR = "\x06\x16"  # kombu's, between queue name and priority


class Dispatcher:
    """Sends tasks, and sends again those that Redis forgot."""

    def __init__(self, database: Database, broker: "redis.Redis") -> None:
        self._database = database
        self._broker = broker
        self._warned: dict[str, float] = {}
        self.vector_feeder = QueueFeeder("vector", VECTORS, queries.to_analyse, self._send_vectors)
        self.cover_feeder = QueueFeeder("covers", COVERS, queries.without_cover, self._send_covers)
        self.genre_feeder = QueueFeeder("deferred", GENRES, queries.without_genres, self._send_genres)

    def send(self, task: str, **arguments: Any) -> bool:
        """Send a task; False, with a line in the log, when Redis cannot be reached."""
        try:
            send(task, **arguments)
        except OperationalError as error:
            log.warning("%s not sent now. %s", task, describe_broker_error(error))
            return False
        return True

    def discovery(self, session_id: int) -> bool:
        """Start the walk of a session."""
        return self.send("scan.discovery", session_id=session_id)

    def batch(self, batch: Batch) -> bool:
        """Hand a batch to its first stage; False when it is not on its way."""
        return self.send("metadata.extract_batch", session_id=batch.session_id, batch_id=batch.id, files=batch.files)

    def vector(self, db: sqlite3.Connection, track_id: int) -> bool:
        """Have a track's vector computed anew; False when there is no such track."""
        path = queries.file_of_track(db, track_id)
        if path is not None:
            self.send("vector.calculate", track_id=track_id, path=path)
        return path is not None

    def refill(self) -> int:
        """Fill the queues of what follows an insert; returns how many things were sent."""
        try:
            db = self._database.reader()
            if self._is_held(db):
                return 0
            return sum(
                self._refill(db, feeder) for feeder in (self.vector_feeder, self.cover_feeder, self.genre_feeder)
            )
        except redis.RedisError as error:
            log.warning("nothing sent. %s", describe_broker_error(error))
            return 0

    def _refill(self, db: sqlite3.Connection, feeder: QueueFeeder) -> int:
        waiting = self.waiting(feeder.queue)
        # In this order: what is taken meanwhile is then counted twice, never not at all.
        taken = not waiting and feeder.has_outstanding() and feeder.queue in queues_with_unacknowledged(self._broker)
        return feeder.refill(db, waiting, has_unacknowledged=taken)

    @staticmethod
    def _is_held(db: sqlite3.Connection) -> bool:
        session = sessions.active_session(db)
        if session is None:
            return False
        return bool(session["status"] == "paused" or time.time() - session["started_at"] < HOLD)

    def _send_vectors(self, rows: Sequence[Row]) -> bool:
        return self._send_all("vector.calculate", [{"track_id": r["id"], "path": r["path"]} for r in rows])

    def _send_covers(self, rows: Sequence[Row]) -> bool:
        found = [{"album_id": r["id"], "path": r["path"], "has_picture": bool(r["has_picture"])} for r in rows]
        return self._send_all("covers.extract", found)

    def _send_genres(self, rows: Sequence[Row]) -> bool:
        parts = [{"raw": {str(r["id"]): r["genre_raw"] for r in part}} for part in chunks(rows, GENRES_PER_TASK)]
        return self._send_all("enrich.genres", parts)

    @staticmethod
    def _send_all(task: str, arguments: Sequence[dict[str, Any]]) -> bool:
        try:
            send_many((task, one) for one in arguments)
        except OperationalError as error:
            log.warning("%s not sent now. %s", task, describe_broker_error(error))
            return False
        return True

    def resume(self) -> dict[str, int]:
        """Send again what nothing in Redis stands for any more; returns how much of each."""
        return {**self.send_lost(), "follow_ups": self.refill()}

    def send_lost(self) -> dict[str, int]:
        """Send again what a scan lost; returns how much of each."""
        counts = {"discoveries": 0, "batches": 0, "abandoned": 0}
        try:
            session = sessions.active_session(self._database.reader())
            if session is None or session["status"] != "running":
                return counts
            if problem := self._no_room():
                self._warn("nothing sent again until there is room", problem)
            elif not self._at_work():
                self._resume_sessions(counts)
        except redis.RedisError as error:
            self._warn("nothing resumed", describe_broker_error(error))
        return counts

    def _warn(self, what: str, why: str) -> None:
        now = time.monotonic()
        if now - self._warned.get(what, float("-inf")) >= WARN_EVERY:
            self._warned[what] = now
            log.warning("%s: %s", what, why)

    def _no_room(self) -> str | None:
        """Say which is full, the disk or Redis: what fails for that was not tried in vain."""
        free = shutil.disk_usage(self._database.path.parent).free
        if free < ROOM:
            return f"the disk is full, {self._database.path.parent} has {free} bytes left; delete something there"
        memory = cast("dict[str, int]", self._broker.info("memory"))
        if 0 < memory["maxmemory"] <= memory["used_memory"]:
            return f"Redis is full, it uses {memory['used_memory']} bytes of {memory['maxmemory']}"
        return None

    def _at_work(self) -> bool:
        """Tell whether anything in Redis stands for a scan: a message that waits, or one that a worker has taken."""
        if any(self.waiting(queue) for queue in _SCAN_QUEUES):
            return True
        if queues_with_unacknowledged(self._broker).intersection(_SCAN_QUEUES):
            return True
        # A task sends its successor before its own message goes: between the two looks it may have done so.
        return any(self.waiting(queue) for queue in _SCAN_QUEUES)

    def resume_session(self) -> None:
        """Send what a session that was paused waits for."""
        self._resume_sessions({"discoveries": 0, "batches": 0, "abandoned": 0})

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue; raises ``redis.RedisError``."""
        keys = [f"{queue}{_SEPARATOR}{step}" if step else queue for step in PRIORITY_STEPS]
        return sum(int(str(self._broker.llen(KEY_PREFIX + key))) for key in keys)

    def _resume_sessions(self, counts: dict[str, int]) -> None:
        with self._database.transaction() as db:
            for batch_id in sessions.exhausted_batches(db, MESSAGE_LOST_AFTER_SECONDS):
                reason = f"given up after {sessions.MAX_ATTEMPTS} attempts: none of them came to its end"
                sessions.abandon_batch(db, batch_id, "extract", reason)
                counts["abandoned"] += 1
            batches = sessions.stale_batches(db, MESSAGE_LOST_AFTER_SECONDS)
            discoveries = sessions.stale_discoveries(db, MESSAGE_LOST_AFTER_SECONDS)
            for session_id in list(discoveries):
                if sessions.discovery_attempts(db, session_id) >= sessions.MAX_ATTEMPTS:
                    reason = f"discovery given up after {sessions.MAX_ATTEMPTS} attempts"
                    sessions.end_discovery(db, session_id, 0, [{"path": "/", "reason": reason}])
                    discoveries.remove(session_id)
        # Noted afterwards: what cannot be sent was not an attempt.
        sent = [batch.id for batch in batches if self.batch(batch)]
        walks = [session_id for session_id in discoveries if self.discovery(session_id)]
        counts["batches"], counts["discoveries"] = len(sent), len(walks)
        if sent or walks:
            log.warning(
                "sent again, as nothing in Redis stood for it: %d batches, %d discoveries", len(sent), len(walks)
            )
            with self._database.transaction() as db:
                sessions.sent_again(db, sent)
                for session_id in walks:
                    sessions.discovery_sent_again(db, session_id)
