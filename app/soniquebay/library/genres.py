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
    """Replace a track's genres by those of its tags; with none there, by MusicBrainz's.

    A track that is gone in the meantime is passed over.
    """
    db.execute("DELETE FROM track_genres WHERE track_id = ?", (track_id,))
    db.execute("UPDATE tracks SET genres_done = 1 WHERE id = ?", (track_id,))
    given = list(names)
    for name in given:
        db.execute("INSERT OR IGNORE INTO genres (name) VALUES (?)", (name,))
        db.execute(
            "INSERT OR IGNORE INTO track_genres (track_id, genre_id) "
            "SELECT t.id, g.id FROM tracks t, genres g WHERE t.id = ? AND g.name = ?",
            (track_id, name),
        )
    if not given:
        fill(db, [track_id])


def fill(db: sqlite3.Connection, track_ids: Iterable[int]) -> None:
    """Give MusicBrainz's genres to those of these tracks whose tags had none.

    The view says which they are; new tracks get them by a trigger (migration 0002).
    """
    for track_id in track_ids:
        # No genre in the tags: whatever stands there is MusicBrainz's, and perhaps of an earlier answer.
        db.execute(
            "DELETE FROM track_genres WHERE track_id IN (SELECT id FROM tracks WHERE id = ? AND genre_raw = '')",
            (track_id,),
        )
        if db.execute("SELECT 1 FROM track_genres WHERE track_id = ?", (track_id,)).fetchone():
            continue
        rows = db.execute("SELECT DISTINCT name FROM track_online_genres WHERE track_id = ?", (track_id,)).fetchall()
        for row in rows:
            db.execute("INSERT OR IGNORE INTO genres (name) VALUES (?)", (row["name"],))
            db.execute(
                "INSERT OR IGNORE INTO track_genres (track_id, genre_id) SELECT ?, id FROM genres WHERE name = ?",
                (track_id, row["name"]),
            )
