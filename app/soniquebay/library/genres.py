"""Raw genre tags to clean genres: no list of allowed ones, for a library's odd genres are its own."""

import json
import re
import sqlite3
from collections.abc import Iterable

from soniquebay.library.entities import GENRE_SEPARATOR
from soniquebay.library.identity import normalised_name

_SEPARATORS = re.compile(r"[;,/|\x1f\x00]|\s&\s")
_NO_GENRE = {"", "unknown", "other", "none", "genre", "misc", "n/a", "undefined"}
_KEPT_WHOLE = {"r&b", "rhythm & blues", "drum & bass", "drum n bass", "singer/songwriter", "rock & roll"}


def clean_genres(raw: str) -> list[str]:
    """Split raw genre values into names, each once, in title case unless the tag has capitals of its own."""
    return _distinct(name for value in raw.split(GENRE_SEPARATOR) for name in _split(value))


def _split(value: str) -> list[str]:
    if normalised_name(value) in _KEPT_WHOLE:
        return [value.strip()]
    return [part.strip() for part in _SEPARATORS.split(value)]


def _distinct(names: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for name in names:
        same = normalised_name(name).replace("-", " ") if name else ""
        if same not in _NO_GENRE and same not in found:
            found[same] = display_name(name)
    return list(found.values())


def display_name(name: str) -> str:
    """Return a genre as the library shows it: in title case, unless the name has capitals of its own."""
    return name.title() if name.islower() else name


def store(db: sqlite3.Connection, track_id: int, names: Iterable[str]) -> None:
    """Replace a track's genres by those of its tags; without any, use MusicBrainz's.

    A track that was deleted in the meantime is skipped.
    """
    db.execute("DELETE FROM track_genres WHERE track_id = ?", (track_id,))
    db.execute("UPDATE tracks SET genres_cleaned = 1 WHERE id = ?", (track_id,))
    given = list(names)
    _add(db, ((track_id, name) for name in given))
    if not given:
        fill_from_musicbrainz(db, [track_id])


def fill_from_musicbrainz(db: sqlite3.Connection, track_ids: Iterable[int]) -> None:
    """Give MusicBrainz's genres to those of these tracks whose tags have none.

    The view `track_online_genres` says which genres those are: the release's, else the artist's. This is the only place
    that applies it: call it for every new or changed track, and when MusicBrainz has answered.
    """
    ids = json.dumps(list(track_ids))
    # The tags name no genre, so every genre of the track is MusicBrainz's, perhaps from an earlier answer.
    db.execute(
        "DELETE FROM track_genres WHERE track_id IN "
        "(SELECT t.id FROM json_each(?) j JOIN tracks t ON t.id = j.value WHERE t.genre_raw = '')",
        (ids,),
    )
    rows = db.execute(
        "SELECT DISTINCT o.track_id, o.name FROM json_each(?) j JOIN track_online_genres o ON o.track_id = j.value "
        "WHERE NOT EXISTS (SELECT 1 FROM track_genres g WHERE g.track_id = o.track_id)",
        (ids,),
    ).fetchall()
    _add(db, ((row["track_id"], row["name"]) for row in rows))


def _add(db: sqlite3.Connection, genres: Iterable[tuple[int, str]]) -> None:
    for track_id, name in genres:
        db.execute("INSERT OR IGNORE INTO genres (name) VALUES (?)", (name,))
        db.execute(
            "INSERT OR IGNORE INTO track_genres (track_id, genre_id) "
            "SELECT t.id, g.id FROM tracks t, genres g WHERE t.id = ? AND g.name = ?",
            (track_id, name),
        )
