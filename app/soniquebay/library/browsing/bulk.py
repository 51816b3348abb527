"""Many tracks, albums or artists with nearly all that the library knows of them, in a few queries for all."""

import json
import sqlite3
from collections.abc import Iterable, Sequence, Set
from typing import Any

import orjson

from soniquebay.library import replay_gain
from soniquebay.library.queries import Row
from soniquebay.library.replay_gain import Tagged
from soniquebay.library.typed_tags import typed_tags
from soniquebay.sqlite import plain_cursor

TRACK_TAGS = frozenset(
    {
        "bpm", "comment", "grouping", "isrc", "mb_work", "mood", "movement", "movement_number", "movement_total",
        "r128_album_gain", "r128_track_gain", "replaygain_album_gain", "replaygain_album_peak",
        "replaygain_track_gain", "replaygain_track_peak", "title_sort", "work",
    }
)  # fmt: skip
ALBUM_TAGS = frozenset({"album_sort", "album_version", "label", "mood", "release_type"})  # all of them text
_OF_TRACK_AND_ALBUM = frozenset({"artist", "album_artist"})
_Rows = dict[int, list[tuple[Any, ...]]]

_TRACK = """
SELECT t.id, t.title, t.artist_id, t.credit AS artist, t.album_id, b.title AS album, b.credit AS album_artist,
       t.track_no, t.disc_no, t.year, t.duration, t.format, t.mbid, t.path, t.part, t.size, t.added_at,
       v.bpm, f.tags, f.sound, c.sha256 AS own_cover, b.cover_sha256 AS album_cover
FROM tracks t
LEFT JOIN albums b ON b.id = t.album_id
LEFT JOIN vectors v ON v.track_id = t.id
LEFT JOIN file_tags f ON f.track_id = t.id
LEFT JOIN track_covers c ON c.track_id = t.id
WHERE t.missing_since IS NULL AND t.id IN (SELECT value FROM json_each(?))
"""
_CREDITS = """
SELECT c.track_id, c.role, c.artist_id, c.name, c.detail FROM json_each(?) j
CROSS JOIN track_artists c ON c.track_id = j.value ORDER BY c.track_id, c.position
"""
_ALBUM_ARTISTS = """
SELECT c.album_id, c.artist_id, c.name FROM json_each(?) j
CROSS JOIN album_artists c ON c.album_id = j.value ORDER BY c.album_id, c.position
"""
_TRACK_GENRES = """
SELECT c.track_id, g.name FROM json_each(?) j
CROSS JOIN track_genres c ON c.track_id = j.value CROSS JOIN genres g ON g.id = c.genre_id
ORDER BY c.track_id, c.position
"""
_ALBUM = """
SELECT b.id, b.title, b.artist_id, b.credit AS artist, b.year, b.date, b.original_date, b.compilation, b.added_at,
       b.cover_sha256 AS cover, r.mbid, m.type, m.date AS release_date, m.label,
       (SELECT json_array(count(*), sum(t.duration), min(t.id), count(t.disc_subtitle)) FROM tracks t
        WHERE t.album_id = b.id AND t.missing_since IS NULL) AS sums
FROM albums b JOIN album_releases r ON r.album_id = b.id LEFT JOIN mb_releases m ON m.mbid = r.mbid
WHERE b.id IN (SELECT value FROM json_each(?))
"""
_DISCS = """
SELECT t.album_id, t.disc_no, t.disc_subtitle FROM json_each(?) j
CROSS JOIN tracks t ON t.album_id = j.value AND t.missing_since IS NULL AND t.disc_subtitle IS NOT NULL
"""
_ALBUM_GENRES = """
SELECT c.album_id, json_group_array(c.genre_id), json_group_array(c.track_count)
FROM album_genres c WHERE c.album_id IN (SELECT value FROM json_each(?)) GROUP BY c.album_id
"""
_GENRES = "SELECT g.id, g.sort_name, g.name FROM json_each(?) j CROSS JOIN genres g ON g.id = j.value"
_TAGS = "SELECT f.track_id, f.tags FROM json_each(?) j CROSS JOIN file_tags f ON f.track_id = j.value"
_ARTIST = """
SELECT a.id, a.name, a.mbid, m.sort_name,
       (SELECT n.sort_name FROM sort_names n WHERE n.normalised_name = a.normalised_name ORDER BY n.files DESC LIMIT 1)
       AS tagged_sort_name,
       (SELECT count(*) FROM album_artists c WHERE c.artist_id = a.id AND EXISTS
         (SELECT 1 FROM tracks t WHERE t.album_id = c.album_id AND t.missing_since IS NULL)) AS albums,
       coalesce((SELECT p.sha256 FROM artist_pictures p WHERE p.artist_id = a.id),
         (SELECT b.cover_sha256 FROM album_artists c CROSS JOIN albums b ON b.id = c.album_id
          WHERE c.artist_id = a.id AND b.cover_sha256 IS NOT NULL
          AND EXISTS (SELECT 1 FROM tracks t WHERE t.album_id = b.id AND t.missing_since IS NULL)
          ORDER BY b.year, b.sort_title, b.cover_sha256 LIMIT 1)) AS cover
FROM artists a LEFT JOIN mb_artists m ON m.mbid = a.mbid
WHERE a.id IN (SELECT value FROM json_each(?))
"""
_ROLES = "SELECT r.artist_id, r.role FROM json_each(?) j CROSS JOIN artist_roles r ON r.artist_id = j.value"


def tracks(db: sqlite3.Connection, ids: Sequence[int]) -> list[Row]:
    """Return tracks in the order of their ids; those that are missing or unknown are left out.

    ``artists`` and ``album_artists`` are pairs of id and name, ``credits`` are role, id, name and detail of all others.
    ``tags`` are `TRACK_TAGS`, as `typed_tags` makes them. ``replay_gain``: the gains that are known. ``cover``: kind,
    id and SHA-256 of the cover, None without one.
    """
    given = json.dumps(list(ids))
    rows = _rows(db, _TRACK, given)
    credits, genres = _by_first(db, _CREDITS, given), _by_first(db, _TRACK_GENRES, given)
    albums = {row["album_id"] for row in rows.values() if row["album_id"] is not None}
    album_artists = _by_first(db, _ALBUM_ARTISTS, json.dumps(list(albums)))
    tagged: dict[int, Tagged] = {}
    for track_id, row in rows.items():
        of_track = credits.get(track_id, ())
        row["artists"] = [(i, name) for role, i, name, _ in of_track if role == "artist"]
        row["credits"] = [c for c in of_track if c[0] not in _OF_TRACK_AND_ALBUM]
        row["album_artists"] = album_artists.get(row["album_id"], [])
        row["genres"] = [name for (name,) in genres.get(track_id, ())]
        row["tags"] = typed_tags(_chosen(row["tags"], TRACK_TAGS))
        row["sound"] = _loaded(row["sound"])
        tagged[track_id] = Tagged(row["tags"], row["album_id"])
        row["cover"] = None
        if row["own_cover"]:
            row["cover"] = ("track", track_id, row["own_cover"])
        elif row["album_cover"]:
            row["cover"] = ("album", row["album_id"], row["album_cover"])
    for track_id, gains in replay_gain.of_tracks(db, tagged).items():
        rows[track_id]["replay_gain"] = gains
    return [rows[track_id] for track_id in ids if track_id in rows]


def albums(db: sqlite3.Connection, ids: Sequence[int]) -> list[Row]:
    """Return albums in the order of their ids; those without a file that is there, and unknown ones, are left out.

    ``artists`` are pairs of id and name, ``discs`` pairs of number and title. ``tags`` are the `ALBUM_TAGS` of the
    track that was added first. ``cover``: kind, id and SHA-256 of the cover, None without one.
    """
    given = json.dumps(list(ids))
    rows = _rows(db, _ALBUM, given)
    sums = {album_id: orjson.loads(row["sums"]) for album_id, row in rows.items()}
    artists, genres = _by_first(db, _ALBUM_ARTISTS, given), _album_genres(db, given)
    discs = _by_first(db, _DISCS, json.dumps([album_id for album_id, (*_, subtitles) in sums.items() if subtitles]))
    tags = _by_first(db, _TAGS, json.dumps([first_id for _, _, first_id, _ in sums.values() if first_id]))
    for album_id, (count, duration, first_id, _) in sums.items():
        [(text,)] = tags.get(first_id, [(None,)])
        row = rows[album_id]
        row["tracks"], row["duration"] = count, duration
        row["discs"] = sorted({disc_no or 1: title for disc_no, title in discs.get(album_id, ())}.items())
        row["artists"] = artists.get(album_id, [])
        row["genres"] = genres.get(album_id, [])
        row["tags"] = _chosen(text, ALBUM_TAGS)
        row["cover"] = ("album", album_id, row["cover"]) if row["cover"] else None
    return [rows[album_id] for album_id in ids if album_id in rows and rows[album_id]["tracks"]]


def _album_genres(db: sqlite3.Connection, album_ids: str) -> dict[int, list[str]]:
    """Return the names of the genres of albums, those of most tracks first."""
    cursor = plain_cursor(db)
    # One row an album: an album may have as many genres as tracks, and each row of SQLite takes a microsecond.
    found = {
        album_id: (orjson.loads(genre_ids), orjson.loads(counts))
        for album_id, genre_ids, counts in cursor.execute(_ALBUM_GENRES, (album_ids,))
    }
    wanted = set().union(*(genre_ids for genre_ids, _ in found.values()))
    ordered = sorted((*of_genre[0], i) for i, of_genre in _by_first(db, _GENRES, json.dumps(list(wanted))).items())
    names = [name for _, name, _ in ordered]
    places = {genre_id: place for place, (_, _, genre_id) in enumerate(ordered)}
    size = len(names)
    # Of most tracks first, then by place; one number says both, because numbers are compared faster than tuples.
    return {
        album_id: [
            names[key % size]
            for key in sorted(
                [places[i] - size * count for i, count in zip(genre_ids, counts, strict=True) if i in places]
            )
        ]
        for album_id, (genre_ids, counts) in found.items()
    }


def artists(db: sqlite3.Connection, ids: Sequence[int]) -> list[Row]:
    """Return artists in the order of their ids; those of whom nothing is there, and unknown ones, are left out.

    ``roles`` are those in the library. ``cover``: kind, id and SHA-256 of the picture, None without one.
    """
    given = json.dumps(list(ids))
    rows = _rows(db, _ARTIST, given)
    by_id = _by_first(db, _ROLES, given)
    for artist_id, row in rows.items():
        roles = [role for (role,) in by_id.get(artist_id, ())]
        row["sort_name"] = row["tagged_sort_name"] or row["sort_name"]
        row["roles"] = roles + ["album_artist"] * (row["albums"] > 0)
        row["cover"] = ("artist", artist_id, row["cover"]) if row["cover"] else None
    return [rows[artist_id] for artist_id in ids if artist_id in rows and rows[artist_id]["roles"]]


def _rows(db: sqlite3.Connection, query: str, ids: str) -> dict[int, Row]:
    """Return the rows of a query by their first column."""
    cursor = plain_cursor(db)
    cursor.execute(query, (ids,))
    names = [column[0] for column in cursor.description]
    return {row[0]: dict(zip(names, row, strict=True)) for row in cursor}


def _by_first(db: sqlite3.Connection, query: str, ids: str) -> _Rows:
    """Return the rows of a query by their first column, without it."""
    cursor = plain_cursor(db)
    found: _Rows = {}
    rows: Iterable[tuple[Any, ...]] = cursor.execute(query, (ids,))
    for row in rows:
        found.setdefault(row[0], []).append(row[1:])
    return found


def _chosen(tags: str | None, names: Set[str]) -> dict[str, Any]:
    stored = _loaded(tags)
    return {name: stored[name] for name in stored.keys() & names}


def _loaded(text: str | None) -> Any:
    if text is None:
        return {}
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # a lone surrogate
        return json.loads(text)
