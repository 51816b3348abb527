"""Writing a batch into the library: one transaction, applied once, whoever sends it again."""

import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from soniquebay.library import genres, search
from soniquebay.library.entities import AlbumEntity, ArtistEntity, Entities, TrackEntity
from soniquebay.library.sessions import add_failures, close_batch, complete_if_done

Owners = tuple[int, int | None]  # the artist and the album of a track


class UnknownBatchError(LookupError):
    """No batch of that id was ever registered."""


@dataclass(slots=True)
class Ingested:
    """What an insert did; `completed`: it was the last of its session."""

    applied: bool
    session_id: int
    completed: bool = False


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
    _put_tracks(db, entities["tracks"], artists, albums, session_id)
    add_failures(db, session_id, "extract", entities["failures"])
    # A file that was fine and now holds no music is missing until it is mended. One that merely cannot be reached (a
    # disk pulled out) stays as it is.
    bad = [failure["path"] for failure in entities["failures"] if failure.get("bad_content")]
    if bad:
        mark_missing(db, bad)
    close_batch(db, batch_id)
    return Ingested(applied=True, session_id=session_id, completed=complete_if_done(db, session_id))


def mark_missing(db: sqlite3.Connection, paths: Iterable[str]) -> int:
    """Note that the files of tracks are not there; the tracks keep their ids and vectors, but are found no more."""
    rows = db.execute(
        "UPDATE tracks SET missing_since = ? WHERE missing_since IS NULL "
        "AND path IN (SELECT value FROM json_each(?)) RETURNING id",
        (time.time(), json.dumps(list(paths))),
    ).fetchall()
    search.remove(db, [row["id"] for row in rows])
    return len(rows)


def mark_returned(db: sqlite3.Connection, paths: Iterable[str]) -> int:
    """Note that files are there again, as they were; returns how many of them were missing.

    What could not be had of the ones that were away is tried again.
    """
    found = json.dumps(list(paths))
    rows = db.execute(
        "UPDATE tracks SET missing_since = NULL WHERE missing_since IS NOT NULL "
        "AND path IN (SELECT value FROM json_each(?)) RETURNING id",
        (found,),
    ).fetchall()
    search.add(db, [row["id"] for row in rows])
    retried = db.execute(
        "UPDATE tracks SET retry_later = 0 WHERE retry_later AND path IN (SELECT value FROM json_each(?)) "
        "RETURNING id, album_id",
        (found,),
    ).fetchall()
    db.executemany("DELETE FROM vectors WHERE track_id = ? AND data IS NULL", [(row["id"],) for row in retried])
    albums = {row["album_id"] for row in retried}
    db.executemany("UPDATE albums SET cover_checked = 0 WHERE id = ? AND cover_sha256 IS NULL", [(a,) for a in albums])
    return len(rows)


def _artist_id(db: sqlite3.Connection, artist: ArtistEntity) -> int:
    mbid = artist["mbid"]
    if mbid:
        row = db.execute("SELECT id FROM artists WHERE mbid = ?", (mbid,)).fetchone()
        if row:
            return int(row["id"])
        # The same artist met before without an id gets it now, instead of a twin.
        row = db.execute(
            "SELECT id FROM artists WHERE normalised_name = ? AND mbid IS NULL", (artist["normalised_name"],)
        ).fetchone()
        if row:
            db.execute("UPDATE artists SET mbid = ? WHERE id = ?", (mbid, row["id"]))
            return int(row["id"])
    else:
        row = db.execute(
            "SELECT id FROM artists WHERE normalised_name = ? ORDER BY id LIMIT 1", (artist["normalised_name"],)
        ).fetchone()
        if row:
            return int(row["id"])
    cursor = db.execute(
        "INSERT INTO artists (name, normalised_name, mbid) VALUES (:name, :normalised_name, :mbid)", artist
    )
    return int(cursor.lastrowid or 0)


def _album_id(db: sqlite3.Connection, album: AlbumEntity, artist_id: int) -> int:
    mbid = album["mbid"]
    row = db.execute("SELECT id, year FROM albums WHERE mbid = ?", (mbid,)).fetchone() if mbid else None
    if row is None:
        row = db.execute(
            # Two releases with ids of their own stay two albums; one without an id joins its namesake.
            "SELECT id, year, mbid FROM albums WHERE artist_id = ?1 AND normalised_title = ?2 "
            "AND (mbid IS NULL OR ?3 IS NULL) ORDER BY id LIMIT 1",
            (artist_id, album["normalised_title"], mbid),
        ).fetchone()
        if row and mbid and row["mbid"] is None:
            db.execute("UPDATE albums SET mbid = ? WHERE id = ?", (mbid, row["id"]))
    if row:
        if row["year"] is None and album["year"] is not None:
            db.execute("UPDATE albums SET year = ? WHERE id = ?", (album["year"], row["id"]))
        return int(row["id"])
    cursor = db.execute(
        "INSERT INTO albums (title, normalised_title, artist_id, year, mbid) VALUES (?, ?, ?, ?, ?)",
        (album["title"], album["normalised_title"], artist_id, album["year"], mbid),
    )
    return int(cursor.lastrowid or 0)


_COLUMNS = (
    "title", "artist_id", "credit", "album_id", "track_no", "disc_no", "year", "duration", "format", "mbid",
    "genre_raw", "has_picture", "path", "size", "mtime_ns", "fingerprint", "read_session_id",
)  # fmt: skip
_values = ", ".join(f":{c}" for c in _COLUMNS)
_INSERT = f"INSERT INTO tracks (id, added_at, {', '.join(_COLUMNS)}) VALUES (:id, :now, {_values})"
# Its sound may have changed, so it is analysed anew; until then the old vector serves.
_UPDATE = (
    f"UPDATE tracks SET {', '.join(f'{c} = :{c}' for c in _COLUMNS)}, genres_cleaned = 0, missing_since = NULL, "
    "analysed = analysed AND :kept, retry_later = retry_later AND :kept WHERE id = :id"
)


def _put_tracks(
    db: sqlite3.Connection, tracks: list[TrackEntity], artists: list[int], albums: list[int], session_id: int
) -> None:
    """Write the tracks of a batch: new ones, changed ones, and ones that were moved here."""
    known = {row["path"]: row for row in _known(db, tracks)}
    moved = _moved(db, [t for t in tracks if t["path"] not in known], session_id)
    (last,) = db.execute("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tracks'), 0)").fetchone()
    now = time.time()
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    left: set[Owners] = set()
    for track in tracks:
        before = known.get(track["path"]) or moved.get(track["path"])
        album_id = None if track["album"] is None else albums[track["album"]]
        values: dict[str, Any] = {
            **track, "artist_id": artists[track["artist"]], "album_id": album_id,
            "read_session_id": session_id, "now": now,
        }  # fmt: skip
        if before is None:
            last += 1
            values["id"] = last
            new.append(values)
        else:
            values["id"] = before["id"]
            values["kept"] = track["path"] in moved
            left.add((before["artist_id"], before["album_id"]))
            changed.append(values)
    db.executemany(_INSERT, new)
    if changed:
        _change(db, changed, left)
    written = [*new, *changed]
    search.add(db, [values["id"] for values in written])
    genres.fill_from_musicbrainz(db, [values["id"] for values in written if not values["genre_raw"]])


def _change(db: sqlite3.Connection, changed: list[dict[str, Any]], left: set[Owners]) -> None:
    search.remove(db, [values["id"] for values in changed])
    db.executemany(_UPDATE, changed)
    # Why the old content had no vector says nothing of the new.
    db.executemany(
        "DELETE FROM vectors WHERE track_id = ? AND data IS NULL", [(v["id"],) for v in changed if not v["kept"]]
    )
    # A changed file may hold a picture now.
    albums = {v["album_id"] for v in changed if v["album_id"] is not None}
    db.executemany("UPDATE albums SET cover_checked = 0 WHERE id = ?", [(album,) for album in albums])
    # Only now: a later track of the batch may have moved in where an earlier one moved out.
    for artist_id, album_id in left:
        drop_empty(db, artist_id, album_id)


def _known(db: sqlite3.Connection, tracks: list[TrackEntity]) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT t.path, t.id, t.artist_id, t.album_id FROM json_each(?) j JOIN tracks t ON t.path = j.value",
        (json.dumps([track["path"] for track in tracks]),),
    ).fetchall()


def _moved(db: sqlite3.Connection, tracks: list[TrackEntity], session_id: int) -> dict[str, sqlite3.Row]:
    """Return, by their new paths, the tracks whose file is no longer where it was and is met again here."""
    columns = "t.id, t.path, t.artist_id, t.album_id, t.fingerprint, t.mbid, t.format, t.duration, t.missing_since"
    waiting = db.execute(
        f"SELECT {columns} FROM json_each(?2) j JOIN tracks t ON t.fingerprint = j.value "
        "WHERE t.missing_since IS NOT NULL OR EXISTS "
        "(SELECT 1 FROM unseen u WHERE u.path = t.path AND u.session_id = ?1) "
        f"UNION SELECT {columns} FROM json_each(?3) j JOIN tracks t INDEXED BY tracks_missing ON t.mbid = j.value "
        "WHERE t.missing_since IS NOT NULL",
        (
            session_id,
            json.dumps([track["fingerprint"] for track in tracks]),
            json.dumps([track["mbid"] for track in tracks if track["mbid"]]),
        ),
    ).fetchall()
    found: dict[str, sqlite3.Row] = {}
    for track in tracks if waiting else ():
        same = [row for row in waiting if _same(row, track)]
        if same:
            # Among twins the one of the same file name.
            name = track["path"].rpartition("/")[2]
            best = next((row for row in same if row["path"].rpartition("/")[2] == name), same[0])
            waiting.remove(best)
            found[track["path"]] = best
    for row in found.values():
        db.execute("DELETE FROM unseen WHERE path = ?", (row["path"],))
    # One that this very session had called missing is not.
    db.executemany(
        "UPDATE scan_sessions SET moved = moved + 1, missing = missing - (coalesce(?, 0) >= started_at) WHERE id = ?",
        [(row["missing_since"], session_id) for row in found.values()],
    )
    return found


def _same(row: sqlite3.Row, track: TrackEntity) -> bool:
    if row["fingerprint"] == track["fingerprint"]:
        return True
    # Moved and retagged at once, as taggers do: the recording and its length tell.
    return (
        row["mbid"] is not None
        and (row["mbid"], row["format"]) == (track["mbid"], track["format"])
        and abs(row["duration"] - track["duration"]) < 0.05
    )


def remove_tracks(db: sqlite3.Connection, ids: list[int]) -> None:
    """Delete tracks; what belongs to them alone goes with them."""
    search.remove(db, ids)
    db.execute("DELETE FROM tracks WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))


def reindex(db: sqlite3.Connection, ids: list[int]) -> None:
    """Put tracks into the full-text index as they are now."""
    search.remove(db, ids)
    search.add(db, ids)


def drop_empty(db: sqlite3.Connection, artist_id: int, album_id: int | None) -> None:
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
