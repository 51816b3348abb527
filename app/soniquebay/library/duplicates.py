"""Tracks that sound like one recording: their groups in the database, and lists of them."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library import queries
from soniquebay.library.browsing import cursors
from soniquebay.library.queries import Page, Row
from soniquebay.library.similarity import vectors
from soniquebay.sqlite import plain_cursor

RULES_VERSION = 1  # raise it when `similarity/recordings.py` finds other groups: the library is then compared again

_LIST_IDENTITY = ("duplicates",)
# A group of which only one file is there is no longer one.
_GROUPS = (
    "SELECT d.recording FROM duplicates d JOIN tracks t ON t.id = d.track_id AND t.missing_since IS NULL "
    "WHERE d.recording > ? GROUP BY d.recording HAVING count(*) > 1"
)


@dataclass(frozen=True, slots=True)
class State:
    """What the groups were made from."""

    stored: int
    """Vectors that were ever stored."""
    is_outdated: bool
    """Vectors were stored since the library was compared last, or the rules were others."""


def state(db: sqlite3.Connection) -> State:
    """Return what the groups were made from."""
    row = db.execute("SELECT stored, compared, feature_version, rules_version FROM duplicate_state").fetchone()
    versions = (row["feature_version"], row["rules_version"])
    is_outdated = row["stored"] != row["compared"] or versions != (FEATURE_VERSION, RULES_VERSION)
    return State(row["stored"], is_outdated)


def is_to_compare(db: sqlite3.Connection) -> bool:
    """Return whether the library is to be compared again."""
    return state(db).is_outdated and vectors.has_vectors(db)


def replace(
    db: sqlite3.Connection, groups: Iterable[Sequence[int]], stored: int, feature_version: int, rules_version: int
) -> int:
    """Replace all groups, each the ids of its tracks; return how many tracks changed their group.

    `stored` is what `state` returned before the vectors were read. Tracks that are gone are skipped.
    """
    new = {track_id: number for group in groups for number in (min(group),) for track_id in group}
    old = dict(plain_cursor(db).execute("SELECT track_id, recording FROM duplicates"))
    left = [(track_id,) for track_id in old if track_id not in new]
    # Only what differs is written: the whole is compared again and again while tracks are analysed.
    changed = [(track_id, number) for track_id, number in new.items() if old.get(track_id) != number]
    db.executemany("DELETE FROM duplicates WHERE track_id = ?", left)
    written = db.executemany(
        "INSERT OR REPLACE INTO duplicates (track_id, recording) SELECT id, ?2 FROM tracks WHERE id = ?1", changed
    )
    db.execute(
        "UPDATE duplicate_state SET compared = ?, feature_version = ?, rules_version = ?",
        (stored, feature_version, rules_version),
    )
    return len(left) + written.rowcount


def count(db: sqlite3.Connection) -> int:
    """Return the number of groups."""
    return int(db.execute(f"SELECT count(*) FROM ({_GROUPS})", (0,)).fetchone()[0])


def page(db: sqlite3.Connection, limit: int, offset: int, cursor: str | None, *, is_counted: bool) -> Page:
    """Return a page of the groups in the order of their numbers: each with `recording` and its `tracks`.

    The tracks are those that are not missing: lossless ones first, then those of the higher bit rate. Raises
    `cursors.CursorError`.
    """
    after = 0
    if cursor is not None:
        (key,) = cursors.decode(_LIST_IDENTITY, cursor, [int])
        if not isinstance(key, int):
            raise cursors.CursorError(cursors.BROKEN)
        after = key
    rows = db.execute(f"{_GROUPS} ORDER BY d.recording LIMIT ? OFFSET ?", (after, limit + 1, offset)).fetchall()
    numbers = [row["recording"] for row in rows[:limit]]
    following = cursors.encode(_LIST_IDENTITY, (numbers[-1],)) if len(rows) > limit else None
    return Page(_with_tracks(db, numbers), count(db) if is_counted else None, following)


def _with_tracks(db: sqlite3.Connection, numbers: Sequence[int]) -> list[Row]:
    rows = db.execute(
        "SELECT t.id, d.recording, t.size, coalesce(f.sound, '{}') AS sound FROM json_each(?) j "
        "CROSS JOIN duplicates d ON d.recording = j.value "
        "JOIN tracks t ON t.id = d.track_id AND t.missing_since IS NULL LEFT JOIN file_tags f ON f.track_id = t.id",
        (json.dumps(list(numbers)),),
    ).fetchall()
    tracks = {track["id"]: track for track in queries.tracks_by_id(db, [row["id"] for row in rows])}
    groups: dict[int, list[Row]] = {number: [] for number in numbers}
    for row in rows:
        track = {**tracks[row["id"]], "size": row["size"], "sound": json.loads(row["sound"])}
        groups[row["recording"]].append(track)
    for group in groups.values():
        group.sort(key=_quality)
    return [{"recording": number, "tracks": group} for number, group in groups.items()]


def _quality(track: Row) -> tuple[bool, float, int]:
    """Return the place of a track in its group: only lossless codecs state the bits of a sample."""
    sound = track["sound"]
    return not sound.get("bit_depth"), -(sound.get("bit_rate") or 0), track["id"]
