"""Writing a batch into the library: one transaction, applied once, whoever sends it again."""

import sqlite3
import time
from dataclasses import dataclass, field

from soniquebay.library.entities import AlbumEntity, ArtistEntity, Entities, TrackEntity
from soniquebay.library.sessions import add_failures, close_batch, complete_if_done

Owners = tuple[int, int | None]  # the artist and the album of a track


class UnknownBatchError(LookupError):
    """No batch of that id was ever registered."""


@dataclass(slots=True)
class Ingested:
    """What an insert did: the tracks whose sound, cover and genres are now to be looked at."""

    applied: bool
    session_id: int
    track_ids: list[int] = field(default_factory=list)


def apply_batch(db: sqlite3.Connection, batch_id: str, entities: Entities) -> Ingested:
    """Insert a batch inside the caller's transaction; one that is done already changes nothing.

    Raises `UnknownBatchError`, and ``sqlite3.IntegrityError`` for entities that contradict each other.
    """
    row = db.execute("SELECT session_id, done_at FROM batches WHERE id = ?", (batch_id,)).fetchone()
    if row is None:
        raise UnknownBatchError(f"batch {batch_id} was never registered")
    session_id = int(row["session_id"])
    if row["done_at"] is not None:
        return Ingested(applied=False, session_id=session_id)
    artists = [_artist_id(db, artist) for artist in entities["artists"]]
    albums = [_album_id(db, album, artists[album["artist"]]) for album in entities["albums"]]
    ids = []
    left: set[Owners] = set()
    for track in entities["tracks"]:
        album = None if track["album"] is None else albums[track["album"]]
        ids.append(_put_track(db, track, (artists[track["artist"]], album), session_id, left))
    add_failures(db, session_id, "extract", entities["failures"])
    for failure in entities["failures"]:
        # A file that was fine and now holds no music: its track goes. One that merely cannot be reached (a disk pulled
        # out) keeps it.
        if failure.get("bad_content"):
            _drop_file(db, failure["path"], left)
    # Only now: a later track of the batch may have moved in where an earlier one moved out.
    for artist_id, album_id in left:
        _drop_empty(db, artist_id, album_id)
    close_batch(db, batch_id)
    complete_if_done(db, session_id)
    return Ingested(applied=True, session_id=session_id, track_ids=ids)


def _artist_id(db: sqlite3.Connection, artist: ArtistEntity) -> int:
    mbid = artist["mbid"]
    if mbid:
        row = db.execute("SELECT id FROM artists WHERE mbid = ?", (mbid,)).fetchone()
        if row:
            return int(row["id"])
        # The same artist met before without an id gets it now, instead of a twin.
        row = db.execute("SELECT id FROM artists WHERE key = ? AND mbid IS NULL", (artist["key"],)).fetchone()
        if row:
            db.execute("UPDATE artists SET mbid = ? WHERE id = ?", (mbid, row["id"]))
            return int(row["id"])
    else:
        row = db.execute("SELECT id FROM artists WHERE key = ? ORDER BY id LIMIT 1", (artist["key"],)).fetchone()
        if row:
            return int(row["id"])
    cursor = db.execute("INSERT INTO artists (name, key, mbid) VALUES (:name, :key, :mbid)", artist)
    return int(cursor.lastrowid or 0)


def _album_id(db: sqlite3.Connection, album: AlbumEntity, artist_id: int) -> int:
    mbid = album["mbid"]
    row = db.execute("SELECT id FROM albums WHERE mbid = ?", (mbid,)).fetchone() if mbid else None
    if row is None:
        row = db.execute(
            # Two releases with ids of their own stay two albums; one without an id joins its namesake.
            "SELECT id, mbid FROM albums WHERE artist_id = ?1 AND key = ?2 AND (mbid IS NULL OR ?3 IS NULL) "
            "ORDER BY id LIMIT 1",
            (artist_id, album["key"], mbid),
        ).fetchone()
        if row and mbid and row["mbid"] is None:
            db.execute("UPDATE albums SET mbid = ? WHERE id = ?", (mbid, row["id"]))
    if row:
        db.execute("UPDATE albums SET year = coalesce(year, ?) WHERE id = ?", (album["year"], row["id"]))
        return int(row["id"])
    cursor = db.execute(
        "INSERT INTO albums (title, key, artist_id, year, mbid) VALUES (?, ?, ?, ?, ?)",
        (album["title"], album["key"], artist_id, album["year"], mbid),
    )
    return int(cursor.lastrowid or 0)


_TRACK_COLUMNS = (
    "title", "artist_id", "album_id", "track_no", "disc_no", "year", "duration", "format", "mbid", "genre_raw",
    "has_picture",
)  # fmt: skip
_INSERT_TRACK = (
    f"INSERT INTO tracks ({', '.join(_TRACK_COLUMNS)}, added_at) "
    f"VALUES ({', '.join(':' + c for c in _TRACK_COLUMNS)}, :now)"
)
_UPDATE_TRACK = f"UPDATE tracks SET {', '.join(f'{c} = :{c}' for c in _TRACK_COLUMNS)}, genres_done = 0 WHERE id = :id"


def _put_track(db: sqlite3.Connection, track: TrackEntity, owners: Owners, session_id: int, left: set[Owners]) -> int:
    artist_id, album_id = owners
    values = {**track, "artist_id": artist_id, "album_id": album_id, "now": time.time()}
    row = db.execute("SELECT track_id FROM files WHERE path = ?", (track["path"],)).fetchone()
    track_id = row["track_id"] if row else None
    if track_id is None:
        track_id = db.execute(_INSERT_TRACK, values).lastrowid
    else:
        old = db.execute("SELECT artist_id, album_id FROM tracks WHERE id = ?", (track_id,)).fetchone()
        db.execute(_UPDATE_TRACK, {**values, "id": track_id})
        # The file changed, so may its sound.
        db.execute("DELETE FROM vectors WHERE track_id = ?", (track_id,))
        # And it may hold a picture now.
        db.execute("UPDATE albums SET cover_done = 0 WHERE id = ?", (album_id,))
        left.add((old["artist_id"], old["album_id"]))
    db.execute(
        "INSERT INTO files (path, size, mtime_ns, track_id, seen_in) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, "
        "track_id = excluded.track_id, seen_in = excluded.seen_in",
        (track["path"], track["size"], track["mtime_ns"], track_id, session_id),
    )
    _index(db, int(track_id or 0))
    return int(track_id or 0)


def _index(db: sqlite3.Connection, track_id: int) -> None:
    db.execute("DELETE FROM search WHERE rowid = ?", (track_id,))
    db.execute(
        "INSERT INTO search (rowid, title, artist, album) "
        "SELECT t.id, t.title, a.name || CASE WHEN o.name <> a.name THEN ' ' || o.name ELSE '' END, "
        "coalesce(b.title, '') "
        "FROM tracks t JOIN artists a ON a.id = t.artist_id LEFT JOIN albums b ON b.id = t.album_id "
        "LEFT JOIN artists o ON o.id = b.artist_id WHERE t.id = ?",
        (track_id,),
    )


def _drop_file(db: sqlite3.Connection, path: str, left: set[Owners]) -> None:
    row = db.execute("SELECT track_id FROM files WHERE path = ?", (path,)).fetchone()
    if row is None:
        return
    db.execute("DELETE FROM files WHERE path = ?", (path,))
    old = db.execute("SELECT artist_id, album_id FROM tracks WHERE id = ?", (row["track_id"],)).fetchone()
    db.execute("DELETE FROM search WHERE rowid = ?", (row["track_id"],))
    db.execute("DELETE FROM tracks WHERE id = ?", (row["track_id"],))
    if old:
        left.add((old["artist_id"], old["album_id"]))


def _drop_empty(db: sqlite3.Connection, artist_id: int, album_id: int | None) -> None:
    """Remove an album, and the artists, that the last track has left."""
    owners = [artist_id]
    if album_id is not None:
        owners += [r["artist_id"] for r in db.execute("SELECT artist_id FROM albums WHERE id = ?", (album_id,))]
        db.execute(
            "DELETE FROM albums WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM tracks WHERE album_id = ?1)", (album_id,)
        )
    for owner in owners:
        db.execute(
            "DELETE FROM artists WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM tracks WHERE artist_id = ?1) "
            "AND NOT EXISTS (SELECT 1 FROM albums WHERE artist_id = ?1)",
            (owner,),
        )
