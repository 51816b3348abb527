"""How far a scan has come: one picture of the session, made from its rows each time."""

import sqlite3
import time
from typing import Any

from soniquebay.library import queries


def snapshot(db: sqlite3.Connection, session_id: int) -> dict[str, Any] | None:
    """Return the progress of a session, or None if there is no such one.

    `files` is the number found so far, final once `phase` has left "discovering". `finished` counts the files that
    need nothing more: unchanged, failed, or inserted and analysed. `percent` and `seconds_left` are None until the
    total is known; `rate` is in files a minute.
    """
    session = queries.session(db, session_id)
    if session is None:
        return None
    row = db.execute(
        "SELECT count(*) AS inserted, count(v.track_id) AS analysed, count(v.failure) AS vector_failures FROM files f "
        "LEFT JOIN vectors v ON v.track_id = f.track_id WHERE f.seen_in = ?",
        (session_id,),
    ).fetchone()
    failed_files = _failed_files(db, session_id)
    finished = session["unchanged"] + failed_files + row["analysed"]
    waiting = row["inserted"] - row["analysed"]
    elapsed = max(1e-3, (session["finished_at"] or time.time()) - session["started_at"])
    phase = _phase(session, waiting)
    worked = failed_files + row["analysed"]
    running = max(1e-3, time.time() - session["started_at"])
    total = session["files"]
    known = session["discovered"]
    return {
        "session_id": session_id,
        "status": session["status"],
        "phase": phase,
        "files": total,
        "inserted": session["unchanged"] + session["files_done"],
        "finished": finished,
        "failures": session["failures"],
        "vectors_waiting": waiting,
        "vector_failures": row["vector_failures"],
        "percent": (round(100 * finished / total, 1) if total else 100.0) if known else None,
        "rate": round(60 * worked / running, 1),
        "seconds": round(elapsed, 3),
        "seconds_left": round((total - finished) * running / worked) if known and worked else None,
    }


def _failed_files(db: sqlite3.Connection, session_id: int) -> int:
    row = db.execute("SELECT count(*) FROM failures WHERE session_id = ? AND is_file = 1", (session_id,)).fetchone()
    return int(row[0])


def _phase(session: dict[str, Any], waiting: int) -> str:
    if not session["discovered"]:
        return "discovering"
    if session["status"] == "running":
        return "inserting"
    return "analysing" if waiting else "done"
