"""Scan sessions, and the ledger of their batches."""

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from soniquebay.library import unreadable_files
from soniquebay.library.entities import FailedFile, FileStamp, LeftOut

_IN_RUNNING_SESSION = "session_id IN (SELECT id FROM scan_sessions WHERE status = 'running')"
MAX_ATTEMPTS = 5  # times that a batch or a discovery is sent, before its files become failures


class ScanRunningError(Exception):
    """Another scan is running or paused; `session_id` is its session."""

    def __init__(self, session_id: int, status: Literal["running", "paused"]) -> None:
        super().__init__(f"scan session {session_id} is {status}")
        self.session_id = session_id
        self.status: Literal["running", "paused"] = status


class WrongStateError(Exception):
    """The status of the session does not allow the request."""


@dataclass(frozen=True, slots=True)
class Batch:
    """An open batch of the ledger."""

    id: str
    session_id: int
    files: list[FileStamp]


def start(
    db: sqlite3.Connection,
    folders: Sequence[str] | None = None,
    *,
    removal_confirmed: bool = False,
    full: bool = False,
) -> int:
    """Create a running session and return its id.

    `folders`: encoded folders to scan instead of all roots. `removal_confirmed`: the operator confirms that unseen
    files were removed, so even those of an empty root become missing. `full`: files whose stamp is unchanged are read
    again too. Raises `ScanRunningError` while another session is running or paused.
    """
    active = active_session(db)
    if active is not None:
        raise ScanRunningError(active["id"], active["status"])
    now = time.time()
    cursor = db.execute(
        "INSERT INTO scan_sessions (status, started_at, heartbeat_at, folders, removal_confirmed, full) "
        "VALUES ('running', ?, ?, ?, ?, ?)",
        (now, now, json.dumps(list(folders)) if folders is not None else None, int(removal_confirmed), int(full)),
    )
    return int(cursor.lastrowid or 0)


def active_session(db: sqlite3.Connection) -> sqlite3.Row | None:
    """Return id, status, started_at and discovered of the session that is running or paused, or None."""
    row: sqlite3.Row | None = db.execute(
        "SELECT id, status, started_at, discovered FROM scan_sessions WHERE status IN ('running', 'paused')"
    ).fetchone()
    return row


def newest_session_id(db: sqlite3.Connection) -> int:
    """Return the id of the newest session; 0 if there is none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM scan_sessions").fetchone()[0])


def changed_tracks(db: sqlite3.Connection, since: int) -> int:
    """Return how many tracks were read, moved or lost by the sessions behind the session `since`."""
    return int(
        db.execute(
            "SELECT (SELECT count(*) FROM tracks WHERE read_session_id > ?1) + "
            "(SELECT coalesce(sum(moved + missing), 0) FROM scan_sessions WHERE id > ?1)",
            (since,),
        ).fetchone()[0]
    )


def newest_scan_of_everything_id(db: sqlite3.Connection) -> int:
    """Return the id of the newest completed scan of all roots; 0 if there is none."""
    where = "folders IS NULL AND status = 'completed'"
    row = db.execute(f"SELECT id FROM scan_sessions WHERE {where} ORDER BY id DESC LIMIT 1").fetchone()
    return int(row["id"]) if row else 0


def is_running(db: sqlite3.Connection, session_id: int) -> bool:
    """Tell whether a session is running: neither paused, completed nor cancelled."""
    row = db.execute("SELECT 1 FROM scan_sessions WHERE id = ? AND status = 'running'", (session_id,)).fetchone()
    return row is not None


def is_open(db: sqlite3.Connection, session_id: int) -> bool:
    """Tell whether a session is running or paused. Raises ``LookupError`` when it does not exist."""
    return _status(db, session_id) in {"running", "paused"}


def pause(db: sqlite3.Connection, session_id: int) -> None:
    """Pause a running session: tasks that have begun are finished. Raises `WrongStateError`, and ``LookupError``."""
    _change_status(db, session_id, "running", "paused")


def resume(db: sqlite3.Connection, session_id: int) -> None:
    """Resume a paused session, with all attempts of what is open. Raises `WrongStateError`, and ``LookupError``."""
    _change_status(db, session_id, "paused", "running")
    db.execute("UPDATE scan_sessions SET attempts = 1 WHERE id = ?", (session_id,))
    db.execute("UPDATE batches SET attempts = 1 WHERE session_id = ? AND done_at IS NULL", (session_id,))


def cancel(db: sqlite3.Connection, session_id: int) -> None:
    """Cancel a session; the tracks that it has inserted stay. Raises `WrongStateError`, and ``LookupError``."""
    status = _status(db, session_id)
    if status not in {"running", "paused"}:
        raise WrongStateError(f"scan session {session_id} is {status}, there is nothing to cancel")
    now = time.time()
    db.execute("UPDATE scan_sessions SET status = 'cancelled', finished_at = ? WHERE id = ?", (now, session_id))
    db.execute(
        "UPDATE batches SET done_at = ?, files = NULL, file_count = 0 WHERE session_id = ? AND done_at IS NULL",
        (now, session_id),
    )
    db.execute("DELETE FROM unseen WHERE session_id = ?", (session_id,))


def _change_status(db: sqlite3.Connection, session_id: int, before: str, after: str) -> None:
    status = _status(db, session_id)
    if status != before:
        raise WrongStateError(f"scan session {session_id} is {status}: only a {before} one can become {after}")
    db.execute("UPDATE scan_sessions SET status = ? WHERE id = ?", (after, session_id))


def record_heartbeat(db: sqlite3.Connection, session_id: int) -> None:
    """Record a heartbeat of the discovery of a session."""
    db.execute("UPDATE scan_sessions SET heartbeat_at = ? WHERE id = ?", (time.time(), session_id))


def register_batch(db: sqlite3.Connection, session_id: int, batch_id: str, files: Sequence[FileStamp]) -> bool:
    """Add a batch to the ledger; return False when it is there already, or the session has ended.

    Raises ``LookupError`` when the session does not exist.
    """
    if not is_open(db, session_id):
        return False  # nothing would ever close the batch
    cursor = db.execute(
        "INSERT OR IGNORE INTO batches (id, session_id, files, file_count, sent_at) VALUES (?, ?, ?, ?, ?)",
        (
            batch_id,
            session_id,
            json.dumps([_row_of(file) for file in files]),
            len(files),
            time.time(),
        ),
    )
    record_heartbeat(db, session_id)
    return cursor.rowcount == 1


def end_discovery(
    db: sqlite3.Connection,
    session_id: int,
    unchanged: int,
    failures: Iterable[FailedFile],
    left_out: Sequence[LeftOut] = (),
    *,
    unreadable: Sequence[str] = (),
) -> bool:
    """Record that the discovery has ended; return whether that completes the session.

    `unreadable`: encoded paths of files that it did not read again, as `unreadable_files.stamps` has them. Raises
    ``LookupError`` when the session does not exist.
    """
    _status(db, session_id)
    add_failures(db, session_id, "discovery", failures, is_file=False)
    if not db.execute("SELECT discovered FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()["discovered"]:
        add_left_out(db, session_id, left_out)  # once, even if the request is repeated
        folders = db.execute("SELECT folders FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()["folders"]
        unreadable_files.tell_again(db, session_id, unreadable, is_whole=folders is None)
    db.execute(
        "UPDATE scan_sessions SET discovered = 1, unchanged = ?, heartbeat_at = ? WHERE id = ?",
        (unchanged, time.time(), session_id),
    )
    return complete_if_done(db, session_id)


def close_batch(db: sqlite3.Connection, batch_id: str) -> None:
    """Mark a batch as done, and delete its list of files."""
    db.execute("UPDATE batches SET done_at = ?, files = NULL WHERE id = ?", (time.time(), batch_id))


def abandon_batch(db: sqlite3.Connection, batch_id: str, stage: str, reason: str) -> int | None:
    """Close an open batch with each of its files as a failure; return its session, or None if it was not open."""
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
    """Add failures to a session; a newer failure of a path replaces an older one."""
    db.executemany(
        "INSERT OR REPLACE INTO failures (session_id, path, stage, reason, is_file) VALUES (?, ?, ?, ?, ?)",
        [(session_id, f["path"], stage, f["reason"], int(is_file)) for f in failures],
    )


def add_left_out(db: sqlite3.Connection, session_id: int, left_out: Iterable[LeftOut]) -> None:
    """Add to what a session has left out."""
    row = db.execute("SELECT left_out FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()
    by_reason: dict[str, LeftOut] = {told["reason"]: told for told in json.loads(row["left_out"])}
    for told in left_out:
        before = by_reason.setdefault(told["reason"], {**told, "files": 0, "folders": 0})
        before["files"] += told["files"]
        before["folders"] += told["folders"]
    db.execute(
        "UPDATE scan_sessions SET left_out = ? WHERE id = ?",
        (json.dumps([by_reason[reason] for reason in sorted(by_reason)]), session_id),
    )


def complete_if_done(db: sqlite3.Connection, session_id: int) -> bool:
    """Complete a session if its discovery has ended and no batch is open; return whether it did."""
    cursor = db.execute(
        "UPDATE scan_sessions SET status = 'completed', finished_at = ?1 WHERE id = ?2 "
        "AND status IN ('running', 'paused') AND discovered = 1 "
        "AND NOT EXISTS (SELECT 1 FROM batches WHERE session_id = ?2 AND done_at IS NULL)",
        (time.time(), session_id),
    )
    if cursor.rowcount:
        db.execute("DELETE FROM unseen WHERE session_id = ?", (session_id,))
    return cursor.rowcount > 0


def batches_to_resend(db: sqlite3.Connection, min_age_seconds: float) -> list[Batch]:
    """Return the open batches of the running session that were last sent over `min_age_seconds` ago, or never."""
    return _batches(db, f"done_at IS NULL AND sent_at < ? AND {_IN_RUNNING_SESSION}", (time.time() - min_age_seconds,))


def mark_batches_sent(db: sqlite3.Connection, batch_ids: Iterable[str]) -> None:
    """Record that batches were sent again; after `mark_batch_unsent` that is no further attempt."""
    db.executemany(
        "UPDATE batches SET sent_at = ?, attempts = attempts + (sent_at > 0) WHERE id = ? AND done_at IS NULL",
        [(time.time(), batch_id) for batch_id in batch_ids],
    )


def mark_batch_unsent(db: sqlite3.Connection, batch_id: str) -> None:
    """Record that no message stands for an open batch: it is sent at once, which is no further attempt."""
    db.execute("UPDATE batches SET sent_at = 0 WHERE id = ? AND done_at IS NULL", (batch_id,))


def unsent_batches(db: sqlite3.Connection) -> list[Batch]:
    """Return the open batches of the running session for which no message stands."""
    return _batches(db, f"done_at IS NULL AND sent_at = 0 AND {_IN_RUNNING_SESSION}", ())


def batches_out_of_attempts(db: sqlite3.Connection, min_age_seconds: float) -> list[str]:
    """Return the ids of open batches that were sent `MAX_ATTEMPTS` times, last over `min_age_seconds` ago."""
    rows = db.execute(
        # An unsent batch has yet to be sent for its latest attempt.
        "SELECT id FROM batches WHERE done_at IS NULL AND attempts >= ? AND sent_at > 0 AND sent_at < ? "
        f"AND {_IN_RUNNING_SESSION}",
        (MAX_ATTEMPTS, time.time() - min_age_seconds),
    )
    return [row["id"] for row in rows]


def discoveries_to_resend(db: sqlite3.Connection, min_age_seconds: float) -> list[int]:
    """Return the running sessions whose discovery has sent no heartbeat for `min_age_seconds`."""
    rows = db.execute(
        "SELECT id FROM scan_sessions WHERE status = 'running' AND discovered = 0 AND heartbeat_at < ?",
        (time.time() - min_age_seconds,),
    )
    return [int(row["id"]) for row in rows]


def unsent_discoveries(db: sqlite3.Connection) -> list[int]:
    """Return the running sessions whose discovery is open, and for which no message stands."""
    rows = db.execute("SELECT id FROM scan_sessions WHERE status = 'running' AND discovered = 0 AND heartbeat_at = 0")
    return [int(row["id"]) for row in rows]


def mark_discovery_unsent(db: sqlite3.Connection, session_id: int) -> None:
    """Record that no message stands for an open discovery: it is sent at once, which is no further attempt."""
    db.execute("UPDATE scan_sessions SET heartbeat_at = 0 WHERE id = ? AND discovered = 0", (session_id,))


def mark_discovery_sent(db: sqlite3.Connection, session_id: int) -> None:
    """Record that a discovery was sent again; after `mark_discovery_unsent` that is no further attempt."""
    db.execute(
        "UPDATE scan_sessions SET attempts = attempts + (heartbeat_at > 0), heartbeat_at = ? "
        "WHERE id = ? AND discovered = 0",
        (time.time(), session_id),
    )


def discovery_attempts(db: sqlite3.Connection, session_id: int) -> int:
    """Return how often the discovery of a session was sent."""
    return int(db.execute("SELECT attempts FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()["attempts"])


def _batches(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[Batch]:
    rows = db.execute(f"SELECT id, session_id, files FROM batches WHERE {where}", values)
    return [
        Batch(
            row["id"],
            row["session_id"],
            batch_files(row["files"]),
        )
        for row in rows
    ]


def batch_files(stored: str) -> list[FileStamp]:
    """Return the files of an open batch, as they are stored in its column `files`."""
    return [_file_of(*file) for file in json.loads(stored)]


def _row_of(file: FileStamp) -> list[Any]:
    row = [file["path"], file["size"], file["mtime_ns"]]
    return [*row, file["companions"], file["companion_stamp"]] if "companion_stamp" in file else row


def _file_of(
    path: str, size: int, mtime_ns: int, companions: list[str] | None = None, companion_stamp: int = 0
) -> FileStamp:
    file: FileStamp = {"path": path, "size": size, "mtime_ns": mtime_ns}
    if companions is not None:
        file["companions"], file["companion_stamp"] = companions, companion_stamp
    return file


def _status(db: sqlite3.Connection, session_id: int) -> str:
    row = db.execute("SELECT status FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        raise LookupError(f"no scan session {session_id}")
    return str(row["status"])
