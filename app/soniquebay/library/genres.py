"""Raw genre tags to clean genres: no list of allowed ones, for a library's odd genres are its own."""

import re
import sqlite3
from collections.abc import Iterable

from soniquebay.library.identity import key

_SEPARATORS = re.compile(r"[;,/|\x1f\x00]|\s&\s")
_NO_GENRE = {"", "unknown", "other", "none", "genre", "misc", "n/a", "undefined"}
_KEPT_WHOLE = {"r&b", "rhythm & blues", "drum & bass", "drum n bass", "singer/songwriter", "rock & roll"}


def clean_genres(raw: str) -> list[str]:
    """Split raw genre values into names, each once, in title case unless the tag has capitals of its own."""
    return _distinct(name for value in raw.split("\x1f") for name in _split(value))


def _split(value: str) -> list[str]:
    if key(value) in _KEPT_WHOLE:
        return [value.strip()]
    return [part.strip() for part in _SEPARATORS.split(value)]


def _distinct(names: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for name in names:
        same = key(name).replace("-", " ") if name else ""
        if same not in _NO_GENRE and same not in found:
            found[same] = name.title() if name.islower() else name
    return list(found.values())


def store(db: sqlite3.Connection, track_id: int, names: Iterable[str]) -> None:
    """Replace a track's genres; one that is gone in the meantime is passed over."""
    db.execute("DELETE FROM track_genres WHERE track_id = ?", (track_id,))
    db.execute("UPDATE tracks SET genres_done = 1 WHERE id = ?", (track_id,))
    for name in names:
        db.execute("INSERT OR IGNORE INTO genres (name) VALUES (?)", (name,))
        db.execute(
            "INSERT OR IGNORE INTO track_genres (track_id, genre_id) "
            "SELECT t.id, g.id FROM tracks t, genres g WHERE t.id = ? AND g.name = ?",
            (track_id, name),
        )
