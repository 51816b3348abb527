"""Tracks whose files are gone: they become missing, return with their files, or are deleted for good."""

import json
import sqlite3
import time
from collections.abc import Iterable

from soniquebay.library import clock, genres, loudness
from soniquebay.library.catalogue.stored_tags import stored_track_tags
from soniquebay.library.catalogue.update import Update
from soniquebay.library.search import index


def mark_missing(db: sqlite3.Connection, paths: Iterable[str]) -> int:
    """Mark the tracks of encoded paths as missing, and return how many; they keep their ids and vectors."""
    # Never long ago because the clock is: how long a track is missing decides whether a purge deletes it.
    now = max(time.time(), clock.newest_known(db))
    rows = db.execute(
        "UPDATE tracks SET missing_since = ? WHERE missing_since IS NULL "
        "AND path IN (SELECT value FROM json_each(?)) RETURNING id, path",
        (now, json.dumps(list(paths))),
    ).fetchall()
    index.remove(db, [row["id"] for row in rows])
    update = Update(db, now, now)
    for track_id, track_tags in stored_track_tags(db, rows).items():
        update.remove(track_id, track_tags)
    index.reindex(db, [*update.apply()])
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
    for track_id, track_tags in stored_track_tags(db, rows).items():
        update.add(track_id, track_tags, is_new=False, album_before=albums[track_id])
    changed = update.apply()
    genres.choose_names(db, list(albums))
    index.reindex(db, [*(changed | albums.keys())])
    retried = db.execute(
        "UPDATE tracks SET retry_later = 0 WHERE retry_later AND path IN (SELECT value FROM json_each(?)) "
        "RETURNING id, album_id",
        (paths_json,),
    ).fetchall()
    db.executemany("DELETE FROM vectors WHERE track_id = ? AND data IS NULL", [(row["id"],) for row in retried])
    loudness.forget_failures(db, [row["id"] for row in retried])
    checked_again = {row["album_id"] for row in retried}
    db.executemany(
        "UPDATE albums SET cover_checked = 0 WHERE id = ? AND cover_sha256 IS NULL", [(a,) for a in checked_again]
    )
    return len(rows)


def delete_tracks(db: sqlite3.Connection, tracks: Iterable[sqlite3.Row]) -> None:
    """Delete tracks (rows with id, path, album_id, missing_since) with all that belongs to them alone."""
    rows = list(tracks)
    ids = [row["id"] for row in rows]
    now = time.time()
    update = Update(db, now, now)
    present = [row for row in rows if row["missing_since"] is None]
    for track_id, track_tags in stored_track_tags(db, present).items():
        update.remove(track_id, track_tags)
    update.forget(ids)
    index.remove(db, ids)
    genres.forget(db, ids)
    db.execute("DELETE FROM tracks WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))
    index.reindex(db, [*update.apply()])
