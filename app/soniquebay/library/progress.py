"""How far a scan has come: one picture of the session, made from its rows each time."""

import sqlite3
import time
from typing import Any

from soniquebay.library import queries

# What a file costs to be inserted and to be analysed, in units of the one percentage: analysis decodes sound.
INSERT_UNITS, ANALYSIS_UNITS = 1, 20


def snapshot(db: sqlite3.Connection, session_id: int, pace: float | None = None) -> dict[str, Any] | None:
    """Return the progress of a session, or None if there is no such one.

    `files` is the number found so far, final once `phase` has left "discovering". `finished` counts the files that
    need nothing more: unchanged, failed, or inserted and analysed. `percent` is 0 until the total is known, and only
    grows from there to 100. `rate`: searchable files a minute while they are inserted, then analysed ones.
    `library_vectors_waiting` counts the tracks of all sessions that wait for analysis. Those of the oldest session come
    first, so `seconds_left` includes them all. It is None while it cannot be told; `pace` is how long an analysis took
    lately (seconds).
    """
    session = queries.session(db, session_id)
    if session is None:
        return None
    failed = _failed_files(db, session_id)
    waiting = _waiting(db, session_id)
    library_waiting = _library_waiting(db)
    inserted = session["files_done"] - min(failed, session["files_done"])
    analysed = max(0, inserted - waiting)
    now = time.time()
    running = max(1e-3, (session["finished_at"] or now) - session["started_at"])
    to_insert = session["files_changed"] - session["files_done"]
    over = session["status"] in {"completed", "cancelled"}
    insert_rate = session["files_done"] / running
    analysis_time = max(1e-3, now - (session["finished_at"] or now))
    analysis_rate = analysed / analysis_time if over and analysed else 0.0
    return {
        "session_id": session_id,
        "status": session["status"],
        "phase": _phase(session, waiting),
        "files": session["files"],
        "inserted": session["unchanged"] + session["files_done"],
        "finished": session["unchanged"] + failed + analysed,
        "failures": session["failures"],
        "vectors_waiting": waiting,
        "library_vectors_waiting": library_waiting,
        "vector_failures": _vector_failures(db, session_id),
        "percent": _percent(session, failed, analysed, waiting),
        "rate": round(60 * (analysis_rate if over else insert_rate), 1),
        "seconds": round(running, 3),
        "seconds_left": _seconds_left(session, to_insert, insert_rate, to_insert + library_waiting, pace),
    }


def _percent(session: dict[str, Any], failed: int, analysed: int, waiting: int) -> float:
    if session["status"] == "cancelled" or (session["status"] == "completed" and not waiting):
        return 100.0
    if not session["discovered"]:
        return 0.0
    file_units = INSERT_UNITS + ANALYSIS_UNITS
    whole = file_units * session["files_changed"]
    done = INSERT_UNITS * session["files_done"] + ANALYSIS_UNITS * (analysed + min(failed, session["files_done"]))
    # Not 100 before the end: rounding must not promise it.
    return min(99.9, round(100 * done / whole, 1)) if whole else 99.9


def _seconds_left(
    session: dict[str, Any], to_insert: int, insert_rate: float, to_analyse: int, pace: float | None
) -> int | None:
    if not to_insert and not to_analyse:
        return 0 if session["discovered"] else None
    if not session["discovered"] or session["status"] == "paused" or (to_insert and not insert_rate):
        return None
    if to_analyse and pace is None:
        return None
    return round((to_insert / insert_rate if to_insert else 0.0) + to_analyse * (pace or 0.0))


def _failed_files(db: sqlite3.Connection, session_id: int) -> int:
    row = db.execute("SELECT count(*) FROM failures WHERE session_id = ? AND is_file = 1", (session_id,)).fetchone()
    return int(row[0])


def _waiting(db: sqlite3.Connection, session_id: int) -> int:
    row = db.execute(
        "SELECT count(*) FROM tracks INDEXED BY tracks_to_analyse "
        "WHERE read_session_id = ? AND analysed = 0 AND missing_since IS NULL",
        (session_id,),
    ).fetchone()
    return int(row[0])


def _library_waiting(db: sqlite3.Connection) -> int:
    row = db.execute(
        "SELECT count(*) FROM tracks INDEXED BY tracks_to_analyse WHERE analysed = 0 AND missing_since IS NULL"
    ).fetchone()
    return int(row[0])


def _vector_failures(db: sqlite3.Connection, session_id: int) -> int:
    row = db.execute(
        "SELECT count(*) FROM vectors v JOIN tracks t ON t.id = v.track_id "
        "WHERE v.data IS NULL AND t.read_session_id = ?",
        (session_id,),
    ).fetchone()
    return int(row[0])


def _phase(session: dict[str, Any], waiting: int) -> str:
    if session["status"] in {"paused", "cancelled"}:
        return str(session["status"])
    if not session["discovered"]:
        return "discovering"
    if session["status"] == "running":
        return "inserting"
    return "analysing" if waiting else "done"
