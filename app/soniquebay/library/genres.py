"""The genres of tracks: from their tags, else from MusicBrainz. There is no list of allowed genres."""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from soniquebay.library.catalogue.counts import count_genres
from soniquebay.library.catalogue.names import normalised_name
from soniquebay.library.catalogue.sort_keys import sort_key
from soniquebay.library.search import index

# A single value may hold several genres. "&" joins the words of one: "Stage & Screen".
_SEPARATORS = re.compile(r"\s*[;|\x00\x1f]\s*")
_SLASH = re.compile(r"\s*/\s*")
_COMMA = re.compile(r"\s*,\s*")
_LAST_OF_A_LIST = re.compile(r",?\s*(?:&|and|und|et|y)\s", re.IGNORECASE)  # "Folk, World, & Country" is one genre
_NOT_GENRES = frozenset({"", "unknown", "other", "none", "genre", "misc", "n/a", "undefined", "unknown genre"})
# Genres with a separator in their names, by their normalised names: of iTunes, Discogs and ID3.
_NEVER_SPLIT = frozenset(
    {"singer/songwriter", "r&b", "children's music/stories", "post-rock/experimental", "acid punk/jazz"}
)


@lru_cache(2048)
def genre_key(name: str) -> str:
    """Return the form in which two spellings of a genre are equal: "Hip-Hop" and "hip hop" are one."""
    return " ".join(normalised_name(name).replace("-", " ").replace("_", " ").split())


def clean(values: Sequence[str]) -> list[str]:
    """Return the genres of a track from the values of its tag, each once, as `display_name` spells it.

    Several values are as tagged; a single one is split at ";", "|", "/", and at commas unless it is one list of words
    that ends with "&" or "and".
    """
    return list(_clean(tuple(values)))


@lru_cache(2048)
def _clean(values: tuple[str, ...]) -> tuple[str, ...]:
    names = values if len(values) > 1 else [name for value in values for name in _split(value)]
    found: dict[str, str] = {}
    for name in names:
        if (key := genre_key(name)) not in _NOT_GENRES:
            found.setdefault(key, display_name(name.strip()))
    return tuple(found.values())


def _split(value: str) -> list[str]:
    names = []
    for part in _SEPARATORS.split(value):
        if normalised_name(part) in _NEVER_SPLIT:
            names.append(part)
            continue
        for name in _SLASH.split(part):
            names += [name] if _is_list_of_words(name) else _COMMA.split(name)
    return names


def _is_list_of_words(text: str) -> bool:
    """Tell whether a text with commas is one name: the last of several words comes after "&" or "and"."""
    last = _COMMA.split(text)[-1]
    return bool(_LAST_OF_A_LIST.match(f" {last} ".lstrip(",")) or _LAST_OF_A_LIST.search(f", {last} ")) and "," in text


def display_name(name: str) -> str:
    """Return the spelling of a genre that the library shows: title case, unless the name contains capitals."""
    return name.title() if name.islower() else name


def write(db: sqlite3.Connection, genres_by_track: Mapping[int, Sequence[str]]) -> None:
    """Replace the genres of tracks by those of their tags; if a track has none, by those of MusicBrainz."""
    _replace(db, genres_by_track, from_tags=True)
    _fill(db, [track_id for track_id, names in genres_by_track.items() if not names])


def fill_from_musicbrainz(db: sqlite3.Connection, track_ids: Iterable[int]) -> None:
    """Give the genres of MusicBrainz to those of these tracks whose tags have no genre.

    The view `track_online_genres` selects them: the genres of the release, else of the artist. Call this for every new
    or changed track, and when facts were stored; nothing else gives a track these genres.
    """
    index.reindex(db, _fill(db, track_ids))


def _fill(db: sqlite3.Connection, track_ids: Iterable[int]) -> list[int]:
    """Fill in genres, and return the tracks that have genres of MusicBrainz now, or had some."""
    rows = db.execute(
        "SELECT value FROM json_each(?) WHERE NOT EXISTS "
        "(SELECT 1 FROM track_genres g WHERE g.track_id = value AND g.from_tags)",
        (json.dumps(list(track_ids)),),
    )
    names: dict[int, list[str]] = {row["value"]: [] for row in rows}
    # An outer join would compute the view for the whole library.
    for row in db.execute(
        "SELECT o.track_id, o.name FROM json_each(?) j CROSS JOIN track_online_genres o ON o.track_id = j.value",
        (json.dumps(list(names)),),
    ):
        names[row["track_id"]].append(row["name"])
    _replace(db, names, from_tags=False)
    return list(names)


def forget(db: sqlite3.Connection, track_ids: Iterable[int]) -> None:
    """Remove the genres of tracks."""
    _replace(db, dict.fromkeys(track_ids, ()), from_tags=True)


def choose_names(db: sqlite3.Connection, track_ids: Iterable[int]) -> None:
    """Choose the spelling of the genres of tracks again: some of the tracks have become missing, or have returned."""
    for row in db.execute(
        "SELECT DISTINCT genre_id FROM track_genres WHERE track_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(track_ids)),),
    ).fetchall():
        _choose_name(db, row["genre_id"])


def _replace(db: sqlite3.Connection, genres_by_track: Mapping[int, Sequence[str]], *, from_tags: bool) -> None:
    gone = db.execute(
        "SELECT DISTINCT genre_id FROM track_genres WHERE track_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(genres_by_track)),),
    ).fetchall()
    if gone:
        db.executemany("DELETE FROM track_genres WHERE track_id = ?", [(track_id,) for track_id in genres_by_track])
    genres: dict[str, sqlite3.Row] = {}
    respelled = {row["genre_id"] for row in gone}
    rows = []
    for track_id, names in genres_by_track.items():
        for position, name in enumerate(names):
            genre = genres.get(genre_key(name)) or genres.setdefault(genre_key(name), _genre(db, name))
            if genre["name"] != name:
                respelled.add(genre["id"])
            rows.append((track_id, genre["id"], name, int(from_tags), position))
    db.executemany(
        "INSERT INTO track_genres (track_id, genre_id, name, from_tags, position) VALUES (?, ?, ?, ?, ?)", rows
    )
    count_genres(db, genres_by_track)
    for genre_id in respelled:
        _choose_name(db, genre_id)


def _genre(db: sqlite3.Connection, name: str) -> sqlite3.Row:
    select = "SELECT id, name FROM genres WHERE normalised_name = ?"
    row: sqlite3.Row | None = db.execute(select, (genre_key(name),)).fetchone()
    if row is None:
        db.execute(
            "INSERT INTO genres (name, normalised_name, sort_name) VALUES (?, ?, ?)",
            (name, genre_key(name), sort_key(name)),
        )
        row = db.execute(select, (genre_key(name),)).fetchone()
        index.add_genres(db, {row["id"]: name})
    assert row is not None  # noqa: S101 - for the type checker
    return row


def _choose_name(db: sqlite3.Connection, genre_id: int) -> None:
    """Give a genre its most frequent spelling, of equally frequent ones the largest; delete it without tracks.

    Missing tracks do not count.
    """
    row = db.execute(
        "SELECT name FROM genre_spellings WHERE genre_id = ? ORDER BY track_count DESC, name DESC LIMIT 1", (genre_id,)
    ).fetchone()
    if row is None:
        db.execute("DELETE FROM genres WHERE id = ?", (genre_id,))
    else:
        db.execute(
            "UPDATE genres SET name = ?1, sort_name = ?2 WHERE id = ?3 AND name <> ?1",
            (row["name"], sort_key(row["name"]), genre_id),
        )
        index.add_genres(db, {genre_id: row["name"]})
