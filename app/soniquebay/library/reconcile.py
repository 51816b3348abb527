"""What became of the known files that a scan has not seen: moved, missing, or protected.

An unplugged drive looks like a deleted library. So a root in which a scan found nothing at all is protected: its files
become missing only when the operator confirms the removal. Each root is judged alone. A scan never deletes a track.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping

from soniquebay.library.missing_tracks import delete_tracks, mark_missing
from soniquebay.library.moved_files import complete_moves, move_track
from soniquebay.library.paths import is_within

FILES_PER_TRANSACTION = 500  # other writers get their turn even while a whole library becomes missing


def known_roots(db: sqlite3.Connection) -> list[str]:
    """Return the encoded paths of all roots in which a scan has found files."""
    return [row["path"] for row in db.execute("SELECT path FROM roots ORDER BY path")]


def innermost_root(path: str, roots: Iterable[str]) -> str | None:
    """Return the innermost of the roots that contain a path (all encoded), or None."""
    return max((root for root in roots if is_within(path, root)), key=len, default=None)


def add_unseen(db: sqlite3.Connection, session_id: int, unseen: Mapping[str, Iterable[str]]) -> None:
    """Record the known files that a session has not seen: their encoded paths by root."""
    db.executemany(
        "INSERT OR REPLACE INTO unseen (path, session_id, root) VALUES (?, ?, ?)",
        [(path, session_id, root) for root, paths in unseen.items() for path in paths],
    )


def protect_empty_roots(db: sqlite3.Connection, session_id: int, files_by_root: Mapping[str, int]) -> None:
    """Record the roots of a walk, and count the tracks in those where it found no files as protected.

    `files_by_root`: the number of files by root. A known root that is not among them is forgotten: it is no root any
    more. If removal is confirmed, the empty roots are forgotten instead. Raises ``LookupError`` when the session does
    not exist.
    """
    session = db.execute("SELECT removal_confirmed FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()
    if session is None:
        raise LookupError(f"no scan session {session_id}")
    db.executemany(
        "INSERT OR IGNORE INTO roots (path) VALUES (?)", [(root,) for root, count in files_by_root.items() if count]
    )
    db.execute("DELETE FROM roots WHERE path NOT IN (SELECT value FROM json_each(?))", (json.dumps([*files_by_root]),))
    empty = [root for root, count in files_by_root.items() if not count]
    if session["removal_confirmed"]:
        db.executemany("DELETE FROM roots WHERE path = ?", [(root,) for root in empty])
        return
    (count,) = db.execute(
        "SELECT count(*) FROM unseen u JOIN tracks t ON t.path = u.path "
        "WHERE u.session_id = ? AND t.missing_since IS NULL AND u.root IN (SELECT value FROM json_each(?))",
        (session_id, json.dumps(empty)),
    ).fetchone()
    db.execute("UPDATE scan_sessions SET protected = ? WHERE id = ?", (count, session_id))


def reconcile_unseen(db: sqlite3.Connection, session_id: int, files_by_root: Mapping[str, int]) -> bool:
    """Decide on up to `FILES_PER_TRANSACTION` unseen files; return whether there may be more.

    A file was moved if this session inserted a file with the same fingerprint elsewhere. Any other file is missing,
    unless its root is protected.
    """
    confirmed = db.execute("SELECT removal_confirmed FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()[
        "removal_confirmed"
    ]
    protected_roots = [] if confirmed else [root for root, count in files_by_root.items() if not count]
    moved = _moved_tracks(db, session_id)
    for old, new in moved:
        _move_track(db, old, new)
    if moved:
        db.execute("UPDATE scan_sessions SET moved = moved + ? WHERE id = ?", (len(moved), session_id))
        return True
    missing_paths = [
        row["path"]
        for row in db.execute(
            "SELECT path FROM unseen WHERE session_id = ? AND root NOT IN (SELECT value FROM json_each(?)) LIMIT ?",
            (session_id, json.dumps(protected_roots), FILES_PER_TRANSACTION),
        )
    ]
    missing = mark_missing(db, missing_paths)
    db.execute("UPDATE scan_sessions SET missing = missing + ? WHERE id = ?", (missing, session_id))
    db.execute("DELETE FROM unseen WHERE path IN (SELECT value FROM json_each(?))", (json.dumps(missing_paths),))
    return bool(missing_paths)


def _moved_tracks(db: sqlite3.Connection, session_id: int) -> list[tuple[sqlite3.Row, sqlite3.Row]]:
    """Return unseen tracks, each paired with the new track that was inserted for its moved file."""
    rows = db.execute(
        "SELECT o.id AS old_id, n.id AS new_id FROM unseen u JOIN tracks o ON o.path = u.path "
        "JOIN scan_sessions s ON s.id = u.session_id "
        "JOIN tracks n ON n.fingerprint = o.fingerprint AND n.read_session_id = s.id AND n.added_at >= s.started_at "
        "AND n.id <> o.id "
        "WHERE u.session_id = ? LIMIT ?",
        (session_id, FILES_PER_TRANSACTION),
    ).fetchall()
    pairs: list[tuple[sqlite3.Row, sqlite3.Row]] = []
    paired_ids: set[int] = set()
    for row in rows:
        if not {row["old_id"], row["new_id"]} & paired_ids:
            paired_ids |= {row["old_id"], row["new_id"]}
            old, new = (
                db.execute("SELECT * FROM tracks WHERE id = ?", (row[name],)).fetchone()
                for name in ("old_id", "new_id")
            )
            pairs.append((old, new))
    return pairs


def _move_track(db: sqlite3.Connection, old: sqlite3.Row, new: sqlite3.Row) -> None:
    """Give the old track the file of the new track, and delete the new one."""
    move_track(db, old, new)
    complete_moves(db, {old["path"]: new["path"]})


def purge(db: sqlite3.Connection, missing_before: float) -> int:
    """Delete up to `FILES_PER_TRANSACTION` tracks missing since before a time (Unix seconds); return how many."""
    rows = db.execute(
        "SELECT id, path, album_id, missing_since FROM tracks WHERE missing_since < ? LIMIT ?",
        (missing_before, FILES_PER_TRANSACTION),
    ).fetchall()
    delete_tracks(db, rows)
    return len(rows)
