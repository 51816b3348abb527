"""The progress of a scan session, computed from its rows each time."""

import sqlite3
import time
from typing import Any

from soniquebay.library import queries

# The relative cost of inserting and of analysing a file, as weights of the percentage: an analysis decodes audio.
INSERT_UNITS, ANALYSIS_UNITS = 1, 20
_MIN_DURATION_SECONDS = 1e-3  # a divisor


def snapshot(
    db: sqlite3.Connection, session_id: int, seconds_per_analysis: float | None = None
) -> dict[str, Any] | None:
    """Return the progress of a session, or None if it does not exist.

    `files` is the number of files found so far, final once `phase` is no longer "discovering". `finished` counts the
    files that are unchanged, failed, or inserted and analysed. `percent` is 0 until `files` is final, and then only
    grows, to 100. `rate` is the number of files inserted per minute, and after that of tracks analysed per minute.
    `vectors_waiting` counts the tracks of this session that wait for analysis, `library_vectors_waiting` those of all
    sessions. The oldest session's come first, so `seconds_left` includes them all; it is None while it cannot be
    estimated. `seconds_per_analysis` is the recent average for that.
    """
    session = queries.session(db, session_id)
    if session is None:
        return None
    failed = _count_failed_files(db, session_id)
    to_analyse = _count_tracks_to_analyse(db, session_id)
    library_to_analyse = count_all_tracks_to_analyse(db)
    inserted = session["files_done"] - min(failed, session["files_done"])
    more_tracks = _count_more_tracks(db, session_id)
    analysed = max(0, inserted + more_tracks - to_analyse)
    now = time.time()
    duration = max(_MIN_DURATION_SECONDS, (session["finished_at"] or now) - session["started_at"])
    to_insert = session["files_changed"] - session["files_done"]
    has_ended = session["status"] in {"completed", "cancelled"}
    insert_rate = session["files_done"] / duration
    analysis_duration = max(_MIN_DURATION_SECONDS, now - (session["finished_at"] or now))
    analysis_rate = analysed / analysis_duration if has_ended and analysed else 0.0
    return {
        "session_id": session_id,
        "status": session["status"],
        "phase": _phase(session, to_analyse),
        "files": session["files"],
        "inserted": session["unchanged"] + session["files_done"],
        "finished": session["unchanged"] + failed + max(0, analysed - more_tracks),
        "failures": session["failures"],
        "vectors_waiting": to_analyse,
        "library_vectors_waiting": library_to_analyse,
        "vector_failures": _count_vector_failures(db, session_id),
        "percent": _percent(session, failed, analysed, to_analyse, more_tracks),
        "rate": round(60 * (analysis_rate if has_ended else insert_rate), 1),
        "seconds": round(duration, 3),
        "seconds_left": _seconds_left(
            session, to_insert, insert_rate, to_insert + library_to_analyse, seconds_per_analysis
        ),
    }


def _percent(session: dict[str, Any], failed: int, analysed: int, to_analyse: int, more_tracks: int) -> float:
    if session["status"] == "cancelled" or (session["status"] == "completed" and not to_analyse):
        return 100.0
    if not session["discovered"]:
        return 0.0
    if not session["files_changed"]:
        return 99.9
    inserted_share: float = session["files_done"] / session["files_changed"]
    analysed_share: float = (analysed + min(failed, session["files_done"])) / (session["files_changed"] + more_tracks)
    share = (INSERT_UNITS * inserted_share + ANALYSIS_UNITS * analysed_share) / (INSERT_UNITS + ANALYSIS_UNITS)
    # Below 100 until the end: it must not be reached by rounding.
    return min(99.9, round(100 * share, 1))


def _seconds_left(
    session: dict[str, Any],
    to_insert: int,
    insert_rate: float,
    to_analyse: int,
    seconds_per_analysis: float | None,
) -> int | None:
    if not to_insert and not to_analyse:
        return 0 if session["discovered"] else None
    if not session["discovered"] or session["status"] == "paused" or (to_insert and not insert_rate):
        return None
    if to_analyse and seconds_per_analysis is None:
        return None
    return round((to_insert / insert_rate if to_insert else 0.0) + to_analyse * (seconds_per_analysis or 0.0))


def _count_failed_files(db: sqlite3.Connection, session_id: int) -> int:
    row = db.execute("SELECT count(*) FROM failures WHERE session_id = ? AND is_file = 1", (session_id,)).fetchone()
    return int(row[0])


def _count_more_tracks(db: sqlite3.Connection, session_id: int) -> int:
    """Return how many more tracks than files a session has read: files that are several tracks have parts."""
    row = db.execute(
        "SELECT count(*) FROM tracks INDEXED BY tracks_parts "
        "WHERE read_session_id = ? AND part > 1 AND missing_since IS NULL",
        (session_id,),
    ).fetchone()
    return int(row[0])


def _count_tracks_to_analyse(db: sqlite3.Connection, session_id: int) -> int:
    row = db.execute(
        "SELECT count(*) FROM tracks INDEXED BY tracks_to_analyse "
        "WHERE read_session_id = ? AND analysed = 0 AND missing_since IS NULL",
        (session_id,),
    ).fetchone()
    return int(row[0])


def count_all_tracks_to_analyse(db: sqlite3.Connection) -> int:
    """Return how many tracks of all sessions wait for their analysis."""
    row = db.execute(
        "SELECT count(*) FROM tracks INDEXED BY tracks_to_analyse WHERE analysed = 0 AND missing_since IS NULL"
    ).fetchone()
    return int(row[0])


def _count_vector_failures(db: sqlite3.Connection, session_id: int) -> int:
    row = db.execute(
        # Failures are few, and the tracks of a session may be all there are.
        "SELECT count(*) FROM vectors v INDEXED BY vectors_failed CROSS JOIN tracks t ON t.id = v.track_id "
        "WHERE v.data IS NULL AND t.read_session_id = ?",
        (session_id,),
    ).fetchone()
    return int(row[0])


def _phase(session: dict[str, Any], to_analyse: int) -> str:
    if session["status"] in {"paused", "cancelled"}:
        return str(session["status"])
    if not session["discovered"]:
        return "discovering"
    if session["status"] == "running":
        return "inserting"
    return "analysing" if to_analyse else "done"
