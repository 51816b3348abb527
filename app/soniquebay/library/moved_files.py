"""Moved files: recognising them, and giving their tracks the new place."""

import json
import sqlite3
import time
from collections.abc import Mapping

from soniquebay.library import genres
from soniquebay.library.catalogue import state
from soniquebay.library.catalogue.interpret import interpret
from soniquebay.library.catalogue.stored_tags import stored_track_tags
from soniquebay.library.catalogue.update import Update
from soniquebay.library.entities import TrackEntity
from soniquebay.library.search import index

Place = tuple[str, int]  # encoded path, and part

_MAX_DURATION_DIFFERENCE_SECONDS = 0.05  # between a file and its retagged self
_MOVED_COLUMNS = (
    "path", "size", "mtime_ns", "title", "track_no", "disc_no", "disc_subtitle", "year", "date", "original_date",
    "read_session_id", "normalised_album", "album_mbid", "reader_version", "sort_title", "part", "start_seconds",
    "superseded", "companion_stamp",
)  # fmt: skip


def place_of(track: TrackEntity) -> Place:
    """Return where a track lies."""
    return track["path"], track["part"]


def match_moved(db: sqlite3.Connection, tracks: list[TrackEntity], session_id: int) -> dict[Place, sqlite3.Row]:
    """Return by new place the missing or unseen tracks whose files moved there, and count them as moved."""
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
    moved: dict[Place, sqlite3.Row] = {}
    for track in tracks if candidates else ():
        matches = [row for row in candidates if _is_same_file(row, track)]
        if matches:
            # Of several identical files, prefer the one with the same file name.
            name = track["path"].rpartition("/")[2]
            best = next((row for row in matches if row["path"].rpartition("/")[2] == name), matches[0])
            candidates.remove(best)
            moved[place_of(track)] = best
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


def move_track(db: sqlite3.Connection, old: sqlite3.Row, new: sqlite3.Row) -> None:
    """Give the track `old` the file of the track `new` (whole rows), and delete that one."""
    now = time.time()
    update = Update(db, now, now)
    said = db.execute("SELECT tags, sound, doubtful_text FROM file_tags WHERE track_id = ?", (new["id"],)).fetchone()
    track_tags = interpret(json.loads(said["tags"]), new["path"], state.artist_joins(db))
    if old["missing_since"] is None:
        for track_id, old_tags in stored_track_tags(db, [old]).items():
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
    changed = update.apply()
    genres.write(db, {old["id"]: track_tags.genres})
    index.reindex(db, [*(changed | {old["id"]})])


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
