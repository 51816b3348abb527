"""What is read from the library: pages of tracks, albums and artists, and the full-text search."""

import re
import sqlite3
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

_TRACK = """
SELECT t.id, t.title, t.artist_id, a.name AS artist, t.album_id, b.title AS album, o.name AS album_artist, t.track_no,
       t.disc_no, coalesce(t.year, b.year) AS year, t.duration, t.format, t.mbid, f.path,
       (SELECT group_concat(g.name, char(31)) FROM track_genres tg JOIN genres g ON g.id = tg.genre_id
         WHERE tg.track_id = t.id) AS genres,
       v.bpm, v.key, v.data IS NOT NULL AS has_vector, v.failure AS vector_failure
FROM tracks t
JOIN artists a ON a.id = t.artist_id
LEFT JOIN albums b ON b.id = t.album_id
LEFT JOIN artists o ON o.id = b.artist_id
LEFT JOIN files f ON f.track_id = t.id
LEFT JOIN vectors v ON v.track_id = t.id
"""
_ALBUM = """
SELECT b.id, b.title, b.artist_id, o.name AS artist, b.year, b.mbid, b.cover IS NOT NULL AS has_cover,
       (SELECT count(*) FROM tracks t WHERE t.album_id = b.id) AS tracks
FROM albums b JOIN artists o ON o.id = b.artist_id
"""
_ARTIST = """
SELECT a.id, a.name, a.mbid, (SELECT count(*) FROM tracks t WHERE t.artist_id = a.id) AS tracks,
       (SELECT count(*) FROM albums b WHERE b.artist_id = a.id) AS albums
FROM artists a
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a longer list, and how long it is."""

    items: list[Row]
    total: int


def tracks(db: sqlite3.Connection, limit: int, offset: int, album_id: int | None, artist_id: int | None) -> Page:
    """Return tracks in the order of album, disc and number, all of them or one album's or artist's."""
    where, values = _filters({"t.album_id": album_id, "t.artist_id": artist_id})
    total = _count(db, f"SELECT count(*) FROM tracks t {where}", values)
    order = "ORDER BY t.album_id, t.disc_no, t.track_no, t.id LIMIT ? OFFSET ?"
    rows = db.execute(f"{_TRACK} {where} {order}", (*values, limit, offset))
    return Page([_track(row) for row in rows], total)


def track(db: sqlite3.Connection, track_id: int) -> Row | None:
    """Return one track, or None."""
    return next(iter(tracks_by_id(db, [track_id])), None)


def tracks_by_id(db: sqlite3.Connection, ids: list[int]) -> list[Row]:
    """Return the tracks with these ids, in their order; ids that are gone are left out."""
    rows = db.execute(f"{_TRACK} WHERE t.id IN ({', '.join('?' * len(ids))})", ids)
    found = {row["id"]: _track(row) for row in rows}
    return [found[i] for i in ids if i in found]


def albums(db: sqlite3.Connection, limit: int, offset: int, artist_id: int | None) -> Page:
    """Return albums in the order of artist and year."""
    where, values = _filters({"b.artist_id": artist_id})
    total = _count(db, f"SELECT count(*) FROM albums b {where}", values)
    rows = db.execute(f"{_ALBUM} {where} ORDER BY o.key, b.year, b.key LIMIT ? OFFSET ?", (*values, limit, offset))
    return Page([dict(row) for row in rows], total)


def artists(db: sqlite3.Connection, limit: int, offset: int) -> Page:
    """Return artists in the order of their normalised names."""
    total = _count(db, "SELECT count(*) FROM artists", ())
    rows = db.execute(f"{_ARTIST} ORDER BY a.key LIMIT ? OFFSET ?", (limit, offset))
    return Page([dict(row) for row in rows], total)


def search(db: sqlite3.Connection, text: str, limit: int, offset: int) -> Page:
    """Return the tracks whose title, artist and album together hold every word, the last one as a beginning."""
    words = re.findall(r"\w+", text)
    if not words:
        return Page([], 0)
    # Each word in quotes: what a person types is never the syntax of the index.
    match = " ".join(f'"{word}"' for word in words) + "*"
    total = _count(db, "SELECT count(*) FROM search WHERE search MATCH ?", (match,))
    rows = db.execute(
        "SELECT rowid FROM search WHERE search MATCH ? ORDER BY rank, rowid LIMIT ? OFFSET ?", (match, limit, offset)
    )
    return Page(tracks_by_id(db, [row["rowid"] for row in rows]), total)


def file_of_track(db: sqlite3.Connection, track_id: int) -> str | None:
    """Return the encoded path of a track's file."""
    row = db.execute("SELECT path FROM files WHERE track_id = ?", (track_id,)).fetchone()
    return str(row["path"]) if row else None


def sessions(db: sqlite3.Connection, limit: int, offset: int) -> Page:
    """Return scan sessions, the newest first."""
    total = _count(db, "SELECT count(*) FROM scan_sessions", ())
    rows = db.execute("SELECT id FROM scan_sessions ORDER BY id DESC LIMIT ? OFFSET ?", (limit, offset)).fetchall()
    return Page([session(db, row["id"]) or {} for row in rows], total)


def session(db: sqlite3.Connection, session_id: int) -> Row | None:
    """Return a session with its counts, all read from the rows they speak of."""
    row = db.execute(
        """
        SELECT s.id, s.status, s.started_at, s.finished_at, s.discovered, s.unchanged,
               coalesce((SELECT sum(file_count) FROM batches WHERE session_id = s.id), 0) AS files_changed,
               coalesce((SELECT sum(file_count) FROM batches WHERE session_id = s.id AND done_at IS NOT NULL), 0)
                   AS files_done,
               (SELECT count(*) FROM failures WHERE session_id = s.id) AS failures
        FROM scan_sessions s WHERE s.id = ?
        """,
        (session_id,),
    ).fetchone()
    return (
        {**row, "files": row["unchanged"] + row["files_changed"], "discovered": bool(row["discovered"])}
        if row
        else None
    )


def failures(db: sqlite3.Connection, session_id: int, limit: int, offset: int) -> Page:
    """Return what a session could not take in, and why."""
    total = _count(db, "SELECT count(*) FROM failures WHERE session_id = ?", (session_id,))
    rows = db.execute(
        "SELECT path, stage, reason FROM failures WHERE session_id = ? ORDER BY path LIMIT ? OFFSET ?",
        (session_id, limit, offset),
    )
    return Page([dict(row) for row in rows], total)


def totals(db: sqlite3.Connection) -> dict[str, int]:
    """Return how much there is: tracks, albums, artists, vectors, and tracks that could not be analysed."""
    row = db.execute(
        "SELECT (SELECT count(*) FROM tracks) AS tracks, (SELECT count(*) FROM albums) AS albums, "
        "(SELECT count(*) FROM artists) AS artists, (SELECT count(*) FROM vectors WHERE data IS NOT NULL) AS vectors, "
        "(SELECT count(*) FROM vectors WHERE data IS NULL) AS vector_failures"
    ).fetchone()
    return dict(row)


def known_files(db: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Return size and mtime (ns) of every file that became a track, by encoded path."""
    rows = db.execute("SELECT path, size, mtime_ns FROM files WHERE track_id IS NOT NULL")
    return {row["path"]: (row["size"], row["mtime_ns"]) for row in rows}


def handled_in(db: sqlite3.Connection, session_id: int) -> set[str]:
    """Return the encoded paths that a session's ledger has already taken, for a discovery that starts again."""
    failed = db.execute("SELECT path FROM failures WHERE session_id = ?", (session_id,))
    inserted = db.execute("SELECT path FROM files WHERE seen_in = ?", (session_id,))
    waiting = db.execute(
        "SELECT j.value ->> 0 AS path FROM batches b, json_each(b.files) j "
        "WHERE b.session_id = ? AND b.done_at IS NULL",
        (session_id,),
    )
    return {row["path"] for rows in (failed, inserted, waiting) for row in rows}


def unfinished_tracks(db: sqlite3.Connection, version: int, limit: int) -> list[int]:
    """Return ids of tracks that wait for a vector of this version of the features, a cover or their genres."""
    rows = db.execute(
        "SELECT t.id FROM tracks t LEFT JOIN vectors v ON v.track_id = t.id AND v.version = ? "
        "LEFT JOIN albums b ON b.id = t.album_id "
        "WHERE v.track_id IS NULL OR b.cover_done = 0 OR (t.genre_raw <> '' AND t.genres_done = 0) LIMIT ?",
        (version, limit),
    )
    return [row["id"] for row in rows]


def follow_ups(db: sqlite3.Connection, ids: list[int], version: int) -> list[Row]:
    """Return what is to be done for tracks after their insert, and what of it is done (vectors of this version)."""
    rows = db.execute(
        "SELECT t.id, f.path, t.genre_raw, t.genres_done, t.album_id, t.has_picture, b.cover_done, "
        "v.track_id IS NOT NULL AS analysed FROM tracks t JOIN files f ON f.track_id = t.id "
        "LEFT JOIN albums b ON b.id = t.album_id LEFT JOIN vectors v ON v.track_id = t.id AND v.version = ? "
        f"WHERE t.id IN ({', '.join('?' * len(ids))})",
        (version, *ids),
    )
    return [dict(row) for row in rows]


def _filters(columns: dict[str, int | None]) -> tuple[str, tuple[int, ...]]:
    given = {name: value for name, value in columns.items() if value is not None}
    clause = " AND ".join(f"{name} = ?" for name in given)
    return (f"WHERE {clause}" if given else "", tuple(given.values()))


def _count(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> int:
    return int(db.execute(sql, values).fetchone()[0])


def _track(row: sqlite3.Row) -> Row:
    return {
        **row,
        "genres": (row["genres"] or "").split("\x1f") if row["genres"] else [],
        "has_vector": bool(row["has_vector"]),
    }
