"""Pictures of artists: which artists are to be searched, in which folders, and what was found.

A folder is an artist's if it has the artist's name, or if all music in it is of albums by this artist alone. Only
folders in which a scan has seen pictures count. Paths are encoded, and those of folders have a slash at their end.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from soniquebay.audio.picture_names import disc_of_folder
from soniquebay.library.catalogue.names import is_various_artists, normalised_name
from soniquebay.library.covers import Cover

_MAX_ALBUMS = 100  # of an artist, whose folders are looked at


def name_key(name: str) -> str:
    """Return the form in which the names of an artist and of a folder are equal: signs differ in file systems."""
    normalised = normalised_name(name)
    return "".join(filter(str.isalnum, normalised)) or normalised


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that may hold the picture of an artist.

    `is_artists`: each picture there is of the artist. Otherwise it is the folder of an album, or of what an only album
    lies in, and a picture has to be named as that of an artist.
    """

    folder: str
    is_artists: bool


@dataclass(frozen=True, slots=True)
class Search:
    """What is to be searched for an artist's picture; the best place is the first."""

    name: str
    changes: int
    places: list[Place]


def search_of(db: sqlite3.Connection, artist_id: int, roots: Collection[str]) -> Search | None:
    """Return what to search for an artist; None if nothing has changed since the last search.

    `roots`: folders of music, which are nobody's by what lies in them.
    """
    row = db.execute(
        "SELECT a.name, p.changes FROM artist_pictures p JOIN artists a ON a.id = p.artist_id "
        "WHERE p.artist_id = ? AND p.searched < p.changes",
        (artist_id,),
    ).fetchone()
    if row is None:
        return None
    places = _named(db, artist_id, row["name"])
    if not is_various_artists(row["name"]):
        named = {place.folder for place in places}
        places += [place for place in _own(db, artist_id, roots) if place.folder not in named]
    return Search(row["name"], row["changes"], places)


_BELOW = "t.path > f.folder AND t.path < substr(f.folder, 1, length(f.folder) - 1) || '0' AND t.missing_since IS NULL"


def _named(db: sqlite3.Connection, artist_id: int, name: str) -> list[Place]:
    """Return the folders of the artist's name. Music in them is the artist's, or of another artist of that name."""
    rows = db.execute(
        f"SELECT f.folder FROM folder_pictures f WHERE f.name_key = ?1 AND (NOT EXISTS (SELECT 1 FROM tracks t "
        f"WHERE {_BELOW}) OR EXISTS (SELECT 1 FROM tracks t WHERE {_BELOW} AND (EXISTS (SELECT 1 FROM track_artists c "
        "WHERE c.track_id = t.id AND c.artist_id = ?2) OR EXISTS (SELECT 1 FROM album_artists c "
        "WHERE c.album_id = t.album_id AND c.artist_id = ?2)))) ORDER BY length(f.folder), f.folder",
        (name_key(name), artist_id),
    )
    return [Place(row["folder"], is_artists=True) for row in rows]


def _own(db: sqlite3.Connection, artist_id: int, roots: Collection[str]) -> list[Place]:
    """Return the folders of albums by the artist alone, after the folders in which nothing but such albums lies."""
    albums = db.execute(
        "SELECT min(t.path) AS path FROM album_artists c JOIN tracks t ON t.album_id = c.album_id "
        "WHERE c.artist_id = ?1 AND t.missing_since IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM album_artists o WHERE o.album_id = c.album_id AND o.artist_id <> ?1) "
        "GROUP BY c.album_id ORDER BY 1 LIMIT ?2",
        (artist_id, _MAX_ALBUMS),
    )
    inner = list(dict.fromkeys(_album_folder(row["path"]) for row in albums))
    above = [_above(folder) for folder in inner]
    places = [Place(folder, is_artists=above.count(folder) > 1) for folder in dict.fromkeys(above)]
    places += [Place(folder, is_artists=False) for folder in inner if folder not in above]
    own = {
        row["folder"]
        for row in db.execute(
            "SELECT f.folder FROM json_each(?1) j JOIN folder_pictures f ON f.folder = j.value WHERE NOT EXISTS "
            f"(SELECT 1 FROM tracks t WHERE {_BELOW} AND (t.album_id IS NULL AND t.artist_id <> ?2 OR EXISTS "
            "(SELECT 1 FROM album_artists o WHERE o.album_id = t.album_id AND o.artist_id <> ?2)))",
            (json.dumps([place.folder for place in places if place.folder[:-1] not in roots]), artist_id),
        )
    }
    return [place for place in places if place.folder in own]


def _above(folder: str) -> str:
    return folder[:-1].rpartition("/")[0] + "/"


def _album_folder(path: str) -> str:
    folder = path.rpartition("/")[0] + "/"
    return _above(folder) if disc_of_folder(_name(folder)) is not None else folder


def _name(folder: str) -> str:
    return folder[:-1].rpartition("/")[2]


def note_folders(db: sqlite3.Connection, folders: Collection[str]) -> None:
    """Have artists searched again whose folders may have other pictures now.

    Albums near these folders are searched again, too, and `note_album` follows.
    """
    names = json.dumps([normalised_name(_name(folder)) for folder in folders])
    db.execute(
        "INSERT INTO artist_pictures (artist_id) SELECT a.id FROM json_each(?) j "
        "JOIN artists a ON a.normalised_name = j.value WHERE true "
        "ON CONFLICT (artist_id) DO UPDATE SET changes = changes + 1",
        (names,),
    )
    db.execute(
        "UPDATE artist_pictures SET changes = changes + 1 WHERE folder IN (SELECT value FROM json_each(?))",
        (json.dumps(list(folders)),),
    )


def note_album(db: sqlite3.Connection, album_id: int) -> None:
    """Have the artists of an album and of its tracks searched whose folders may be found, or others, now."""
    own = db.execute(
        "SELECT a.id, a.name FROM album_artists c JOIN artists a ON a.id = c.artist_id WHERE c.album_id = ?",
        (album_id,),
    ).fetchall()
    credited = db.execute(
        "SELECT a.id, a.name FROM artists a WHERE a.id IN (SELECT c.artist_id FROM tracks t "
        "JOIN track_artists c ON c.track_id = t.id WHERE t.album_id = ? AND t.missing_since IS NULL)",
        (album_id,),
    ).fetchall()
    _note(db, [*own, *credited], [row["id"] for row in own if len(own) == 1 and not is_various_artists(row["name"])])


def note_track(db: sqlite3.Connection, track_id: int) -> None:
    """Have the artists of a track searched whose folders may be found now."""
    _note(
        db,
        db.execute(
            "SELECT a.id, a.name FROM track_artists c JOIN artists a ON a.id = c.artist_id WHERE c.track_id = ?",
            (track_id,),
        ).fetchall(),
    )


def _note(db: sqlite3.Connection, credited: Collection[sqlite3.Row], owners: Iterable[int] = ()) -> None:
    keys = {row["id"]: name_key(row["name"]) for row in credited}
    rows = db.execute(
        "SELECT name_key FROM folder_pictures WHERE name_key IN (SELECT value FROM json_each(?))",
        (json.dumps(list(keys.values())),),
    )
    named = {row["name_key"] for row in rows}
    noted = {*owners, *(artist_id for artist_id, key in keys.items() if key in named)}
    db.execute(
        "INSERT INTO artist_pictures (artist_id) SELECT value FROM json_each(?) WHERE true "
        "ON CONFLICT (artist_id) DO UPDATE SET changes = changes + 1",
        (json.dumps(list(noted)),),
    )
    db.execute(
        "UPDATE artist_pictures SET changes = changes + 1 WHERE artist_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(keys.keys() - noted)),),
    )


def unsearched(db: sqlite3.Connection, limit: int) -> list[int]:
    """Return the ids of artists that are to be searched for a picture."""
    rows = db.execute(
        "SELECT artist_id FROM artist_pictures INDEXED BY artist_pictures_unsearched WHERE searched < changes LIMIT ?",
        (limit,),
    )
    return [row["artist_id"] for row in rows]


def set_picture(db: sqlite3.Connection, artist_id: int, changes: int, cover: Cover | None, folder: str | None) -> None:
    """Record an artist's picture with its folder, or that there is none; `changes` are those of the `Search`."""
    db.execute(
        "UPDATE artist_pictures SET sha256 = ?, media_type = ?, folder = ?, searched = max(searched, ?) "
        "WHERE artist_id = ?",
        (cover.digest if cover else None, cover.media_type if cover else None, folder, changes, artist_id),
    )


def keep_picture(db: sqlite3.Connection, artist_id: int) -> None:
    """Record that an artist was searched, and keeps the picture: a folder was unavailable, or the search failed."""
    db.execute("UPDATE artist_pictures SET searched = changes WHERE artist_id = ?", (artist_id,))
