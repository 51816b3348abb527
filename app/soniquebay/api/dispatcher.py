"""Send the API's tasks. What cannot be sent now stays in the database and is sent later."""

import logging
import sqlite3
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import redis
from kombu.exceptions import OperationalError

from soniquebay import disk_state
from soniquebay.api.queue_feeder import MESSAGE_LOST_AFTER_SECONDS, QueueFeeder
from soniquebay.audio.learned import model_file
from soniquebay.library import artist_pictures, clock, loudness, queries, sessions
from soniquebay.library.database import Database
from soniquebay.library.loudness import MeasuredTracks
from soniquebay.library.queries import Row
from soniquebay.library.sessions import Batch
from soniquebay.overrides.unacknowledged import queues_with_unacknowledged
from soniquebay.process_history import Report, reports_since
from soniquebay.settings import REDIS_KEY_PREFIX
from soniquebay.worker.app import describe_broker_error, send, send_many
from soniquebay.worker.config import LOW, MEDIUM, PRIORITY_STEPS, QUEUES

log = logging.getLogger(__name__)

WARNING_INTERVAL_SECONDS = 60.0  # the same problem is checked far more often than it is logged
ANALYSIS_DELAY_SECONDS = 300.0  # a young scan has the machine to itself: first all is searchable, then it is analysed
MAX_QUEUED_VECTORS, MAX_QUEUED_COVERS = 100, 50  # tracks, albums
MAX_QUEUED_MEASUREMENTS = 50  # of loudness, a track each
# Those that somebody asks for one by one are sent beside those of the queue feeder, up to this number in all.
MAX_WAITING_VECTORS = 2 * MAX_QUEUED_VECTORS
_SCAN_QUEUES = ("scan", "extract", "batch", "insert")
_PRIORITY_SEPARATOR = "\x06\x16"  # kombu's, between the name of a queue and a priority


class NotSentError(Exception):
    """Redis does not take a task, or has enough of them; the message says which."""


class RedisMemory(NamedTuple):
    """The memory that Redis uses, and its limit; 0: it has none."""

    used_bytes: int
    max_bytes: int


class Dispatcher:
    """Sends tasks, and sends again those that Redis lost."""

    def __init__(self, database: Database, broker: "redis.Redis", measured_tracks: MeasuredTracks = "untagged") -> None:
        self._database = database
        self._broker = broker
        self._warned_at: dict[str, float] = {}
        self.vector_feeder = QueueFeeder("vector", MAX_QUEUED_VECTORS, queries.unanalysed_tracks, self._send_vectors)
        self.cover_feeder = QueueFeeder("covers", MAX_QUEUED_COVERS, _unchecked_covers, self._send_covers)
        self.loudness_feeder = QueueFeeder(
            "vector",
            MAX_QUEUED_MEASUREMENTS,
            lambda db, limit: loudness.unmeasured_tracks(db, limit, measured_tracks),
            self._send_measurements,
        )

    def send(self, task: str, **arguments: Any) -> bool:
        """Send a task; return False, and log a warning, when Redis is unreachable."""
        try:
            send(task, **arguments)
        except OperationalError as error:
            log.warning("%s not sent now. %s", task, describe_broker_error(error))
            return False
        return True

    def send_discovery(self, session_id: int) -> bool:
        """Send the discovery of a session; return whether it was sent."""
        return self.send("scan.discovery", session_id=session_id)

    def send_batch(self, batch: Batch) -> bool:
        """Send a batch to its first stage; return whether it was sent."""
        return self.send("metadata.extract_batch", session_id=batch.session_id, batch_id=batch.id, files=batch.files)

    def send_analysis(self, db: sqlite3.Connection, track_id: int) -> bool:
        """Send the analysis of a track, unless it waits already; return False when there is no such track.

        Raises `NotSentError` with the reason, as a sentence.
        """
        row = queries.to_analyse(db, track_id)
        if row is None:
            return False
        if problem := model_file.problem():
            raise NotSentError(problem)
        feeder = self.vector_feeder
        try:
            waiting = self.queue_length(feeder.queue)
        except redis.RedisError as error:
            raise NotSentError(describe_broker_error(error)) from error
        if waiting >= MAX_WAITING_VECTORS:
            raise NotSentError(
                f"{waiting} tracks wait to be analysed; ask again when there are fewer than {MAX_WAITING_VECTORS}"
            )
        if not feeder.send_asked_for(row):
            raise NotSentError("Redis does not take the task now; the log of the API says why")
        return True

    def refill(self) -> int:
        """Fill the queues of vectors and covers, and that of loudness when no track waits for its vector.

        Without the learned model no vector is asked for, and loudness need not wait. Return how many rows were sent.
        """
        try:
            db = self._database.reader()
            if self.analysis_is_delayed(db):
                return 0
            can_analyse = model_file.problem() is None
            sent = self._refill(db, self.vector_feeder, MEDIUM) if can_analyse else 0
            sent += self._refill(db, self.cover_feeder, LOW)
            if not (can_analyse and queries.unanalysed_tracks(db, 1)):
                sent += self._refill(db, self.loudness_feeder, LOW)
            return sent
        except redis.RedisError as error:
            log.warning("nothing sent. %s", describe_broker_error(error))
            return 0

    def _refill(self, db: sqlite3.Connection, feeder: QueueFeeder, priority: int) -> int:
        queued = int(str(self._broker.llen(_key(feeder.queue, priority))))  # two feeders share the queue of vectors
        # In this order a message that is received in between is counted twice. In the other it would be overlooked.
        has_unacknowledged = (
            not queued and feeder.has_outstanding() and feeder.queue in queues_with_unacknowledged(self._broker)
        )
        return feeder.refill(db, queued, has_unacknowledged=has_unacknowledged)

    @staticmethod
    def analysis_is_delayed(db: sqlite3.Connection) -> bool:
        """Tell whether a scan is paused, or so young that it has the machine to itself."""
        session = sessions.active_session(db)
        if session is None:
            return False
        age = time.time() - session["started_at"]  # below zero if the clock was set back
        return bool(session["status"] == "paused" or 0 <= age < ANALYSIS_DELAY_SECONDS)

    def _send_vectors(self, rows: Sequence[Row]) -> bool:
        return self._send_all("vector.calculate", list(map(_analysis_of, rows)))

    def _send_measurements(self, rows: Sequence[Row]) -> bool:
        return self._send_all("vector.measure_loudness", list(map(_analysis_of, rows)))

    def _send_covers(self, rows: Sequence[Row]) -> bool:
        return self._send_all("covers.extract", [{f"{kind}_id": item_id} for kind, item_id in (r["id"] for r in rows)])

    @staticmethod
    def _send_all(task: str, messages: Sequence[dict[str, Any]]) -> bool:
        try:
            send_many((task, arguments) for arguments in messages)
        except OperationalError as error:
            log.warning("%s not sent now. %s", task, describe_broker_error(error))
            return False
        return True

    def resend_all_lost(self) -> dict[str, int]:
        """Send again what a scan lost and fill the other queues; return the number of each kind."""
        return {**self.resend_lost_scan_tasks(), "follow_ups": self.refill()}

    def resend_lost_scan_tasks(self) -> dict[str, int]:
        """Send again the tasks of the running scan that Redis lost; return the number of each kind."""
        counts = {"discoveries": 0, "batches": 0, "abandoned": 0}
        try:
            session = sessions.active_session(self._database.reader())
            if session is None or session["status"] != "running":
                return counts
            if problem := self._storage_problem():
                self._warn("nothing sent again until there is space", problem)
            elif not self._redis_has_scan_messages():
                self._resend_open_work(counts)
        except redis.RedisError as error:
            self._warn("nothing sent again", describe_broker_error(error))
        return counts

    def _warn(self, what: str, why: str) -> None:
        now = time.monotonic()
        if now - self._warned_at.get(what, float("-inf")) >= WARNING_INTERVAL_SECONDS:
            self._warned_at[what] = now
            log.warning("%s: %s", what, why)

    def _storage_problem(self) -> str | None:
        """Return why the disk or Redis takes nothing more. A task that fails for that is not counted as an attempt."""
        folder = self._database.path.parent
        if problem := disk_state.problem_of(folder):
            return disk_state.sentence(problem, folder)
        memory = self.redis_memory()
        if 0 < memory.max_bytes <= memory.used_bytes:
            return f"Redis is full, it uses {memory.used_bytes} bytes of {memory.max_bytes}"
        return None

    def redis_memory(self) -> RedisMemory:
        """Return the memory of Redis. Raises ``redis.RedisError``."""
        found = cast("dict[str, int]", self._broker.info("memory"))
        return RedisMemory(found["used_memory"], found["maxmemory"])

    def has_messages(self, queue: str) -> bool:
        """Tell whether Redis holds a message of a queue, waiting or unacknowledged. Raises ``redis.RedisError``."""
        return bool(self.queue_length(queue)) or queue in queues_with_unacknowledged(self._broker)

    def _redis_has_scan_messages(self) -> bool:
        """Tell whether Redis holds a message of a scan, waiting or unacknowledged."""
        if any(self.queue_length(queue) for queue in _SCAN_QUEUES):
            return True
        if queues_with_unacknowledged(self._broker).intersection(_SCAN_QUEUES):
            return True
        # A task sends its successor before its own message is acknowledged: it may have done so between the two checks.
        return any(self.queue_length(queue) for queue in _SCAN_QUEUES)

    def process_reports(self, start: float) -> list[Report]:
        """Return what the workers told of their processes since a Unix time. Raises ``redis.RedisError``."""
        return reports_since(self._broker, start)

    def resume_session(self) -> None:
        """Send the open work of a session that was paused, without what Redis or a worker still has."""
        db = self._database.reader()
        self._send_open_work(sessions.unsent_batches(db), sessions.unsent_discoveries(db))

    def queue_length(self, queue: str) -> int:
        """Return how many messages wait in a queue, of all priorities. Raises ``redis.RedisError``."""
        return sum(int(str(self._broker.llen(key))) for key in _keys(queue))

    def empty_queue(self, queue: str) -> None:
        """Remove the messages of a queue. Raises ``redis.RedisError``."""
        self._broker.delete(*_keys(queue))

    def queue_lengths(self) -> dict[str, int]:
        """Return how many messages wait in each queue, by one request to Redis. Raises ``redis.RedisError``."""
        pipeline = self._broker.pipeline(transaction=False)
        for queue in QUEUES:
            for key in _keys(queue):
                pipeline.llen(key)
        lengths = iter(pipeline.execute())
        return {queue: sum(next(lengths) for _ in _keys(queue)) for queue in QUEUES}

    def _resend_open_work(self, counts: dict[str, int]) -> None:
        with self._database.transaction() as db:
            clock.treat_future_as_now(db, time.time())
            for batch_id in sessions.batches_out_of_attempts(db, MESSAGE_LOST_AFTER_SECONDS):
                reason = f"given up after {sessions.MAX_ATTEMPTS} attempts: none of them was finished"
                sessions.abandon_batch(db, batch_id, "extract", reason)
                counts["abandoned"] += 1
            batches = sessions.batches_to_resend(db, MESSAGE_LOST_AFTER_SECONDS)
            discoveries = sessions.discoveries_to_resend(db, MESSAGE_LOST_AFTER_SECONDS)
            for session_id in list(discoveries):
                if sessions.discovery_attempts(db, session_id) >= sessions.MAX_ATTEMPTS:
                    reason = f"discovery given up after {sessions.MAX_ATTEMPTS} attempts"
                    sessions.end_discovery(db, session_id, 0, [{"path": "/", "reason": reason}])
                    discoveries.remove(session_id)
        counts["batches"], counts["discoveries"] = self._send_open_work(batches, discoveries)
        if counts["batches"] or counts["discoveries"]:
            log.warning(
                "sent again, because Redis had no message of them: %d batches, %d discoveries",
                counts["batches"],
                counts["discoveries"],
            )

    def _send_open_work(self, batches: Sequence[Batch], discoveries: Sequence[int]) -> tuple[int, int]:
        """Send batches, and the discoveries of sessions; return how many of each were sent."""
        # Recorded after sending: a message that could not be sent was not an attempt.
        sent_batches = [batch.id for batch in batches if self.send_batch(batch)]
        sent_discoveries = [session_id for session_id in discoveries if self.send_discovery(session_id)]
        if sent_batches or sent_discoveries:
            with self._database.transaction() as db:
                sessions.mark_batches_sent(db, sent_batches)
                for session_id in sent_discoveries:
                    sessions.mark_discovery_sent(db, session_id)
        return len(sent_batches), len(sent_discoveries)


def _keys(queue: str) -> list[str]:
    """Return the keys in Redis of a queue's messages, one for each priority."""
    return [_key(queue, priority) for priority in PRIORITY_STEPS]


def _key(queue: str, priority: int) -> str:
    return REDIS_KEY_PREFIX + (f"{queue}{_PRIORITY_SEPARATOR}{priority}" if priority else queue)


def _analysis_of(row: Row) -> dict[str, Any]:
    """Return the arguments of a track's analysis or measurement; those of a range only for a part of a file."""
    arguments = {"track_id": row["id"], "path": row["path"]}
    return {**arguments, "start": row["start_seconds"], "seconds": row["seconds"]} if row["part"] else arguments


def _unchecked_covers(db: sqlite3.Connection, limit: int) -> list[Row]:
    """Return albums, tracks and artists to be searched for pictures; the id of each row is its kind and its id."""
    found = [{"id": ("album", row["id"])} for row in queries.albums_with_unchecked_cover(db, limit)]
    found += [{"id": ("track", row["id"])} for row in queries.tracks_with_unchecked_cover(db, limit - len(found))]
    return found + [{"id": ("artist", artist_id)} for artist_id in artist_pictures.unsearched(db, limit - len(found))]
