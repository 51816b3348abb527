"""What is kept of old scans: for ever their numbers, but the batches and failures of the newest ones only."""

import sqlite3

MAX_DETAILED_SESSIONS = 20  # a library of 1,000,000 files has 10,000 batches a full scan
MAX_SESSIONS = 5000  # with the watch on, a few a day
_SESSIONS_PER_CALL = 1  # other writers get their turn: a session may have 10,000 batches

_ENDED = "status IN ('completed', 'cancelled')"
# The batch in place of a session's many has an id that begins so. A cancelled session may have one that is not done.
_SUMMARY = "summary of session "


def forget(db: sqlite3.Connection) -> int:
    """Forget the details of some old sessions, inside the caller's transaction; return how many are done now.

    A session's batches become one with their number of files, and its failures a number. Beyond `MAX_SESSIONS` the
    oldest go that no track was read by.
    """
    oldest_detailed = _id_of_newest(db, MAX_DETAILED_SESSIONS)
    rows = db.execute(
        f"SELECT id FROM scan_sessions s WHERE id < ? AND {_ENDED} AND ("
        "EXISTS (SELECT 1 FROM failures WHERE session_id = s.id) "
        "OR EXISTS (SELECT 1 FROM batches WHERE session_id = s.id AND id NOT LIKE ? || '%')) ORDER BY id LIMIT ?",
        (oldest_detailed, _SUMMARY, _SESSIONS_PER_CALL),
    ).fetchall()
    for row in rows:
        _summarise(db, row["id"])
    deleted = db.execute(
        f"SELECT id FROM scan_sessions WHERE id < ? AND {_ENDED} "
        "AND id NOT IN (SELECT read_session_id FROM tracks WHERE read_session_id IS NOT NULL) ORDER BY id LIMIT ?",
        (_id_of_newest(db, MAX_SESSIONS), _SESSIONS_PER_CALL),
    ).fetchall()
    for row in deleted:
        for table in ("failures", "batches"):
            db.execute(f"DELETE FROM {table} WHERE session_id = ?", (row["id"],))
        db.execute("DELETE FROM scan_sessions WHERE id = ?", (row["id"],))
    return len(rows) + len(deleted)


def _id_of_newest(db: sqlite3.Connection, number: int) -> int:
    """Return the id of the session that is the last of the newest ones; 0 if there are fewer."""
    row = db.execute("SELECT id FROM scan_sessions ORDER BY id DESC LIMIT 1 OFFSET ?", (number - 1,)).fetchone()
    return int(row["id"]) if row else 0


def _summarise(db: sqlite3.Connection, session_id: int) -> None:
    failures = db.execute("DELETE FROM failures WHERE session_id = ?", (session_id,)).rowcount
    db.execute(
        "UPDATE scan_sessions SET forgotten_failures = forgotten_failures + ? WHERE id = ?", (failures, session_id)
    )
    sums = db.execute(
        "SELECT sum(file_count), max(sent_at), max(done_at) FROM batches WHERE session_id = ? GROUP BY done_at IS NULL",
        (session_id,),
    ).fetchall()
    db.execute("DELETE FROM batches WHERE session_id = ?", (session_id,))
    db.executemany(
        "INSERT INTO batches (id, session_id, file_count, sent_at, done_at) VALUES (?, ?, ?, ?, ?)",
        [
            (f"{_SUMMARY}{session_id}{'' if done_at else ', not done'}", session_id, files, sent_at, done_at)
            for files, sent_at, done_at in sums
        ],
    )
