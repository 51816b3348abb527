"""Rows by their names: what clients ask for that know no ids."""

import sqlite3

from soniquebay.library.catalogue.names import normalised_name
from soniquebay.library.catalogue.sort_keys import sort_key
from soniquebay.library.genres import genre_key


def genre_id(db: sqlite3.Connection, name: str) -> int:
    """Return the id of a genre by any spelling of its name; 0, which none has, if there is none."""
    row = db.execute("SELECT id FROM genres WHERE normalised_name = ?", (genre_key(name),)).fetchone()
    return int(row["id"]) if row else 0


def artist_id(db: sqlite3.Connection, name: str) -> int | None:
    """Return the id of the artist of a name who has the most tracks."""
    row = db.execute(
        "SELECT a.id FROM artists a LEFT JOIN artist_roles r ON r.artist_id = a.id AND r.role = 'artist' "
        "WHERE a.normalised_name = ? ORDER BY r.track_count DESC LIMIT 1",
        (normalised_name(name),),
    ).fetchone()
    return int(row["id"]) if row else None


def track_id_with_lyrics(db: sqlite3.Connection, title: str, artist: str = "") -> int | None:
    """Return the id of a track of a title that has lyrics; with `artist`, of one that states this artist."""
    row = db.execute(
        "SELECT t.id FROM tracks t JOIN file_tags f ON f.track_id = t.id WHERE t.missing_since IS NULL "
        "AND t.sort_title = ?1 AND t.title = ?2 COLLATE NOCASE AND (?3 = '' OR t.credit = ?3 COLLATE NOCASE) "
        "AND (f.tags ->> '$.lyrics' IS NOT NULL OR f.tags ->> '$.synced_lyrics' IS NOT NULL) LIMIT 1",
        (sort_key(title), title, artist),
    ).fetchone()
    return int(row["id"]) if row else None
