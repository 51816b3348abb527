"""Scan sessions and their ledger of batches: what was asked, what is under way, what is done."""

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from soniquebay.library.entities import FailedFile, FileStamp

MAX_ATTEMPTS = 5  # times that a batch, or a discovery, is sent before its files are given up


class ScanRunningError(Exception):
    """A scan is running already; `session_id` is that one."""

    def __init__(self, session_id: int) -> None:
        super().__init__(f"scan session {session_id} is running")
        self.session_id = session_id


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of the ledger that is not done."""

    id: str
    session_id: int
    files: list[FileStamp]


def start(db: sqlite3.Connection) -> int:
    """Open a session and return its id; raises `ScanRunningError`."""
    running = running_session(db)
    if running is not None:
        raise ScanRunningError(running)
    now = time.time()
    cursor = db.execute("INSERT INTO scan_sessions (status, started_at, moved_at) VALUES ('running', ?, ?)", (now, now))
    return int(cursor.lastrowid or 0)


def running_session(db: sqlite3.Connection) -> int | None:
    """Return the id of the session that runs, if one does."""
    row = db.execute("SELECT id FROM scan_sessions WHERE status = 'running'").fetchone()
    return int(row["id"]) if row else None


def alive(db: sqlite3.Connection, session_id: int) -> None:
    """Note a sign of life of the session's discovery."""
    db.execute("UPDATE scan_sessions SET moved_at = ? WHERE id = ?", (time.time(), session_id))


def register_batch(db: sqlite3.Connection, session_id: int, batch_id: str, files: Sequence[FileStamp]) -> bool:
    """Write a batch into the ledger; False when it is there already. Raises ``LookupError`` without such a session."""
    _must_exist(db, session_id)
    cursor = db.execute(
        "INSERT OR IGNORE INTO batches (id, session_id, files, file_count, sent_at) VALUES (?, ?, ?, ?, ?)",
        (
            batch_id,
            session_id,
            json.dumps([[f["path"], f["size"], f["mtime_ns"]] for f in files]),
            len(files),
            time.time(),
        ),
    )
    alive(db, session_id)
    return cursor.rowcount == 1


def end_discovery(db: sqlite3.Connection, session_id: int, unchanged: int, failures: Iterable[FailedFile]) -> None:
    """Note that every file was walked; the session may be complete with it."""
    _must_exist(db, session_id)
    add_failures(db, session_id, "discovery", failures, is_file=False)
    db.execute(
        "UPDATE scan_sessions SET discovered = 1, unchanged = ?, moved_at = ? WHERE id = ?",
        (unchanged, time.time(), session_id),
    )
    complete_if_done(db, session_id)


def close_batch(db: sqlite3.Connection, batch_id: str) -> None:
    """Mark a batch done; its list of files has served."""
    db.execute("UPDATE batches SET done_at = ?, files = NULL WHERE id = ?", (time.time(), batch_id))


def abandon_batch(db: sqlite3.Connection, batch_id: str, stage: str, reason: str) -> int | None:
    """Close a batch that cannot be done, each of its files a listed failure; returns its session if it was open."""
    batch = next(iter(_batches(db, "id = ? AND done_at IS NULL", (batch_id,))), None)
    if batch is None:
        return None
    failures: list[FailedFile] = [{"path": file["path"], "reason": reason} for file in batch.files]
    add_failures(db, batch.session_id, stage, failures)
    close_batch(db, batch_id)
    complete_if_done(db, batch.session_id)
    return batch.session_id


def add_failures(
    db: sqlite3.Connection, session_id: int, stage: str, failures: Iterable[FailedFile], *, is_file: bool = True
) -> None:
    """List failures of a session, each path once."""
    db.executemany(
        "INSERT OR REPLACE INTO failures (session_id, path, stage, reason, is_file) VALUES (?, ?, ?, ?, ?)",
        [(session_id, f["path"], stage, f["reason"], int(is_file)) for f in failures],
    )


def complete_if_done(db: sqlite3.Connection, session_id: int) -> None:
    """Complete the session once discovery has ended and no batch is open."""
    db.execute(
        "UPDATE scan_sessions SET status = 'completed', finished_at = ?1 WHERE id = ?2 AND status = 'running' "
        "AND discovered = 1 AND NOT EXISTS (SELECT 1 FROM batches WHERE session_id = ?2 AND done_at IS NULL)",
        (time.time(), session_id),
    )


def stale_batches(db: sqlite3.Connection, older_than: float) -> list[Batch]:
    """Return the open batches that were last sent over `older_than` seconds ago, and note that they are sent again."""
    limit = time.time() - older_than
    batches = _batches(db, "done_at IS NULL AND sent_at < ?", (limit,))
    db.execute(
        "UPDATE batches SET sent_at = ?, attempts = attempts + 1 WHERE done_at IS NULL AND sent_at < ?",
        (time.time(), limit),
    )
    return batches


def exhausted_batches(db: sqlite3.Connection, older_than: float) -> list[str]:
    """Return the ids of open batches that were sent `MAX_ATTEMPTS` times in vain."""
    rows = db.execute(
        "SELECT id FROM batches WHERE done_at IS NULL AND attempts >= ? AND sent_at < ?",
        (MAX_ATTEMPTS, time.time() - older_than),
    )
    return [row["id"] for row in rows]


def stale_discoveries(db: sqlite3.Connection, older_than: float) -> list[int]:
    """Return the running sessions whose discovery gave no sign of life, and count the attempt that follows."""
    limit = time.time() - older_than
    where = "status = 'running' AND discovered = 0 AND moved_at < ?"
    ids = [int(r["id"]) for r in db.execute(f"SELECT id FROM scan_sessions WHERE {where}", (limit,))]
    db.execute(f"UPDATE scan_sessions SET attempts = attempts + 1, moved_at = ? WHERE {where}", (time.time(), limit))
    return ids


def discovery_attempts(db: sqlite3.Connection, session_id: int) -> int:
    """Return how often the session's discovery was sent."""
    return int(db.execute("SELECT attempts FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()["attempts"])


def _batches(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[Batch]:
    rows = db.execute(f"SELECT id, session_id, files FROM batches WHERE {where}", values)
    return [
        Batch(
            row["id"],
            row["session_id"],
            [{"path": p, "size": s, "mtime_ns": m} for p, s, m in json.loads(row["files"])],
        )
        for row in rows
    ]


def _must_exist(db: sqlite3.Connection, session_id: int) -> None:
    if db.execute("SELECT 1 FROM scan_sessions WHERE id = ?", (session_id,)).fetchone() is None:
        raise LookupError(f"no scan session {session_id}")
