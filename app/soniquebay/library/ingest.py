"""Inserting batches into the library: each in one transaction, and only once however often it is delivered."""

import json
import logging
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass

from soniquebay.library import genres, track_rows, unreadable_files
from soniquebay.library.catalogue.message import track_tags_of
from soniquebay.library.catalogue.stored_tags import stored_track_tags
from soniquebay.library.catalogue.update import Update
from soniquebay.library.entities import ENTITIES_SCHEMA, Entities, FailedFile, TrackEntity
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.library.moved_files import complete_moves, match_moved, place_of
from soniquebay.library.search import index
from soniquebay.library.sessions import (
    add_failures,
    add_left_out,
    batch_files,
    close_batch,
    complete_if_done,
    mark_batch_unsent,
)
from soniquebay.library.track_rows import NewContent

log = logging.getLogger(__name__)


class UnknownBatchError(LookupError):
    """No batch with this id was ever registered."""


@dataclass(slots=True)
class InsertResult:
    """The result of inserting a batch, with its numbers of tracks and failures.

    `completed` if it was the last batch of its session.
    """

    applied: bool
    session_id: int
    completed: bool = False
    tracks: int = 0
    failures: int = 0


def apply_batch(db: sqlite3.Connection, batch_id: str, entities: Entities) -> InsertResult:
    """Insert a batch inside the caller's transaction, unless it was inserted before.

    Entities of another schema may have other fields. Their batch is marked as not sent, so its files are read again.
    Raises `UnknownBatchError`, and ``sqlite3.IntegrityError`` when the entities are inconsistent.
    """
    row = db.execute("SELECT session_id, done_at, files FROM batches WHERE id = ?", (batch_id,)).fetchone()
    if row is None:
        raise UnknownBatchError(f"batch {batch_id} was never registered")
    session_id = int(row["session_id"])
    if row["done_at"] is not None:
        log.info("batch %s was inserted before, so it is not inserted again", batch_id)
        return InsertResult(applied=False, session_id=session_id)
    if entities.get("schema") != ENTITIES_SCHEMA:
        mark_batch_unsent(db, batch_id)
        log.info("batch %s was queued by another release, its files are read again", batch_id)
        return InsertResult(applied=False, session_id=session_id)
    _write_tracks(db, entities, session_id)
    _add_failures(db, session_id, entities["failures"])
    # A known file without readable audio is missing until it is repaired. One that merely could not be read (its disk
    # was unplugged) keeps its track.
    unreadable = [failure["path"] for failure in entities["failures"] if failure.get("bad_content")]
    if unreadable:
        mark_missing(db, unreadable)
    unreadable_files.remember(db, batch_files(row["files"]), entities["failures"])
    close_batch(db, batch_id)
    completed = complete_if_done(db, session_id)
    return InsertResult(True, session_id, completed, len(entities["tracks"]), len(entities["failures"]))


def _add_failures(db: sqlite3.Connection, session_id: int, failures: Iterable[FailedFile]) -> None:
    """Add the failures of a batch to its session, and what it had no use for to what the session has left out."""
    failed = [failure for failure in failures if not failure.get("is_left_out")]
    add_failures(db, session_id, "extract", [f for f in failed if not f.get("is_companion")])
    add_failures(db, session_id, "extract", [f for f in failed if f.get("is_companion")], is_file=False)
    left_out = {failure["path"]: failure["reason"] for failure in failures if failure.get("is_left_out")}
    if left_out:
        add_left_out(
            db,
            session_id,
            [{"reason": reason, "files": 1, "folders": 0, "example": path} for path, reason in left_out.items()],
        )


def _write_tracks(db: sqlite3.Connection, entities: Entities, session_id: int) -> None:
    """Write the new, changed and moved tracks of a batch, and what follows from them for the catalogue."""
    tracks = entities["tracks"]
    started_at = db.execute("SELECT started_at FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()["started_at"]
    known = {(row["path"], row["part"]): row for row in _tracks_at_paths(db, tracks)}
    moved = match_moved(db, [t for t in tracks if place_of(t) not in known], session_id)
    (last_id,) = db.execute("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tracks'), 0)").fetchone()
    now = time.time()
    if started_at > now:
        # The clock was set back. What this session adds has to be newer than its start.
        started_at = now
        db.execute("UPDATE scan_sessions SET started_at = ? WHERE id = ?", (now, session_id))
    contents: dict[int, NewContent] = {}
    for track, track_tags in zip(tracks, track_tags_of(entities), strict=True):
        place = place_of(track)
        before = known.get(place) or moved.get(place)
        if before is None:
            last_id += 1
        has_same_audio = place in moved or _has_same_audio(before, track)
        contents[before["id"] if before else last_id] = NewContent(track, track_tags, before, has_same_audio)
    update = Update(db, now, started_at)
    places = set(map(place_of, tracks))
    superseded = _supersede(db, [row for place, row in known.items() if place not in places], now)
    present_before = [c.before for c in contents.values() if c.before is not None and c.before["missing_since"] is None]
    present_before += superseded
    for track_id, track_tags in stored_track_tags(db, present_before).items():
        update.remove(track_id, track_tags)
    for track_id, content in contents.items():
        album_before = content.before["album_id"] if content.before else None
        update.add(track_id, content.track_tags, is_new=content.before is None, album_before=album_before)
    changed = [i for i, content in contents.items() if content.before is not None]
    index.remove(db, changed + [row["id"] for row in superseded])
    catalogue = update.catalogue()
    track_rows.write(db, contents, catalogue, session_id, now)
    others = update.settle(contents.keys()) - contents.keys()
    genres.write(db, {track_id: content.track_tags.genres for track_id, content in contents.items()})
    index.remove(db, list(others))
    index.add(db, [*contents, *others])
    if superseded:
        genres.choose_names(db, [row["id"] for row in superseded])
    if moved:
        complete_moves(db, {row["path"]: path for (path, _), row in moved.items()})


def _supersede(db: sqlite3.Connection, rows: Iterable[sqlite3.Row], now: float) -> list[sqlite3.Row]:
    """Mark tracks as missing because their file is divided otherwise now; return those that were not missing."""
    rows = list(rows)
    db.executemany(
        "UPDATE tracks SET superseded = 1, missing_since = coalesce(missing_since, ?) WHERE id = ?",
        [(now, row["id"]) for row in rows],
    )
    return [row for row in rows if row["missing_since"] is None]


def _tracks_at_paths(db: sqlite3.Connection, tracks: list[TrackEntity]) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT t.path, t.id, t.album_id, t.missing_since, t.size, t.mtime_ns, t.part, t.start_seconds, "
        "t.stated_duration FROM json_each(?) j JOIN tracks t ON t.path = j.value",
        (json.dumps(list(dict.fromkeys(track["path"] for track in tracks))),),
    ).fetchall()


def _has_same_audio(row: sqlite3.Row | None, track: TrackEntity) -> bool:
    if row is None or (row["size"], row["mtime_ns"]) != (track["size"], track["mtime_ns"]):
        return False
    return not track["part"] or (row["start_seconds"], row["stated_duration"]) == (track["start"], track["duration"])
