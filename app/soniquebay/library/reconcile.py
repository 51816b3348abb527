"""What became of known files that a scan did not meet again: moved, missing, or only out of reach for now.

A drive that is not plugged in looks like a library that was deleted. So a root of which nothing at all is found marks
nothing missing, until a person confirms it; each root is judged alone. Nothing is ever deleted here.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping

from soniquebay.library import genres, ingest
from soniquebay.library.paths import is_within

AT_ONCE = 500  # files a transaction: a whole library that goes must not hold up everybody else


def roots(db: sqlite3.Connection) -> list[str]:
    """Return the encoded paths of every root that was ever scanned."""
    return [row["path"] for row in db.execute("SELECT path FROM roots ORDER BY path")]


def root_of(path: str, roots: Iterable[str]) -> str | None:
    """Return the innermost of some encoded roots that an encoded path lies in, or None."""
    return max((root for root in roots if is_within(path, root)), key=len, default=None)


def add_unseen(db: sqlite3.Connection, session_id: int, unseen: Mapping[str, Iterable[str]]) -> None:
    """Keep, by their root, the known files that a session has not met."""
    db.executemany(
        "INSERT OR REPLACE INTO unseen (path, session_id, root) VALUES (?, ?, ?)",
        [(path, session_id, root) for root, paths in unseen.items() for path in paths],
    )


def protect_empty_roots(db: sqlite3.Connection, session_id: int, found: Mapping[str, int]) -> None:
    """Record the roots of a walk, and set those aside of which nothing was found: `found` counts the files by root.

    Raises ``LookupError`` without such a session.
    """
    session = db.execute("SELECT removal_confirmed FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()
    if session is None:
        raise LookupError(f"no scan session {session_id}")
    db.executemany("INSERT OR IGNORE INTO roots (path) VALUES (?)", [(root,) for root, count in found.items() if count])
    empty = [root for root, count in found.items() if not count]
    if session["removal_confirmed"]:
        db.executemany("DELETE FROM roots WHERE path = ?", [(root,) for root in empty])
        return
    (count,) = db.execute(
        "SELECT count(*) FROM unseen u JOIN tracks t ON t.path = u.path "
        "WHERE u.session_id = ? AND t.missing_since IS NULL AND u.root IN (SELECT value FROM json_each(?))",
        (session_id, json.dumps(empty)),
    ).fetchone()
    db.execute("UPDATE scan_sessions SET protected = ? WHERE id = ?", (count, session_id))


def reconcile_unseen(db: sqlite3.Connection, session_id: int, found: Mapping[str, int]) -> bool:
    """Decide on the next `AT_ONCE` unseen files; True while there are more.

    A file whose like was inserted elsewhere by the same session was moved there; any other is missing, unless its root
    is protected.
    """
    confirmed = db.execute("SELECT removal_confirmed FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()[
        "removal_confirmed"
    ]
    kept = [] if confirmed else [root for root, count in found.items() if not count]
    moves = _moves(db, session_id)
    for old, new in moves:
        _move(db, old, new)
    if moves:
        db.execute("UPDATE scan_sessions SET moved = moved + ? WHERE id = ?", (len(moves), session_id))
        return True
    gone = [
        row["path"]
        for row in db.execute(
            "SELECT path FROM unseen WHERE session_id = ? AND root NOT IN (SELECT value FROM json_each(?)) LIMIT ?",
            (session_id, json.dumps(kept), AT_ONCE),
        )
    ]
    missing = ingest.mark_missing(db, gone)
    db.execute("UPDATE scan_sessions SET missing = missing + ? WHERE id = ?", (missing, session_id))
    db.execute("DELETE FROM unseen WHERE path IN (SELECT value FROM json_each(?))", (json.dumps(gone),))
    return bool(gone)


def _moves(db: sqlite3.Connection, session_id: int) -> list[tuple[sqlite3.Row, sqlite3.Row]]:
    """Return unseen tracks, each with the new one that holds its file now."""
    rows = db.execute(
        "SELECT o.id AS old_id, n.id AS new_id FROM unseen u JOIN tracks o ON o.path = u.path "
        "JOIN scan_sessions s ON s.id = u.session_id "
        "JOIN tracks n ON n.fingerprint = o.fingerprint AND n.read_session_id = s.id AND n.added_at >= s.started_at "
        "AND n.id <> o.id "
        "WHERE u.session_id = ? LIMIT ?",
        (session_id, AT_ONCE),
    ).fetchall()
    pairs: list[tuple[sqlite3.Row, sqlite3.Row]] = []
    taken: set[int] = set()
    for row in rows:
        if not {row["old_id"], row["new_id"]} & taken:
            taken |= {row["old_id"], row["new_id"]}
            old, new = (
                db.execute("SELECT * FROM tracks WHERE id = ?", (row[name],)).fetchone()
                for name in ("old_id", "new_id")
            )
            pairs.append((old, new))
    return pairs


def _move(db: sqlite3.Connection, old: sqlite3.Row, new: sqlite3.Row) -> None:
    """Give the old track the place of the new one, which then was never there."""
    ingest.remove_tracks(db, [new["id"]])
    db.execute("DELETE FROM unseen WHERE path = ?", (old["path"],))
    columns = ("path", "size", "mtime_ns", "title", "artist_id", "credit", "album_id", "read_session_id")
    db.execute(
        f"UPDATE tracks SET {', '.join(f'{c} = :{c}' for c in columns)}, missing_since = NULL WHERE id = :id",
        {**{c: new[c] for c in columns}, "id": old["id"]},
    )
    ingest.reindex(db, [old["id"]])
    if not old["genre_raw"]:
        genres.fill_from_musicbrainz(db, [old["id"]])
    ingest.drop_empty(db, old["artist_id"], old["album_id"])


def purge(db: sqlite3.Connection, missing_before: float) -> int:
    """Delete up to `AT_ONCE` tracks that are missing since before a time (Unix seconds); returns how many."""
    rows = db.execute(
        "SELECT id, artist_id, album_id FROM tracks WHERE missing_since < ? LIMIT ?", (missing_before, AT_ONCE)
    ).fetchall()
    ingest.remove_tracks(db, [row["id"] for row in rows])
    for artist_id, album_id in {(row["artist_id"], row["album_id"]) for row in rows}:
        ingest.drop_empty(db, artist_id, album_id)
    return len(rows)
