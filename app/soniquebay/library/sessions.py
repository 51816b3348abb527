"""Scan sessions and their ledger of batches: what was asked, what is under way, what is done."""

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from soniquebay.library.entities import FailedFile, FileStamp

_OF_RUNNING = "session_id IN (SELECT id FROM scan_sessions WHERE status = 'running')"
MAX_ATTEMPTS = 5  # times that a batch, or a discovery, is sent before its files are given up


class ScanRunningError(Exception):
    """A scan is under way already; `session_id` is that one."""

    def __init__(self, session_id: int, status: Literal["running", "paused"]) -> None:
        super().__init__(f"scan session {session_id} is {status}")
        self.session_id = session_id
        self.status: Literal["running", "paused"] = status


class WrongStateError(Exception):
    """The session is in no state for what was asked of it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of the ledger that is not done."""

    id: str
    session_id: int
    files: list[FileStamp]


def start(db: sqlite3.Connection, scope: Sequence[str] | None = None, *, confirmed: bool = False) -> int:
    """Open a session and return its id; raises `ScanRunningError` while another is running or paused.

    `scope`: encoded folders to be scanned instead of every root. `confirmed`: a person says that what is not found was
    removed, so that even a whole root may go.
    """
    active = active_session(db)
    if active is not None:
        raise ScanRunningError(active["id"], active["status"])
    now = time.time()
    cursor = db.execute(
        "INSERT INTO scan_sessions (status, started_at, heartbeat_at, folders, removal_confirmed) "
        "VALUES ('running', ?, ?, ?, ?)",
        (now, now, json.dumps(list(scope)) if scope is not None else None, int(confirmed)),
    )
    return int(cursor.lastrowid or 0)


def active_session(db: sqlite3.Connection) -> sqlite3.Row | None:
    """Return id and status of the session that is running or paused, if there is one."""
    row: sqlite3.Row | None = db.execute(
        "SELECT id, status, started_at, discovered FROM scan_sessions WHERE status IN ('running', 'paused')"
    ).fetchone()
    return row


def newest(db: sqlite3.Connection) -> int:
    """Return the id of the newest session, 0 before the first."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM scan_sessions").fetchone()[0])


def newest_of_all(db: sqlite3.Connection) -> int:
    """Return the id of the newest completed scan of every root, 0 without one."""
    where = "folders IS NULL AND status = 'completed'"
    row = db.execute(f"SELECT id FROM scan_sessions WHERE {where} ORDER BY id DESC LIMIT 1").fetchone()
    return int(row["id"]) if row else 0


def is_running(db: sqlite3.Connection, session_id: int) -> bool:
    """Tell whether a session goes on: neither paused nor at its end."""
    row = db.execute("SELECT 1 FROM scan_sessions WHERE id = ? AND status = 'running'", (session_id,)).fetchone()
    return row is not None


def is_open(db: sqlite3.Connection, session_id: int) -> bool:
    """Tell whether a session has not come to its end. Raises ``LookupError`` without such a session."""
    return _status(db, session_id) in {"running", "paused"}


def pause(db: sqlite3.Connection, session_id: int) -> None:
    """Hold a running session; what is in hand is finished, nothing new begins. Raises `WrongStateError`."""
    _change_state(db, session_id, "running", "paused")


def resume(db: sqlite3.Connection, session_id: int) -> None:
    """Let a paused session go on. Raises `WrongStateError`."""
    _change_state(db, session_id, "paused", "running")
    # All that is open counts as never sent, and is sent again at once.
    db.execute("UPDATE scan_sessions SET heartbeat_at = 0, attempts = 1 WHERE id = ?", (session_id,))
    db.execute("UPDATE batches SET sent_at = 0, attempts = 1 WHERE session_id = ? AND done_at IS NULL", (session_id,))


def cancel(db: sqlite3.Connection, session_id: int) -> None:
    """End a session where it is; what it has inserted stays. Raises `WrongStateError`."""
    if not is_open(db, session_id):
        status = _status(db, session_id)
        raise WrongStateError(f"scan session {session_id} is {status}, there is nothing to cancel")
    now = time.time()
    db.execute("UPDATE scan_sessions SET status = 'cancelled', finished_at = ? WHERE id = ?", (now, session_id))
    db.execute(
        "UPDATE batches SET done_at = ?, files = NULL, file_count = 0 WHERE session_id = ? AND done_at IS NULL",
        (now, session_id),
    )
    db.execute("DELETE FROM unseen WHERE session_id = ?", (session_id,))


def _change_state(db: sqlite3.Connection, session_id: int, before: str, after: str) -> None:
    status = _status(db, session_id)
    if status != before:
        raise WrongStateError(f"scan session {session_id} is {status}; only one that is {before} can become {after}")
    db.execute("UPDATE scan_sessions SET status = ? WHERE id = ?", (after, session_id))


def record_heartbeat(db: sqlite3.Connection, session_id: int) -> None:
    """Note a sign of life of the session's discovery."""
    db.execute("UPDATE scan_sessions SET heartbeat_at = ? WHERE id = ?", (time.time(), session_id))


def register_batch(db: sqlite3.Connection, session_id: int, batch_id: str, files: Sequence[FileStamp]) -> bool:
    """Write a batch into the ledger; False when it is there already, or the session has come to its end meanwhile.

    Raises ``LookupError`` without such a session.
    """
    if not is_open(db, session_id):
        return False  # nobody would ever close it
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
    record_heartbeat(db, session_id)
    return cursor.rowcount == 1


def end_discovery(db: sqlite3.Connection, session_id: int, unchanged: int, failures: Iterable[FailedFile]) -> bool:
    """Note that every file was walked; True if the session is complete with it."""
    _must_exist(db, session_id)
    add_failures(db, session_id, "discovery", failures, is_file=False)
    db.execute(
        "UPDATE scan_sessions SET discovered = 1, unchanged = ?, heartbeat_at = ? WHERE id = ?",
        (unchanged, time.time(), session_id),
    )
    return complete_if_done(db, session_id)


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


def complete_if_done(db: sqlite3.Connection, session_id: int) -> bool:
    """Complete the session once discovery has ended and no batch is open; True if that is now."""
    done = db.execute(
        "UPDATE scan_sessions SET status = 'completed', finished_at = ?1 WHERE id = ?2 "
        "AND status IN ('running', 'paused') AND discovered = 1 "
        "AND NOT EXISTS (SELECT 1 FROM batches WHERE session_id = ?2 AND done_at IS NULL)",
        (time.time(), session_id),
    )
    if done.rowcount:
        db.execute("DELETE FROM unseen WHERE session_id = ?", (session_id,))
    return done.rowcount > 0


def stale_batches(db: sqlite3.Connection, older_than: float) -> list[Batch]:
    """Return the open batches that were last sent over `older_than` seconds ago."""
    return _batches(db, f"done_at IS NULL AND sent_at < ? AND {_OF_RUNNING}", (time.time() - older_than,))


def sent_again(db: sqlite3.Connection, batch_ids: Iterable[str]) -> None:
    """Note that batches were sent once more; one that never was on its way was not tried in vain."""
    db.executemany(
        "UPDATE batches SET sent_at = ?, attempts = attempts + (sent_at > 0) WHERE id = ? AND done_at IS NULL",
        [(time.time(), batch_id) for batch_id in batch_ids],
    )


def not_sent(db: sqlite3.Connection, batch_id: str) -> None:
    """Note that a batch that was registered is not on its way."""
    db.execute("UPDATE batches SET sent_at = 0 WHERE id = ?", (batch_id,))


def exhausted_batches(db: sqlite3.Connection, older_than: float) -> list[str]:
    """Return the ids of open batches that were sent `MAX_ATTEMPTS` times in vain."""
    rows = db.execute(
        f"SELECT id FROM batches WHERE done_at IS NULL AND attempts >= ? AND sent_at < ? AND {_OF_RUNNING}",
        (MAX_ATTEMPTS, time.time() - older_than),
    )
    return [row["id"] for row in rows]


def stale_discoveries(db: sqlite3.Connection, older_than: float) -> list[int]:
    """Return the running sessions whose discovery gave no sign of life."""
    rows = db.execute(
        "SELECT id FROM scan_sessions WHERE status = 'running' AND discovered = 0 AND heartbeat_at < ?",
        (time.time() - older_than,),
    )
    return [int(row["id"]) for row in rows]


def discovery_sent_again(db: sqlite3.Connection, session_id: int) -> None:
    """Count the attempt of a discovery that was sent once more."""
    db.execute(
        "UPDATE scan_sessions SET attempts = attempts + (heartbeat_at > 0), heartbeat_at = ? "
        "WHERE id = ? AND discovered = 0",
        (time.time(), session_id),
    )


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
    _status(db, session_id)


def _status(db: sqlite3.Connection, session_id: int) -> str:
    row = db.execute("SELECT status FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        raise LookupError(f"no scan session {session_id}")
    return str(row["status"])
