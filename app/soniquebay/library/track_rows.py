"""The rows of tracks: what is stored of the files of a batch, in `tracks` and `file_tags`."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from soniquebay.audio.reading import READER_VERSION
from soniquebay.library import covers, loudness
from soniquebay.library.catalogue.interpret import TrackTags, track_sort_key
from soniquebay.library.catalogue.track_credits import TrackCatalogue
from soniquebay.library.entities import TrackEntity

_COLUMNS = (
    "title", "artist_id", "credit", "album_id", "track_no", "disc_no", "disc_subtitle", "year", "date",
    "original_date", "duration", "format", "mbid", "has_picture", "path", "size", "mtime_ns", "fingerprint",
    "read_session_id", "normalised_album", "album_mbid", "reader_version", "sort_title", "part", "start_seconds",
    "companion_stamp", "stated_duration", "states_gain",
)  # fmt: skip
_INSERT = f"INSERT INTO tracks (id, added_at, {', '.join(_COLUMNS)}) VALUES (?, ?{', ?' * len(_COLUMNS)})"
# The audio of a changed file may differ, so it is analysed and measured again; its old vector and loudness are used
# until then. A file that was moved, or is read again with its stamp unchanged, has the same audio.
# Then a length that the analysis has measured stays, too.
_UPDATE = (
    f"UPDATE tracks SET {', '.join(f'{c} = :{c}' for c in _COLUMNS if c != 'duration')}, duration = CASE WHEN "
    ":has_same_audio AND stated_duration = :duration THEN duration ELSE :duration END, "
    "missing_since = NULL, superseded = 0, "
    "analysed = analysed AND :has_same_audio, measured = measured AND :has_same_audio, "
    "retry_later = retry_later AND :has_same_audio WHERE id = :id"
)


@dataclass(slots=True)
class NewContent:
    """A file of a batch, and the track that it had before: None for a new one."""

    track: TrackEntity
    track_tags: TrackTags
    before: sqlite3.Row | None
    has_same_audio: bool


def write(
    db: sqlite3.Connection,
    contents: Mapping[int, NewContent],
    catalogue: Mapping[int, TrackCatalogue],
    session_id: int,
    now: float,
) -> None:
    """Insert and update the tracks of a batch, and store what their files say.

    `contents` and `catalogue` are by track id. `now`: Unix seconds.
    """
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


def _write_file_tags(db: sqlite3.Connection, contents: Mapping[int, NewContent]) -> None:
    # A plain insert is much cheaper than one that may replace.
    for sql, is_new in (("INSERT", True), ("INSERT OR REPLACE", False)):
        rows = [
            (i, c.track["tags"], c.track["sound"], c.track["doubtful_text"])
            for i, c in contents.items()
            if (c.before is None) == is_new
        ]
        if rows:
            db.executemany(f"{sql} INTO file_tags (track_id, tags, sound, doubtful_text) VALUES (?, ?, ?, ?)", rows)


def _row(content: NewContent, catalogue: TrackCatalogue, session_id: int) -> tuple[Any, ...]:
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
        loudness.states_gain(track["tags"]),
    )


def _update_tracks(db: sqlite3.Connection, updates: list[dict[str, Any]]) -> None:
    db.executemany(_UPDATE, updates)
    # The old content had no vector for a reason that need not apply to the new content.
    changed = [v["id"] for v in updates if not v["has_same_audio"]]
    db.executemany("DELETE FROM vectors WHERE track_id = ? AND data IS NULL", [(i,) for i in changed])
    loudness.forget_failures(db, changed)
    # A changed file may have got a picture.
    albums = {v["album_id"] for v in updates if v["album_id"] is not None}
    db.executemany("UPDATE albums SET cover_checked = 0 WHERE id = ?", [(album,) for album in albums])
