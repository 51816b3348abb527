"""Inserting batches into the library: each in one transaction, and only once however often it is delivered."""

import json
import logging
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from soniquebay.library import genres, search
from soniquebay.library.entities import ENTITIES_SCHEMA, AlbumEntity, ArtistEntity, Entities, TrackEntity
from soniquebay.library.sessions import add_failures, close_batch, complete_if_done, mark_batch_unsent

log = logging.getLogger(__name__)

_MAX_DURATION_DIFFERENCE_SECONDS = 0.05  # between a file and its retagged self

ArtistAndAlbum = tuple[int, int | None]  # ids


class UnknownBatchError(LookupError):
    """No batch with this id was ever registered."""


@dataclass(slots=True)
class InsertResult:
    """The result of inserting a batch; `completed` if it was the last batch of its session."""

    applied: bool
    session_id: int
    completed: bool = False


def apply_batch(db: sqlite3.Connection, batch_id: str, entities: Entities) -> InsertResult:
    """Insert a batch inside the caller's transaction, unless it was inserted before.

    Entities of another schema may have other fields. Their batch is marked as not sent, so its files are read again.
    Raises `UnknownBatchError`, and ``sqlite3.IntegrityError`` when the entities are inconsistent.
    """
    row = db.execute("SELECT session_id, done_at FROM batches WHERE id = ?", (batch_id,)).fetchone()
    if row is None:
        raise UnknownBatchError(f"batch {batch_id} was never registered")
    session_id = int(row["session_id"])
    if row["done_at"] is not None:
        return InsertResult(applied=False, session_id=session_id)
    if entities.get("schema") != ENTITIES_SCHEMA:
        mark_batch_unsent(db, batch_id)
        log.info("batch %s was queued by another release, its files are read again", batch_id)
        return InsertResult(applied=False, session_id=session_id)
    artists = [_artist_id(db, artist) for artist in entities["artists"]]
    albums = [_album_id(db, album, artists[album["artist"]]) for album in entities["albums"]]
    _write_tracks(db, entities["tracks"], artists, albums, session_id)
    add_failures(db, session_id, "extract", entities["failures"])
    # A known file without readable audio is missing until it is repaired. One that merely could not be read (its disk
    # was unplugged) keeps its track.
    unreadable = [failure["path"] for failure in entities["failures"] if failure.get("bad_content")]
    if unreadable:
        mark_missing(db, unreadable)
    close_batch(db, batch_id)
    return InsertResult(applied=True, session_id=session_id, completed=complete_if_done(db, session_id))


def mark_missing(db: sqlite3.Connection, paths: Iterable[str]) -> int:
    """Mark the tracks of encoded paths as missing, and return how many; they keep their ids and vectors."""
    rows = db.execute(
        "UPDATE tracks SET missing_since = ? WHERE missing_since IS NULL "
        "AND path IN (SELECT value FROM json_each(?)) RETURNING id",
        (time.time(), json.dumps(list(paths))),
    ).fetchall()
    search.remove(db, [row["id"] for row in rows])
    return len(rows)


def mark_returned(db: sqlite3.Connection, paths: Iterable[str]) -> int:
    """Mark the tracks of encoded paths as no longer missing, and return how many were.

    What failed because a file was unavailable is retried.
    """
    paths_json = json.dumps(list(paths))
    rows = db.execute(
        "UPDATE tracks SET missing_since = NULL WHERE missing_since IS NOT NULL "
        "AND path IN (SELECT value FROM json_each(?)) RETURNING id",
        (paths_json,),
    ).fetchall()
    search.add(db, [row["id"] for row in rows])
    retried = db.execute(
        "UPDATE tracks SET retry_later = 0 WHERE retry_later AND path IN (SELECT value FROM json_each(?)) "
        "RETURNING id, album_id",
        (paths_json,),
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
        # An artist of this name without an MBID gets this one, instead of a second row.
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
            # Two releases with different MBIDs stay two albums; one without an MBID joins the album of its title.
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
_PARAMETERS = ", ".join(f":{c}" for c in _COLUMNS)
_INSERT = f"INSERT INTO tracks (id, added_at, {', '.join(_COLUMNS)}) VALUES (:id, :now, {_PARAMETERS})"
# The audio of a changed file may differ, so it is analysed again; its old vector is used until then. A file that was
# moved, or is read again with its stamp unchanged, has the same audio.
_UPDATE = (
    f"UPDATE tracks SET {', '.join(f'{c} = :{c}' for c in _COLUMNS)}, genres_cleaned = 0, missing_since = NULL, "
    "analysed = analysed AND :has_same_audio, retry_later = retry_later AND :has_same_audio WHERE id = :id"
)


def _write_tracks(
    db: sqlite3.Connection, tracks: list[TrackEntity], artists: list[int], albums: list[int], session_id: int
) -> None:
    """Write the new, changed and moved tracks of a batch."""
    known = {row["path"]: row for row in _tracks_at_paths(db, tracks)}
    moved = _match_moved(db, [t for t in tracks if t["path"] not in known], session_id)
    (last_id,) = db.execute("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tracks'), 0)").fetchone()
    now = time.time()
    inserts: list[dict[str, Any]] = []
    updates: list[dict[str, Any]] = []
    previous_owners: set[ArtistAndAlbum] = set()
    for track in tracks:
        before = known.get(track["path"]) or moved.get(track["path"])
        album_id = None if track["album"] is None else albums[track["album"]]
        values: dict[str, Any] = {
            **track, "artist_id": artists[track["artist"]], "album_id": album_id,
            "read_session_id": session_id, "now": now,
        }  # fmt: skip
        if before is None:
            last_id += 1
            values["id"] = last_id
            inserts.append(values)
        else:
            values["id"] = before["id"]
            values["has_same_audio"] = track["path"] in moved or _has_stamp(before, track)
            previous_owners.add((before["artist_id"], before["album_id"]))
            updates.append(values)
    db.executemany(_INSERT, inserts)
    if updates:
        _update_tracks(db, updates, previous_owners)
    written = [*inserts, *updates]
    search.add(db, [values["id"] for values in written])
    genres.fill_from_musicbrainz(db, [values["id"] for values in written if not values["genre_raw"]])


def _update_tracks(db: sqlite3.Connection, updates: list[dict[str, Any]], previous_owners: set[ArtistAndAlbum]) -> None:
    search.remove(db, [values["id"] for values in updates])
    db.executemany(_UPDATE, updates)
    # The old content had no vector for a reason that need not apply to the new content.
    db.executemany(
        "DELETE FROM vectors WHERE track_id = ? AND data IS NULL",
        [(v["id"],) for v in updates if not v["has_same_audio"]],
    )
    # A changed file may have got a picture.
    albums = {v["album_id"] for v in updates if v["album_id"] is not None}
    db.executemany("UPDATE albums SET cover_checked = 0 WHERE id = ?", [(album,) for album in albums])
    # Last, because a later track of the batch may join an artist or album that an earlier one left.
    for artist_id, album_id in previous_owners:
        delete_if_unused(db, artist_id, album_id)


def _tracks_at_paths(db: sqlite3.Connection, tracks: list[TrackEntity]) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT t.path, t.id, t.artist_id, t.album_id, t.size, t.mtime_ns "
        "FROM json_each(?) j JOIN tracks t ON t.path = j.value",
        (json.dumps([track["path"] for track in tracks]),),
    ).fetchall()


def _has_stamp(row: sqlite3.Row, track: TrackEntity) -> bool:
    return (row["size"], row["mtime_ns"]) == (track["size"], track["mtime_ns"])


def _match_moved(db: sqlite3.Connection, tracks: list[TrackEntity], session_id: int) -> dict[str, sqlite3.Row]:
    """Return by new path the missing or unseen tracks whose files were moved there, and count them as moved."""
    columns = "t.id, t.path, t.artist_id, t.album_id, t.fingerprint, t.mbid, t.format, t.duration, t.missing_since"
    candidates = db.execute(
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
    moved: dict[str, sqlite3.Row] = {}
    for track in tracks if candidates else ():
        matches = [row for row in candidates if _is_same_file(row, track)]
        if matches:
            # Of several identical files, prefer the one with the same file name.
            name = track["path"].rpartition("/")[2]
            best = next((row for row in matches if row["path"].rpartition("/")[2] == name), matches[0])
            candidates.remove(best)
            moved[track["path"]] = best
    for row in moved.values():
        db.execute("DELETE FROM unseen WHERE path = ?", (row["path"],))
    # A track that this session counted as missing is no longer.
    db.executemany(
        "UPDATE scan_sessions SET moved = moved + 1, missing = missing - (coalesce(?, 0) >= started_at) WHERE id = ?",
        [(row["missing_since"], session_id) for row in moved.values()],
    )
    return moved


def _is_same_file(row: sqlite3.Row, track: TrackEntity) -> bool:
    if row["fingerprint"] == track["fingerprint"]:
        return True
    # Taggers move and retag a file in one go: then its recording, format and length identify it.
    return (
        row["mbid"] is not None
        and (row["mbid"], row["format"]) == (track["mbid"], track["format"])
        and abs(row["duration"] - track["duration"]) < _MAX_DURATION_DIFFERENCE_SECONDS
    )


def delete_tracks(db: sqlite3.Connection, ids: list[int]) -> None:
    """Delete tracks with their vectors, genres and index entries."""
    search.remove(db, ids)
    db.execute("DELETE FROM tracks WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))


def reindex(db: sqlite3.Connection, ids: list[int]) -> None:
    """Update the full-text index for tracks."""
    search.remove(db, ids)
    search.add(db, ids)


def delete_if_unused(db: sqlite3.Connection, artist_id: int, album_id: int | None) -> None:
    """Delete the album if it has no tracks, then the artist and the album's artist if they have no tracks or albums."""
    artist_ids = [artist_id]
    if album_id is not None:
        artist_ids += [r["artist_id"] for r in db.execute("SELECT artist_id FROM albums WHERE id = ?", (album_id,))]
        db.execute(
            "DELETE FROM albums WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM tracks WHERE album_id = ?1)", (album_id,)
        )
    for candidate in artist_ids:
        db.execute(
            "DELETE FROM artists WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM tracks WHERE artist_id = ?1) "
            "AND NOT EXISTS (SELECT 1 FROM albums WHERE artist_id = ?1)",
            (candidate,),
        )
