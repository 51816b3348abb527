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
RESUMED_AT_ONCE = 500  # tracks; the next round takes the next ones
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
        facts = queries.follow_ups(db, list(track_ids), VERSION)
        # What is not sent is in the rows: `resume` finds it. So the first failure is enough.
        _ = self._vectors(facts) and self._covers(facts) and self._genres(facts)

    def _vectors(self, facts: list[queries.Row]) -> bool:
        return all(self.send("vector.calculate", track_id=f["id"], path=f["path"]) for f in facts if not f["analysed"])

    def _covers(self, facts: list[queries.Row]) -> bool:
        albums: dict[int, queries.Row] = {}
        for fact in facts:
            if fact["cover_done"] == 0 and (fact["has_picture"] or fact["album_id"] not in albums):
                albums[fact["album_id"]] = fact
        return all(
            self.send("covers.extract", album_id=album_id, path=f["path"], has_picture=bool(f["has_picture"]))
            for album_id, f in albums.items()
        )

    def _genres(self, facts: list[queries.Row]) -> bool:
        raw = {str(f["id"]): f["genre_raw"] for f in facts if f["genre_raw"] and not f["genres_done"]}
        return not raw or self.send("enrich.genres", raw=raw)

    def vector(self, db: sqlite3.Connection, track_id: int) -> bool:
        """Have a track's vector computed anew; False when there is no such track."""
        path = queries.file_of_track(db, track_id)
        if path is not None:
            self.send("vector.calculate", track_id=track_id, path=path)
        return path is not None

    def resume(self) -> dict[str, int]:
        """Send again what nothing in Redis stands for any more; returns how much of each."""
        counts = {"discoveries": 0, "batches": 0, "abandoned": 0, "tracks": 0}
        try:
            if not any(self.waiting(queue) for queue in ("scan", "extract", "batch", "insert")):
                self._resume_sessions(counts)
            if not any(self.waiting(queue) for queue in ("vector", "covers", "deferred")):
                db = self._database.reader()
                unfinished = queries.unfinished_tracks(db, VERSION, RESUMED_AT_ONCE)
                self.after_insert(db, unfinished)
                counts["tracks"] = len(unfinished)
        except redis.RedisError as error:
            log.warning("nothing resumed, Redis is away: %s", error)
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
