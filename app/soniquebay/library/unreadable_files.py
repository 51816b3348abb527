"""Files that hold no readable audio. As long as such a file is the same, scans tell of it without reading it again."""

import sqlite3
import time
from collections.abc import Iterable, Sequence

from soniquebay.audio.reading import READER_VERSION
from soniquebay.library.entities import FailedFile, FileStamp


def stamps(db: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Return size and mtime (nanoseconds) of each, by encoded path: of those that this release could not read."""
    rows = db.execute("SELECT path, size, mtime_ns FROM unreadable_files WHERE reader_version = ?", (READER_VERSION,))
    return {row["path"]: (row["size"], row["mtime_ns"]) for row in rows}


def remember(db: sqlite3.Connection, files: Iterable[FileStamp], failures: Iterable[FailedFile]) -> None:
    """Store which files of a batch hold no readable audio, and that its others do."""
    reasons = {failure["path"]: failure["reason"] for failure in failures if failure.get("bad_content")}
    # What lies beside a file may change what it is: a cue sheet gives it parts.
    told = [file for file in files if file["path"] in reasons and "companions" not in file]
    db.executemany("DELETE FROM unreadable_files WHERE path = ?", [(file["path"],) for file in files])
    db.executemany(
        "INSERT INTO unreadable_files (path, size, mtime_ns, reader_version, reason) VALUES (?, ?, ?, ?, ?)",
        [(file["path"], file["size"], file["mtime_ns"], READER_VERSION, reasons[file["path"]]) for file in told],
    )


def tell_again(db: sqlite3.Connection, session_id: int, paths: Sequence[str], *, is_whole: bool) -> None:
    """Add known unreadable files to the failures of a session, as a batch that is done.

    `is_whole`: the session has walked everything, so the other ones are gone, or are read by it.
    """
    if is_whole:
        db.execute("CREATE TEMP TABLE IF NOT EXISTS told_again (path TEXT PRIMARY KEY)")
        db.execute("DELETE FROM told_again")
        db.executemany("INSERT OR IGNORE INTO told_again VALUES (?)", [(path,) for path in paths])
        db.execute(
            "DELETE FROM unreadable_files WHERE path NOT IN (SELECT path FROM told_again) "
            "AND path NOT IN (SELECT path FROM failures WHERE session_id = ?)",
            (session_id,),
        )
    db.executemany(
        "INSERT OR IGNORE INTO failures (session_id, path, stage, reason, is_file) "
        "SELECT ?, path, 'extract', reason, 1 FROM unreadable_files WHERE path = ?",
        [(session_id, path) for path in paths],
    )
    if paths:
        now = time.time()
        db.execute(
            "INSERT OR IGNORE INTO batches (id, session_id, file_count, sent_at, done_at) VALUES (?, ?, ?, ?, ?)",
            (f"unreadable files of session {session_id}", session_id, len(paths), now, now),
        )
