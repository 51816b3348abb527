"""Tasks that the API sends. What cannot be sent now stays in the ledger and is sent by a later `resume`."""

import logging
import sqlite3
from collections.abc import Iterable
from typing import Any

import redis
from kombu.exceptions import OperationalError

from soniquebay.audio.features import VERSION
from soniquebay.library import queries, sessions
from soniquebay.library.database import Database
from soniquebay.library.sessions import Batch
from soniquebay.worker.app import send
from soniquebay.worker.config import KEY_PREFIX, PRIORITY_STEPS

log = logging.getLogger(__name__)

STALE = 120.0  # seconds without a move before a thing counts as forgotten, given that its queue is empty
_SEPARATOR = "\x06\x16"  # kombu's, between queue name and priority


class Dispatcher:
    """Sends tasks, and sends again those that Redis forgot."""

    def __init__(self, database: Database, broker: "redis.Redis") -> None:
        self._database = database
        self._broker = broker

    def send(self, task: str, **arguments: Any) -> bool:
        """Send a task; False, with a line in the log, when Redis cannot be reached."""
        try:
            send(task, **arguments)
        except OperationalError as error:
            log.warning("%s not sent now, Redis is away: %s", task, error)
            return False
        return True

    def discovery(self, session_id: int) -> None:
        """Start the walk of a session."""
        self.send("scan.discovery", session_id=session_id)

    def batch(self, batch: Batch) -> None:
        """Hand a batch to its first stage."""
        self.send("metadata.extract_batch", session_id=batch.session_id, batch_id=batch.id, files=batch.files)

    def after_insert(self, db: sqlite3.Connection, track_ids: Iterable[int]) -> None:
        """Send what follows the insert of tracks: vectors, one cover an album, genres."""
        ids = list(track_ids)
        albums: dict[int, sqlite3.Row] = {}
        genres: dict[str, str] = {}
        for row in _facts(db, ids):
            self.send("vector.calculate", track_id=row["id"], path=row["path"])
            if row["genre_raw"]:
                genres[str(row["id"])] = row["genre_raw"]
            if row["album_id"] is not None and row["cover"] is None:
                best = albums.get(row["album_id"])
                if best is None or (row["has_picture"] and not best["has_picture"]):
                    albums[row["album_id"]] = row
        for album_id, row in albums.items():
            self.send("covers.extract", album_id=album_id, path=row["path"], has_picture=bool(row["has_picture"]))
        if genres:
            self.send("enrich.genres", raw=genres)

    def vector(self, db: sqlite3.Connection, track_id: int) -> bool:
        """Have a track's vector computed anew; False when there is no such track."""
        path = queries.file_of_track(db, track_id)
        if path is not None:
            self.send("vector.calculate", track_id=track_id, path=path)
        return path is not None

    def resume(self) -> dict[str, int]:
        """Send again discoveries, batches and vectors that nothing in Redis stands for any more; returns how many."""
        counts = {"discoveries": 0, "batches": 0, "abandoned": 0, "vectors": 0}
        try:
            waiting = {queue: self.waiting(queue) for queue in ("scan", "extract", "batch", "insert", "vector")}
        except redis.RedisError as error:
            log.warning("nothing resumed, Redis is away: %s", error)
            return counts
        vectors_waiting = waiting.pop("vector")
        if not any(waiting.values()):
            self._resume_sessions(counts)
        if not vectors_waiting:
            db = self._database.reader()
            for track_id in queries.without_vector(db, VERSION):
                counts["vectors"] += self.vector(db, track_id)
        return counts

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue; raises ``redis.RedisError``."""
        keys = [f"{queue}{_SEPARATOR}{step}" if step else queue for step in PRIORITY_STEPS]
        return sum(int(str(self._broker.llen(KEY_PREFIX + key))) for key in keys)

    def _resume_sessions(self, counts: dict[str, int]) -> None:
        with self._database.transaction() as db:
            for batch_id in sessions.exhausted_batches(db, STALE):
                reason = f"given up after {sessions.MAX_ATTEMPTS} attempts: the worker ended each time"
                sessions.abandon_batch(db, batch_id, "extract", reason)
                counts["abandoned"] += 1
            batches = sessions.stale_batches(db, STALE)
            discoveries = sessions.stale_discoveries(db, STALE)
            for session_id in list(discoveries):
                if sessions.discovery_attempts(db, session_id) > sessions.MAX_ATTEMPTS:
                    reason = f"discovery given up after {sessions.MAX_ATTEMPTS} attempts"
                    sessions.end_discovery(db, session_id, 0, [{"path": "/", "reason": reason}])
                    discoveries.remove(session_id)
        for batch in batches:
            self.batch(batch)
        for session_id in discoveries:
            self.discovery(session_id)
        counts["batches"], counts["discoveries"] = len(batches), len(discoveries)


def _facts(db: sqlite3.Connection, ids: list[int]) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT t.id, f.path, t.genre_raw, t.album_id, t.has_picture, b.cover FROM tracks t "
        "JOIN files f ON f.track_id = t.id LEFT JOIN albums b ON b.id = t.album_id "
        f"WHERE t.id IN ({', '.join('?' * len(ids))})",
        ids,
    ).fetchall()
