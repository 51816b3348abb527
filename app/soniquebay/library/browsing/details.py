"""All that the library knows of one track, album, artist or genre."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from soniquebay.library import loudness, replay_gain
from soniquebay.library.browsing import lists
from soniquebay.library.queries import Row, albums_by_id, artists_by_id, track, tracks_by_id
from soniquebay.library.replay_gain import R128_TO_REPLAYGAIN_DB, Tagged
from soniquebay.library.typed_tags import R128_GAINS, typed_tags

_MAX_ALBUM_FILES = 200  # whose tags are read for what they say of the album; it is most often in every file
_MAX_ARTIST_ALBUMS = 500
_MAX_ARTIST_GENRES = 10


def full_track(db: sqlite3.Connection, track_id: int) -> Row | None:
    """Return a track with all credits, its tags and its sound; None if it does not exist."""
    row = track(db, track_id)
    if row is None:
        return None
    credits = db.execute(
        "SELECT artist_id AS id, name, role, nullif(detail, '') AS detail FROM track_artists WHERE track_id = ? "
        "ORDER BY position",
        (track_id,),
    )
    said = db.execute("SELECT tags, sound, doubtful_text FROM file_tags WHERE track_id = ?", (track_id,)).fetchone()
    tags = json.loads(said["tags"]) if said else {}
    sound = json.loads(said["sound"]) if said else {}
    typed = typed_tags(tags)
    return {
        **row,
        "artists": [dict(credit) for credit in credits],
        "tags": typed,
        "replay_gain": replay_gain.of_tracks(db, {track_id: Tagged(typed, row["album_id"])})[track_id],
        "loudness": loudness.of_track(db, track_id),
        "sound": sound,
        "doubtful_text": bool(said and said["doubtful_text"]),
    }


# --- albums ----------------------------------------------------------------------------------------------------------


def full_album(db: sqlite3.Connection, album_id: int) -> Row | None:
    """Return an album with its discs and their tracks; None if it does not exist, or all its files are missing."""
    ids = [
        row["id"]
        for row in db.execute(
            "SELECT id FROM tracks WHERE album_id = ? AND missing_since IS NULL "
            "ORDER BY disc_no IS NULL, disc_no, track_no, path, part",  # without a number: after all discs
            (album_id,),
        )
    ]
    album = next(iter(albums_by_id(db, [album_id])), None) if ids else None
    if album is None:
        return None
    tracks = tracks_by_id(db, ids)
    artists = db.execute(
        "SELECT artist_id AS id, name FROM album_artists WHERE album_id = ? ORDER BY position", (album_id,)
    )
    genres = db.execute(
        "SELECT g.id, g.name FROM album_genres a JOIN genres g ON g.id = a.genre_id WHERE a.album_id = ? "
        "ORDER BY a.track_count DESC, g.sort_name",
        (album_id,),
    ).fetchall()
    return {
        **album,
        "genres": [row["name"] for row in genres] or album["genres"],
        "track_genres": [dict(row) for row in genres],
        "artists": [{**row, "role": "album_artist"} for row in artists],
        "discs": _discs(tracks),
        "duration": round(sum(t["duration"] for t in tracks), 3),
        "formats": sorted({t["format"] for t in tracks}),
        **_with_gain(db, album_id, _album_tags(db, ids)),
    }


def _discs(tracks: Iterable[Row]) -> list[Row]:
    discs: dict[int | None, Row] = {}
    for row in tracks:
        disc = discs.setdefault(row["disc_no"], {"disc_no": row["disc_no"], "subtitle": None, "tracks": []})
        disc["subtitle"] = disc["subtitle"] or row["disc_subtitle"]
        disc["tracks"].append(row)
    return list(discs.values())


def _album_tags(db: sqlite3.Connection, track_ids: list[int]) -> Row:
    """Return what most files of an album say of it."""
    rows = db.execute(
        "SELECT f.tags FROM json_each(?) j JOIN file_tags f ON f.track_id = j.value",
        (json.dumps(track_ids[:_MAX_ALBUM_FILES]),),
    )
    files = [json.loads(row["tags"]) for row in rows]
    typed = [typed_tags(tags) for tags in files]
    return {
        "release_types": _most_frequent(files, "release_type"),
        "release_country": next(iter(_most_frequent(files, "release_country")), None),
        "labels": _most_frequent(files, "label"),
        "catalog_numbers": _most_frequent(files, "catalog_number"),
        "barcode": next(iter(_most_frequent(files, "barcode")), None),
        "replaygain_album_gain": _most_frequent_number(typed, "replaygain_album_gain", "r128_album_gain"),
        "replaygain_album_peak": _most_frequent_number(typed, "replaygain_album_peak"),
    }


def _with_gain(db: sqlite3.Connection, album_id: int, tags: Row) -> Row:
    """Return what the files of an album say of it, with the measured gain if they state none."""
    measured = None
    if tags["replaygain_album_gain"] is None:
        measured = replay_gain.of_albums(db, {album_id}).get(album_id)
    if measured is not None:
        tags = {**tags, "replaygain_album_gain": measured.gain_db, "replaygain_album_peak": measured.peak}
    return {**tags, "replaygain_is_measured": measured is not None}


def _most_frequent(files: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    counts: Counter[tuple[str, ...]] = Counter(
        (value,) if isinstance(value, str) else tuple(value) for tags in files if (value := tags.get(name))
    )
    best = max(counts.items(), key=lambda item: (item[1], item[0]), default=((), 0))
    return list(best[0])


def _most_frequent_number(files: Iterable[Mapping[str, Any]], *names: str) -> float | None:
    """Return a number under the first of the names that any file has; gains on the scale of ReplayGain."""
    files = list(files)
    for name in names:
        counts = Counter(tags[name] for tags in files if name in tags)
        if counts:
            number = max(counts, key=lambda value: (counts[value], value))
            return float(number + R128_TO_REPLAYGAIN_DB if name in R128_GAINS else number)
    return None


# --- artists and genres ----------------------------------------------------------------------------------------------


def full_artist(db: sqlite3.Connection, artist_id: int) -> Row | None:
    """Return an artist with roles and albums; None without any track that is not missing."""
    artist = next(iter(artists_by_id(db, [artist_id])), None)
    if artist is None:
        return None
    own = _present_albums(
        db, "SELECT album_id FROM album_artists WHERE artist_id = ?1", (artist_id, _MAX_ARTIST_ALBUMS)
    )
    others = _present_albums(
        db,
        "SELECT t.album_id FROM track_artists c JOIN tracks t ON t.id = c.track_id WHERE c.artist_id = ?1 "
        "AND t.missing_since IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM album_artists o WHERE o.album_id = t.album_id AND o.artist_id = ?1)",
        (artist_id, _MAX_ARTIST_ALBUMS),
    )
    roles = [
        dict(row)
        for row in db.execute(
            "SELECT role, track_count AS tracks FROM artist_roles WHERE artist_id = ? ORDER BY track_count DESC, role",
            (artist_id,),
        )
    ]
    if not own and not roles:
        return None
    names = db.execute(
        "SELECT c.name FROM track_artists c JOIN tracks t ON t.id = c.track_id WHERE c.artist_id = ?1 "
        "AND t.missing_since IS NULL UNION SELECT c.name FROM album_artists c JOIN albums b ON b.id = c.album_id "
        f"WHERE c.artist_id = ?1 AND {lists.ALBUM_PRESENT} ORDER BY 1",
        (artist_id,),
    )
    genres = db.execute(
        "SELECT g.id, g.name FROM track_artists c JOIN tracks t ON t.id = c.track_id AND t.missing_since IS NULL "
        "JOIN track_genres tg ON tg.track_id = t.id JOIN genres g ON g.id = tg.genre_id "
        "WHERE c.artist_id = ? AND c.role = 'artist' GROUP BY g.id ORDER BY count(*) DESC, g.sort_name LIMIT ?",
        (artist_id, _MAX_ARTIST_GENRES),
    )
    return {
        **artist,
        "names": [row["name"] for row in names],
        "roles": roles,
        "track_genres": [dict(row) for row in genres],
        "own_albums": albums_by_id(db, own),
        "appears_on": albums_by_id(db, others),
    }


def _present_albums(db: sqlite3.Connection, ids: str, values: tuple[int, int]) -> list[int]:
    rows = db.execute(
        f"SELECT b.id FROM albums b WHERE b.id IN ({ids}) AND {lists.ALBUM_PRESENT} "
        "ORDER BY b.year, b.sort_title, b.id LIMIT ?2",
        values,
    )
    return [row["id"] for row in rows]


def genres_by_id(db: sqlite3.Connection, ids: Sequence[int]) -> list[Row]:
    """Return the genres with these ids, in the order of the ids; unknown ids are skipped."""
    return [row for genre_id in ids if (row := genre(db, genre_id))]


def genre(db: sqlite3.Connection, genre_id: int) -> Row | None:
    """Return a genre with its numbers of tracks and albums; None without any track that is not missing."""
    row = db.execute(
        "SELECT id, name, track_count AS tracks, album_count AS albums FROM genres WHERE id = ? AND track_count > 0",
        (genre_id,),
    ).fetchone()
    return dict(row) if row else None
