"""Clean genres from raw genre tags. There is no list of allowed genres, so unusual ones are kept."""

import json
import re
import sqlite3
from collections.abc import Iterable

from soniquebay.library.entities import GENRE_SEPARATOR
from soniquebay.library.identity import normalised_name

_SEPARATORS = re.compile(r"[;,/|\x1f\x00]|\s&\s")
_NOT_GENRES = {"", "unknown", "other", "none", "genre", "misc", "n/a", "undefined"}
_NEVER_SPLIT = {"r&b", "rhythm & blues", "drum & bass", "drum n bass", "singer/songwriter", "rock & roll"}


def clean_genres(raw: str) -> list[str]:
    """Split raw genre values into distinct names as `display_name` spells them."""
    return _distinct(name for value in raw.split(GENRE_SEPARATOR) for name in _split(value))


def _split(value: str) -> list[str]:
    if normalised_name(value) in _NEVER_SPLIT:
        return [value.strip()]
    return [part.strip() for part in _SEPARATORS.split(value)]


def _distinct(names: Iterable[str]) -> list[str]:
    by_normalised_name: dict[str, str] = {}
    for name in names:
        normalised = normalised_name(name).replace("-", " ") if name else ""
        if normalised not in _NOT_GENRES and normalised not in by_normalised_name:
            by_normalised_name[normalised] = display_name(name)
    return list(by_normalised_name.values())


def display_name(name: str) -> str:
    """Return the spelling of a genre that the library shows: title case, unless the name contains capitals."""
    return name.title() if name.islower() else name


def store(db: sqlite3.Connection, track_id: int, names: Iterable[str]) -> None:
    """Replace the genres of a track with those of its tags; if there are none, with those of MusicBrainz.

    A track that does not exist is skipped.
    """
    db.execute("DELETE FROM track_genres WHERE track_id = ?", (track_id,))
    db.execute("UPDATE tracks SET genres_cleaned = 1 WHERE id = ?", (track_id,))
    from_tags = list(names)
    _add(db, ((track_id, name) for name in from_tags))
    if not from_tags:
        fill_from_musicbrainz(db, [track_id])


def fill_from_musicbrainz(db: sqlite3.Connection, track_ids: Iterable[int]) -> None:
    """Give the genres of MusicBrainz to those of these tracks whose tags have no genre.

    The view `track_online_genres` selects them: the genres of the release, else of the artist. Call this for every new
    or changed track, and when facts were stored; nothing else gives a track these genres.
    """
    ids = json.dumps(list(track_ids))
    # The tags have no genre, so every genre of the track came from MusicBrainz, perhaps with outdated facts.
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
