"""Inserting batches into the library: each in one transaction, and only once however often it is delivered."""

import json
import logging
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from soniquebay.audio.reading import READER_VERSION
from soniquebay.library import covers, genres
from soniquebay.library.catalogue import state
from soniquebay.library.catalogue.interpret import TrackTags, interpret, track_sort_key
from soniquebay.library.catalogue.message import track_tags_of
from soniquebay.library.catalogue.track_credits import TrackCatalogue
from soniquebay.library.catalogue.update import Update
from soniquebay.library.entities import ENTITIES_SCHEMA, Entities, FailedFile, TrackEntity
from soniquebay.library.search import index
from soniquebay.library.sessions import add_failures, add_left_out, close_batch, complete_if_done, mark_batch_unsent

log = logging.getLogger(__name__)

_MAX_DURATION_DIFFERENCE_SECONDS = 0.05  # between a file and its retagged self


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
    row = db.execute("SELECT session_id, done_at FROM batches WHERE id = ?", (batch_id,)).fetchone()
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


def mark_missing(db: sqlite3.Connection, paths: Iterable[str]) -> int:
    """Mark the tracks of encoded paths as missing, and return how many; they keep their ids and vectors."""
    now = time.time()
    rows = db.execute(
        "UPDATE tracks SET missing_since = ? WHERE missing_since IS NULL "
        "AND path IN (SELECT value FROM json_each(?)) RETURNING id, path",
        (now, json.dumps(list(paths))),
    ).fetchall()
    index.remove(db, [row["id"] for row in rows])
    update = Update(db, now, now)
    for track_id, track_tags in _stored_track_tags(db, rows).items():
        update.remove(track_id, track_tags)
    index.reindex(db, [*_finish(db, update, {})])
    genres.choose_names(db, [row["id"] for row in rows])
    return len(rows)


def mark_returned(db: sqlite3.Connection, paths: Iterable[str]) -> int:
    """Mark the tracks of encoded paths as no longer missing, and return how many were.

    What failed because a file was unavailable is retried.
    """
    paths_json = json.dumps(list(paths))
    rows = db.execute(
        "UPDATE tracks SET missing_since = NULL WHERE missing_since IS NOT NULL AND NOT superseded "
        "AND path IN (SELECT value FROM json_each(?)) RETURNING id, path, album_id",
        (paths_json,),
    ).fetchall()
    now = time.time()
    update = Update(db, now, now)
    albums = {row["id"]: row["album_id"] for row in rows}
    for track_id, track_tags in _stored_track_tags(db, rows).items():
        update.add(track_id, track_tags, is_new=False, album_before=albums[track_id])
    changed = _finish(db, update, {})
    genres.choose_names(db, list(albums))
    index.reindex(db, [*(changed | albums.keys())])
    retried = db.execute(
        "UPDATE tracks SET retry_later = 0 WHERE retry_later AND path IN (SELECT value FROM json_each(?)) "
        "RETURNING id, album_id",
        (paths_json,),
    ).fetchall()
    db.executemany("DELETE FROM vectors WHERE track_id = ? AND data IS NULL", [(row["id"],) for row in retried])
    checked_again = {row["album_id"] for row in retried}
    db.executemany(
        "UPDATE albums SET cover_checked = 0 WHERE id = ? AND cover_sha256 IS NULL", [(a,) for a in checked_again]
    )
    return len(rows)


def _stored_track_tags(
    db: sqlite3.Connection, tracks: Iterable[sqlite3.Row | Mapping[str, Any]]
) -> dict[int, TrackTags]:
    """Interpret the stored tags of tracks, which have ``id`` and ``path``."""
    paths = {track["id"]: track["path"] for track in tracks}
    rows = db.execute(
        "SELECT f.track_id, f.tags FROM json_each(?) j JOIN file_tags f ON f.track_id = j.value",
        (json.dumps(list(paths)),),
    )
    joins = state.artist_joins(db)
    return {row["track_id"]: interpret(json.loads(row["tags"]), paths[row["track_id"]], joins) for row in rows}


_COLUMNS = (
    "title", "artist_id", "credit", "album_id", "track_no", "disc_no", "disc_subtitle", "year", "date",
    "original_date", "duration", "format", "mbid", "has_picture", "path", "size", "mtime_ns", "fingerprint",
    "read_session_id", "normalised_album", "album_mbid", "reader_version", "sort_title", "part", "start_seconds",
    "companion_stamp", "stated_duration",
)  # fmt: skip
_INSERT = f"INSERT INTO tracks (id, added_at, {', '.join(_COLUMNS)}) VALUES (?, ?{', ?' * len(_COLUMNS)})"
# The audio of a changed file may differ, so it is analysed again; its old vector is used until then. A file that was
# moved, or is read again with its stamp unchanged, has the same audio.
# Then a length that the analysis has measured stays, too.
_UPDATE = (
    f"UPDATE tracks SET {', '.join(f'{c} = :{c}' for c in _COLUMNS if c != 'duration')}, duration = CASE WHEN "
    ":has_same_audio AND stated_duration = :duration THEN duration ELSE :duration END, "
    "missing_since = NULL, superseded = 0, "
    "analysed = analysed AND :has_same_audio, retry_later = retry_later AND :has_same_audio WHERE id = :id"
)


@dataclass(slots=True)
class _NewContent:
    """A file of a batch, and the track that it had before: None for a new one."""

    track: TrackEntity
    track_tags: TrackTags
    before: sqlite3.Row | None
    has_same_audio: bool


def _write_tracks(db: sqlite3.Connection, entities: Entities, session_id: int) -> None:
    """Write the new, changed and moved tracks of a batch, and what follows from them for the catalogue."""
    tracks = entities["tracks"]
    started_at = db.execute("SELECT started_at FROM scan_sessions WHERE id = ?", (session_id,)).fetchone()["started_at"]
    known = {(row["path"], row["part"]): row for row in _tracks_at_paths(db, tracks)}
    moved = _match_moved(db, [t for t in tracks if _place(t) not in known], session_id)
    (last_id,) = db.execute("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tracks'), 0)").fetchone()
    now = time.time()
    contents: dict[int, _NewContent] = {}
    for track, track_tags in zip(tracks, track_tags_of(entities), strict=True):
        place = _place(track)
        before = known.get(place) or moved.get(place)
        if before is None:
            last_id += 1
        has_same_audio = place in moved or _has_same_audio(before, track)
        contents[before["id"] if before else last_id] = _NewContent(track, track_tags, before, has_same_audio)
    update = Update(db, now, started_at)
    places = set(map(_place, tracks))
    superseded = _supersede(db, [row for place, row in known.items() if place not in places], now)
    present_before = [c.before for c in contents.values() if c.before is not None and c.before["missing_since"] is None]
    present_before += superseded
    for track_id, track_tags in _stored_track_tags(db, present_before).items():
        update.remove(track_id, track_tags)
    for track_id, content in contents.items():
        album_before = content.before["album_id"] if content.before else None
        update.add(track_id, content.track_tags, is_new=content.before is None, album_before=album_before)
    changed = [i for i, content in contents.items() if content.before is not None]
    index.remove(db, changed + [row["id"] for row in superseded])
    others = _finish(db, update, contents, session_id, now)
    genres.write(db, {track_id: content.track_tags.genres for track_id, content in contents.items()})
    index.remove(db, list(others))
    index.add(db, [*contents, *others])
    if superseded:
        genres.choose_names(db, [row["id"] for row in superseded])
    if moved:
        complete_moves(db, {row["path"]: path for (path, _), row in moved.items()})


def _place(track: TrackEntity) -> tuple[str, int]:
    return track["path"], track["part"]


def _supersede(db: sqlite3.Connection, rows: Iterable[sqlite3.Row], now: float) -> list[sqlite3.Row]:
    """Mark tracks as missing because their file is divided otherwise now; return those that were not missing."""
    rows = list(rows)
    db.executemany(
        "UPDATE tracks SET superseded = 1, missing_since = coalesce(missing_since, ?) WHERE id = ?",
        [(now, row["id"]) for row in rows],
    )
    return [row for row in rows if row["missing_since"] is None]


def complete_moves(db: sqlite3.Connection, moves: Mapping[str, str]) -> None:
    """Complete the moves of files, by old path, from which every track has moved away: they are no longer unseen.

    What the file was before it was divided otherwise goes with it.
    """
    all_moved = "NOT EXISTS (SELECT 1 FROM tracks WHERE path = ?1 AND missing_since IS NULL)"
    for old, new in moves.items():
        db.execute(f"DELETE FROM unseen WHERE path = ?1 AND {all_moved}", (old,))
        db.execute(
            f"UPDATE OR IGNORE tracks SET path = ?2 WHERE path = ?1 AND superseded = 1 AND {all_moved}", (old, new)
        )


def _finish(
    db: sqlite3.Connection,
    update: Update,
    contents: Mapping[int, _NewContent],
    session_id: int | None = None,
    now: float = 0.0,
) -> set[int]:
    """Write what an update of the catalogue changes; `contents` are the tracks whose files were read.

    Return the other tracks whose text has changed: the caller indexes all of them.
    """
    catalogue = update.catalogue()
    inserts: list[tuple[Any, ...]] = []
    updates: list[dict[str, Any]] = []
    for track_id, content in contents.items():
        row = _row(content, catalogue[track_id], session_id)
        if content.before is None:
            inserts.append((track_id, now, *row))
        else:
            values = dict(zip(_COLUMNS, row, strict=True))
            updates.append({**values, "id": track_id, "has_same_audio": content.has_same_audio})
    if inserts:
        db.executemany(_INSERT, inserts)
        covers.request_for_new_tracks(db, [row[0] for row in inserts])
    if updates:
        _update_tracks(db, updates)
    _write_file_tags(db, contents)
    return update.settle(contents.keys()) - contents.keys()


def _write_file_tags(db: sqlite3.Connection, contents: Mapping[int, _NewContent]) -> None:
    # A plain insert is much cheaper than one that may replace.
    for sql, is_new in (("INSERT", True), ("INSERT OR REPLACE", False)):
        rows = [
            (i, c.track["tags"], c.track["sound"], c.track["doubtful_text"])
            for i, c in contents.items()
            if (c.before is None) == is_new
        ]
        if rows:
            db.executemany(f"{sql} INTO file_tags (track_id, tags, sound, doubtful_text) VALUES (?, ?, ?, ?)", rows)


def _row(content: _NewContent, catalogue: TrackCatalogue, session_id: int | None) -> tuple[Any, ...]:
    """Return the values of `_COLUMNS`."""
    track, track_tags = content.track, content.track_tags
    return (
        track_tags.title,
        catalogue.artist_id,
        catalogue.credit,
        catalogue.album_id,
        track_tags.track_no,
        track_tags.disc_no,
        track_tags.disc_subtitle or None,
        catalogue.year,
        track_tags.date,
        track_tags.original_date,
        track["duration"],
        track["format"],
        track_tags.mbid,
        track["has_picture"],
        track["path"],
        track["size"],
        track["mtime_ns"],
        track["fingerprint"],
        session_id,
        track_tags.normalised_album,
        track_tags.album_mbid or None,
        READER_VERSION,
        track_sort_key(track_tags),
        track["part"],
        track["start"],
        track.get("companion_stamp", 0),
        track["duration"],
    )


def _update_tracks(db: sqlite3.Connection, updates: list[dict[str, Any]]) -> None:
    db.executemany(_UPDATE, updates)
    # The old content had no vector for a reason that need not apply to the new content.
    db.executemany(
        "DELETE FROM vectors WHERE track_id = ? AND data IS NULL",
        [(v["id"],) for v in updates if not v["has_same_audio"]],
    )
    # A changed file may have got a picture.
    albums = {v["album_id"] for v in updates if v["album_id"] is not None}
    db.executemany("UPDATE albums SET cover_checked = 0 WHERE id = ?", [(album,) for album in albums])


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


def _match_moved(
    db: sqlite3.Connection, tracks: list[TrackEntity], session_id: int
) -> dict[tuple[str, int], sqlite3.Row]:
    """Return by new path and part the missing or unseen tracks whose files moved there, and count them as moved."""
    columns = "t.id, t.path, t.album_id, t.fingerprint, t.mbid, t.format, t.stated_duration, t.missing_since"
    candidates = db.execute(
        f"SELECT {columns} FROM json_each(?2) j JOIN tracks t ON t.fingerprint = j.value "
        "WHERE (t.missing_since IS NOT NULL AND NOT t.superseded) OR EXISTS "
        "(SELECT 1 FROM unseen u WHERE u.path = t.path AND u.session_id = ?1) "
        f"UNION SELECT {columns} FROM json_each(?3) j JOIN tracks t INDEXED BY tracks_missing ON t.mbid = j.value "
        "WHERE t.missing_since IS NOT NULL AND NOT t.superseded",
        (
            session_id,
            json.dumps([track["fingerprint"] for track in tracks]),
            json.dumps([mbid for track in tracks if (mbid := track["mbid"])]),
        ),
    ).fetchall()
    moved: dict[tuple[str, int], sqlite3.Row] = {}
    for track in tracks if candidates else ():
        matches = [row for row in candidates if _is_same_file(row, track)]
        if matches:
            # Of several identical files, prefer the one with the same file name.
            name = track["path"].rpartition("/")[2]
            best = next((row for row in matches if row["path"].rpartition("/")[2] == name), matches[0])
            candidates.remove(best)
            moved[_place(track)] = best
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
        and abs(row["stated_duration"] - track["duration"]) < _MAX_DURATION_DIFFERENCE_SECONDS
    )


def delete_tracks(db: sqlite3.Connection, tracks: Iterable[sqlite3.Row]) -> None:
    """Delete tracks (rows with id, path, album_id, missing_since) with all that belongs to them alone."""
    rows = list(tracks)
    ids = [row["id"] for row in rows]
    now = time.time()
    update = Update(db, now, now)
    present = [row for row in rows if row["missing_since"] is None]
    for track_id, track_tags in _stored_track_tags(db, present).items():
        update.remove(track_id, track_tags)
    update.forget(ids)
    index.remove(db, ids)
    genres.forget(db, ids)
    db.execute("DELETE FROM tracks WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))
    index.reindex(db, [*_finish(db, update, {})])


_MOVED_COLUMNS = (
    "path", "size", "mtime_ns", "title", "track_no", "disc_no", "disc_subtitle", "year", "date", "original_date",
    "read_session_id", "normalised_album", "album_mbid", "reader_version", "sort_title", "part", "start_seconds",
    "superseded", "companion_stamp",
)  # fmt: skip


def move_track(db: sqlite3.Connection, old: sqlite3.Row, new: sqlite3.Row) -> None:
    """Give the track `old` the file of the track `new` (whole rows), and delete that one."""
    now = time.time()
    update = Update(db, now, now)
    said = db.execute("SELECT tags, sound, doubtful_text FROM file_tags WHERE track_id = ?", (new["id"],)).fetchone()
    track_tags = interpret(json.loads(said["tags"]), new["path"], state.artist_joins(db))
    if old["missing_since"] is None:
        for track_id, old_tags in _stored_track_tags(db, [old]).items():
            update.remove(track_id, old_tags)
    update.remove(new["id"], track_tags)
    update.forget([new["id"]])
    index.remove(db, [old["id"], new["id"]])
    genres.forget(db, [new["id"]])
    db.execute("DELETE FROM tracks WHERE id = ?", (new["id"],))
    db.execute(
        f"UPDATE tracks SET {', '.join(f'{c} = :{c}' for c in _MOVED_COLUMNS)}, missing_since = NULL WHERE id = :id",
        {**{c: new[c] for c in _MOVED_COLUMNS}, "id": old["id"]},
    )
    db.execute(
        "INSERT OR REPLACE INTO file_tags (track_id, tags, sound, doubtful_text) VALUES (?, ?, ?, ?)",
        (old["id"], said["tags"], said["sound"], said["doubtful_text"]),
    )
    update.add(old["id"], track_tags, is_new=False, album_before=old["album_id"])
    changed = _finish(db, update, {})
    genres.write(db, {old["id"]: track_tags.genres})
    index.reindex(db, [*(changed | {old["id"]})])
