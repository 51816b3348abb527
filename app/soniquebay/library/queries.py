"""Queries for tracks, albums, artists and scan sessions, and for the tracks and albums that still await a task."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from soniquebay.audio.camelot import CAMELOT_CODES
from soniquebay.audio.reading import READER_VERSION
from soniquebay.library.browsing import lists
from soniquebay.library.covers import state_of_files
from soniquebay.sqlite import plain_cursor

Row = dict[str, Any]

_TRACK = """
SELECT t.id, t.title, t.artist_id, t.credit AS artist, t.album_id, b.title AS album,
       b.credit AS album_artist, t.track_no, t.disc_no, t.disc_subtitle, t.year, t.date, t.original_date,
       t.duration, t.format, t.mbid, t.path, t.part, t.start_seconds, t.added_at, t.missing_since,
       (SELECT group_concat(name, char(31)) FROM (SELECT g.name FROM track_genres tg JOIN genres g ON g.id = tg.genre_id
         WHERE tg.track_id = t.id ORDER BY tg.position)) AS genres,
       v.bpm, v.bpm_confidence, v.musical_key, v.data IS NOT NULL AS has_vector, v.failure AS vector_failure
FROM tracks t
LEFT JOIN albums b ON b.id = t.album_id
LEFT JOIN vectors v ON v.track_id = t.id
"""

_ALBUM = """
SELECT b.id, b.title, b.artist_id, b.credit AS artist, b.year, b.date, b.original_date, b.compilation, b.added_at,
       r.mbid, b.cover_sha256 IS NOT NULL AS has_cover,
       (SELECT count(*) FROM tracks t WHERE t.album_id = b.id AND t.missing_since IS NULL) AS tracks,
       m.type, m.date AS release_date, m.label, m.group_mbid AS release_group_mbid, m.genres AS online_genres
FROM albums b JOIN album_releases r ON r.album_id = b.id LEFT JOIN mb_releases m ON m.mbid = r.mbid
"""
_ARTIST = """
SELECT a.id, a.name, a.mbid, a.added_at,
       coalesce((SELECT r.track_count FROM artist_roles r WHERE r.artist_id = a.id AND r.role = 'artist'), 0) AS tracks,
       (SELECT count(*) FROM album_artists c WHERE c.artist_id = a.id AND EXISTS
         (SELECT 1 FROM tracks t WHERE t.album_id = c.album_id AND t.missing_since IS NULL)) AS albums,
       (EXISTS (SELECT 1 FROM artist_pictures p WHERE p.artist_id = a.id AND p.sha256 IS NOT NULL)
        OR EXISTS (SELECT 1 FROM album_artists c CROSS JOIN albums b ON b.id = c.album_id
          WHERE c.artist_id = a.id AND b.cover_sha256 IS NOT NULL
          AND EXISTS (SELECT 1 FROM tracks t WHERE t.album_id = b.id AND t.missing_since IS NULL))) AS has_picture,
       m.name AS canonical_name, m.sort_name, m.type, m.country, m.genres AS online_genres
FROM artists a LEFT JOIN mb_artists m ON m.mbid = a.mbid
"""
# Albums and artists without any track that is not missing are hidden too.
_ARTIST_PRESENT = (
    "(EXISTS (SELECT 1 FROM artist_roles r WHERE r.artist_id = a.id) OR EXISTS "
    "(SELECT 1 FROM album_artists c JOIN tracks t ON t.album_id = c.album_id "
    "WHERE c.artist_id = a.id AND t.missing_since IS NULL))"
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, the number of all its rows (None: not counted), and the cursor behind them, if any come."""

    items: list[Row]
    total: int | None
    next: str | None = None


def track(db: sqlite3.Connection, track_id: int) -> Row | None:
    """Return a track, or None if it does not exist."""
    return next(iter(tracks_by_id(db, [track_id])), None)


def tracks_by_id(db: sqlite3.Connection, ids: Sequence[int]) -> list[Row]:
    """Return the tracks with these ids, in the order of the ids; unknown ids are skipped."""
    credits: dict[int, list[Row]] = {}
    for row in db.execute(
        "SELECT c.track_id, c.artist_id AS id, c.name, c.role FROM json_each(?) j "
        "CROSS JOIN track_artists c ON c.track_id = j.value AND c.role = 'artist' ORDER BY c.track_id, c.position",
        (json.dumps(list(ids)),),
    ):
        credit = dict(row)
        credits.setdefault(credit.pop("track_id"), []).append(credit)
    return [{**_track(row), "artists": credits.get(row["id"], [])} for row in _by_id(db, _TRACK, "t.id", ids)]


def present(db: sqlite3.Connection, ids: Sequence[int]) -> set[int]:
    """Return those of the tracks that are not missing."""
    rows = db.execute(
        "SELECT id FROM tracks WHERE missing_since IS NULL AND id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    return {row["id"] for row in rows}


def tracks_with_similarity(db: sqlite3.Connection, found: Sequence[tuple[int, float]]) -> list[Row]:
    """Return the tracks with these ids, each with its similarity, in the order of the ids."""
    similarity = dict(found)
    return [{**track, "similarity": similarity[track["id"]]} for track in tracks_by_id(db, list(similarity))]


def albums_by_id(db: sqlite3.Connection, ids: Sequence[int]) -> list[Row]:
    """Return the albums with these ids, in the order of the ids; unknown ids are skipped."""
    return [{**_with_genres(row), "compilation": bool(row["compilation"])} for row in _by_id(db, _ALBUM, "b.id", ids)]


def artists_by_id(db: sqlite3.Connection, ids: Sequence[int]) -> list[Row]:
    """Return the artists with these ids, in the order of the ids; unknown ids are skipped."""
    return [_with_genres(row) for row in _by_id(db, _ARTIST, "a.id", ids)]


def _by_id(db: sqlite3.Connection, select: str, column: str, ids: Sequence[int]) -> list[sqlite3.Row]:
    rows = db.execute(f"{select} WHERE {column} IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))
    by_id = {row["id"]: row for row in rows}
    return [by_id[i] for i in ids if i in by_id]


def track_path(db: sqlite3.Connection, track_id: int) -> str | None:
    """Return the encoded path of a track, or None if it does not exist."""
    row = db.execute("SELECT path FROM tracks WHERE id = ?", (track_id,)).fetchone()
    return str(row["path"]) if row else None


def file_of_track(db: sqlite3.Connection, track_id: int) -> Row | None:
    """Return where the sound of a track is, and what the file says of it; None if it does not exist.

    ``path`` is encoded, ``sound`` and ``tags`` are JSON. The sound of a part begins at ``start_seconds``, and
    ``seconds`` is None for a track that ends where its file does.
    """
    row = db.execute(
        f"{RANGE_OF_FILE}, t.duration, t.format, t.title, t.track_no, t.album_id, t.missing_since, "
        "coalesce(f.sound, '{}') AS sound, coalesce(f.tags, '{}') AS tags "
        "FROM tracks t LEFT JOIN file_tags f ON f.track_id = t.id WHERE t.id = ?",
        (track_id,),
    ).fetchone()
    return dict(row) if row else None


def sessions(db: sqlite3.Connection, limit: int, offset: int) -> Page:
    """Return scan sessions, the newest first."""
    total = _count(db, "SELECT count(*) FROM scan_sessions", ())
    rows = db.execute("SELECT id FROM scan_sessions ORDER BY id DESC LIMIT ? OFFSET ?", (limit, offset)).fetchall()
    return Page([session(db, row["id"]) or {} for row in rows], total)


def session(db: sqlite3.Connection, session_id: int) -> Row | None:
    """Return a session with counts of its files, or None if it does not exist."""
    row = db.execute(
        """
        SELECT s.id, s.status, s.started_at, s.finished_at, s.discovered, s.unchanged, s.moved, s.missing, s.protected,
               s.folders, s.full, s.left_out,
               coalesce((SELECT sum(file_count) FROM batches WHERE session_id = s.id), 0) AS files_changed,
               coalesce((SELECT sum(file_count) FROM batches WHERE session_id = s.id AND done_at IS NOT NULL), 0)
                   AS files_done,
               (SELECT count(*) FROM failures WHERE session_id = s.id) + s.forgotten_failures AS failures
        FROM scan_sessions s WHERE s.id = ?
        """,
        (session_id,),
    ).fetchone()
    if row is None:
        return None
    return {
        **row,
        "files": row["unchanged"] + row["files_changed"],
        "discovered": bool(row["discovered"]),
        "folders": json.loads(row["folders"]) if row["folders"] else None,
        "full": bool(row["full"]),
        "left_out": json.loads(row["left_out"]),
    }


def failures(db: sqlite3.Connection, session_id: int, limit: int, offset: int) -> Page:
    """Return the failures of a session."""
    total = _count(db, "SELECT count(*) FROM failures WHERE session_id = ?", (session_id,))
    rows = db.execute(
        "SELECT path, stage, reason FROM failures WHERE session_id = ? ORDER BY path LIMIT ? OFFSET ?",
        (session_id, limit, offset),
    )
    return Page([dict(row) for row in rows], total)


# Few tracks are missing: to subtract them is quicker than to look each of the others up. SQLite alone would look for
# them in an index of all.
WITH_GONE = (
    "WITH gone AS MATERIALIZED (SELECT id FROM tracks INDEXED BY tracks_missing_path WHERE missing_since IS NOT NULL)"
)


def track_count(db: sqlite3.Connection) -> int:
    """Return how many tracks there are that are not missing."""
    row = db.execute(
        f"{WITH_GONE} SELECT (SELECT count(*) FROM tracks) - (SELECT count(*) FROM gone) AS tracks"
    ).fetchone()
    return int(row["tracks"])


def totals(db: sqlite3.Connection) -> dict[str, int]:
    """Return how many there are of each kind: the fields of `api.models.scans.Totals` but for loudness."""
    row = db.execute(
        f"{WITH_GONE} SELECT (SELECT count(*) FROM tracks) AS tracks, (SELECT count(*) FROM gone) AS missing, "
        f"(SELECT count(*) FROM albums b WHERE {lists.ALBUM_PRESENT}) AS albums, "
        f"(SELECT count(*) FROM artists a WHERE {_ARTIST_PRESENT}) AS artists, "
        # A count of the vectors of the others would look up every track.
        "(SELECT count(*) FROM vectors) - (SELECT count(*) FROM gone g JOIN vectors v ON v.track_id = g.id) "
        "AS vectors, "
        "(SELECT count(*) FROM vectors v JOIN tracks t ON t.id = v.track_id "
        "WHERE v.data IS NULL AND t.missing_since IS NULL) AS vector_failures, "
        "(SELECT count(*) FROM file_tags f JOIN tracks t ON t.id = f.track_id "
        "WHERE f.doubtful_text AND t.missing_since IS NULL) AS doubtful_texts"
    ).fetchone()
    return {**row, "tracks": row["tracks"] - row["missing"], "vectors": row["vectors"] - row["vector_failures"]}


# Path, size, mtime_ns, read_session_id, whether a track is missing or has to be retried, stamp of the companions.
KnownFile = tuple[str, int, int, int, bool, int]


def known_files(db: sqlite3.Connection, folder: str, page_size: int = 5000) -> Iterator[KnownFile]:
    """Yield the files below an encoded folder in the order of their paths: the track or the first part of each.

    A file that an older reader has read has a size of -1, so it is read again. They are read in pages: a scan must
    neither hold a whole library in memory, nor keep a read transaction open.
    """
    last_path, end = folder.rstrip("/") + "/", folder.rstrip("/") + "0"  # "0" follows "/" in Unicode
    cursor = plain_cursor(db)
    while True:
        rows = cursor.execute(
            "SELECT path, CASE reader_version WHEN ? THEN size ELSE -1 END, mtime_ns, read_session_id, "
            "missing_since IS NOT NULL OR retry_later OR (part AND EXISTS (SELECT 1 FROM tracks p "
            "WHERE p.path = tracks.path AND p.retry_later)), companion_stamp FROM tracks "
            "WHERE path > ? AND path < ? AND part < 2 AND NOT superseded ORDER BY path LIMIT ?",
            (READER_VERSION, last_path, end, page_size),
        ).fetchall()
        yield from rows
        if len(rows) < page_size:
            return
        last_path = rows[-1][0]


def known_folder_pictures(db: sqlite3.Connection, folder: str, page_size: int = 5000) -> Iterator[tuple[str, int]]:
    """Yield the folders with pictures in an encoded folder and below it, and their stamps, in the order of a walk.

    They are read in pages, as the tracks are. Each folder has a slash at its end.
    """
    first, end = folder.rstrip("/") + "/", folder.rstrip("/") + "0"
    comparison = ">="
    cursor = plain_cursor(db)
    while True:
        rows = cursor.execute(
            f"SELECT folder, stamp FROM folder_pictures WHERE folder {comparison} ? AND folder < ? "
            "ORDER BY folder LIMIT ?",
            (first, end, page_size),
        ).fetchall()
        yield from rows
        if len(rows) < page_size:
            return
        first, comparison = rows[-1][0], ">"


def queued_or_failed_paths(db: sqlite3.Connection, session_id: int) -> set[str]:
    """Return the encoded paths in open batches and file failures of a session: a repeated discovery skips them."""
    failed = db.execute("SELECT path FROM failures WHERE session_id = ? AND is_file = 1", (session_id,))
    queued = db.execute(
        "SELECT j.value ->> 0 AS path FROM batches b, json_each(b.files) j "
        "WHERE b.session_id = ? AND b.done_at IS NULL",
        (session_id,),
    )
    return {row["path"] for rows in (failed, queued) for row in rows}


# Where the sound of a track is: in a range of its file if it is a part. The last part ends with the file. Another one
# ends exactly where the next one begins, unless there is something else between them: `duration` is rounded.
RANGE_OF_FILE = """
SELECT t.id, t.path, t.part, t.start_seconds, CASE WHEN part > 0 THEN (
    SELECT iif(n.start_seconds - t.start_seconds - t.duration < 0.01, n.start_seconds - t.start_seconds, t.duration)
    FROM tracks n WHERE n.path = t.path AND n.part = t.part + 1 AND n.missing_since IS NULL
) END AS seconds
"""


def unanalysed_tracks(db: sqlite3.Connection, limit: int, *, given_back: bool = True) -> list[Row]:
    """Return the tracks that have not been analysed and are leased to no other machine, as `to_analyse` does.

    Without `given_back` those are left out that another machine could not analyse.
    """
    leased = "SELECT track_id FROM analysis_leases" + (" WHERE worker IS NOT NULL" if given_back else "")
    rows = db.execute(
        f"{RANGE_OF_FILE} FROM tracks t INDEXED BY tracks_to_analyse "
        f"WHERE analysed = 0 AND missing_since IS NULL AND id NOT IN ({leased}) LIMIT ?",
        (limit,),
    )
    return [dict(row) for row in rows]


def to_analyse(db: sqlite3.Connection, track_id: int) -> Row | None:
    """Return what is to be analysed of a track: id, path, part, start_seconds and seconds; None if it does not exist.

    `seconds` is the length of a part, and None for a track that ends where its file does.
    """
    row = db.execute(f"{RANGE_OF_FILE} FROM tracks t WHERE id = ?", (track_id,)).fetchone()
    return dict(row) if row else None


def albums_with_unchecked_cover(db: sqlite3.Connection, limit: int) -> list[Row]:
    """Return the ids of albums whose cover has not been checked, and that have a track that is not missing."""
    rows = db.execute(
        "SELECT b.id FROM albums b INDEXED BY albums_without_cover WHERE b.cover_checked = 0 "
        "AND EXISTS (SELECT 1 FROM tracks t WHERE t.album_id = b.id AND t.missing_since IS NULL) LIMIT ?",
        (limit,),
    )
    return [dict(row) for row in rows]


def tracks_with_unchecked_cover(db: sqlite3.Connection, limit: int) -> list[Row]:
    """Return the ids of tracks that are to be searched for pictures of their own."""
    rows = db.execute(
        "SELECT c.track_id AS id FROM track_covers c INDEXED BY track_covers_unchecked "
        "JOIN tracks t ON t.id = c.track_id "
        "WHERE c.checked = 0 AND t.missing_since IS NULL LIMIT ?",
        (limit,),
    )
    return [dict(row) for row in rows]


@dataclass(frozen=True, slots=True)
class AlbumFiles:
    """What is needed to search an album's files for its pictures; paths are encoded."""

    title: str
    artist: str
    pictured: list[str]
    """Some of the files with an embedded picture, in the order of disc and track."""
    discs: dict[int | None, list[str]]
    """Some of the files of each disc, in the order of the tracks."""
    state: str
    """See `library.covers.state_of_files`."""


def album_files(db: sqlite3.Connection, album_id: int, limit: int) -> AlbumFiles | None:
    """Return the files of an album that are not missing, up to `limit` of each kind; None without any."""
    album = db.execute(
        "SELECT b.title, o.name FROM albums b JOIN artists o ON o.id = b.artist_id WHERE b.id = ?",
        (album_id,),
    ).fetchone()
    present = "FROM tracks WHERE album_id = ? AND missing_since IS NULL"
    discs: dict[int | None, list[str]] = {}
    # By folder: a disc may lie in several.
    for row in db.execute(
        f"SELECT disc_no, path, min(coalesce(track_no, 9999999)) {present} "
        "GROUP BY disc_no, rtrim(path, replace(path, '/', '')) ORDER BY disc_no, 3, path LIMIT ?",
        (album_id, limit),
    ):
        discs.setdefault(row["disc_no"], []).append(row["path"])
    if album is None or not discs:
        return None
    pictured = db.execute(
        f"SELECT path {present} AND has_picture = 1 GROUP BY path ORDER BY min(disc_no), min(track_no), path LIMIT ?",
        (album_id, limit),
    )
    return AlbumFiles(
        album["title"],
        album["name"],
        [row["path"] for row in pictured],
        discs,
        state_of_files(db, album_id),
    )


def _count(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> int:
    return int(db.execute(sql, values).fetchone()[0])


def _with_genres(row: sqlite3.Row) -> Row:
    result = dict(row)
    return {**result, "genres": json.loads(result.pop("online_genres") or "[]")}


def _track(row: sqlite3.Row) -> Row:
    return {
        **row,
        "genres": (row["genres"] or "").split("\x1f") if row["genres"] else [],
        "camelot": CAMELOT_CODES.get(row["musical_key"]),
        "has_vector": bool(row["has_vector"]),
    }
