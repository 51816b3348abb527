"""Marks: star, rating, play count and last play of a user for tracks, albums and artists; and lists in their order."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from soniquebay.library.browsing import cursors
from soniquebay.listeners.items import Kind

Sort = Literal["starred", "rated", "played", "most_played"]


@dataclass(frozen=True, slots=True)
class Marks:
    """What a user keeps of one item. Times are Unix seconds."""

    starred_at: float | None = None
    rating: int | None = None
    play_count: int = 0
    last_played_at: float | None = None


@dataclass(frozen=True, slots=True)
class MarkedPage:
    """The ids of the library on a page, and the cursor behind it (None at the end)."""

    ids: list[int]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Order:
    table: str
    index: str
    columns: tuple[str, ...]


_ORDERS: dict[Sort, _Order] = {
    "starred": _Order("stars", "stars_in_order", ("starred_at", "item_id")),
    "rated": _Order("ratings", "ratings_in_order", ("rating", "rated_at", "item_id")),
    "played": _Order("play_counts", "play_counts_by_time", ("last_played_at", "item_id")),
    "most_played": _Order("play_counts", "play_counts_by_count", ("play_count", "item_id")),
}
# What has only missing files is not listed, as in the lists of the library.
_PRESENT: dict[Kind, str] = {
    "track": "EXISTS (SELECT 1 FROM library.tracks t WHERE t.id = i.library_id AND t.missing_since IS NULL)",
    "album": "EXISTS (SELECT 1 FROM library.tracks t WHERE t.album_id = i.library_id AND t.missing_since IS NULL)",
    "artist": "(EXISTS (SELECT 1 FROM library.artist_roles r WHERE r.artist_id = i.library_id) OR EXISTS "
    "(SELECT 1 FROM library.album_artists c JOIN library.tracks t ON t.album_id = c.album_id "
    "WHERE c.artist_id = i.library_id AND t.missing_since IS NULL))",
}


def of_items(db: sqlite3.Connection, user_id: int, kind: Kind, library_ids: Sequence[int]) -> dict[int, Marks]:
    """Return a user's marks by the library's ids, in one query; what has none is left out."""
    rows = db.execute(
        "SELECT i.library_id, s.starred_at, r.rating, coalesce(p.play_count, 0), p.last_played_at FROM json_each(?1) j "
        "CROSS JOIN items i ON i.kind = ?2 AND i.library_id = j.value "
        "LEFT JOIN stars s ON s.item_id = i.id AND s.user_id = ?3 "
        "LEFT JOIN ratings r ON r.item_id = i.id AND r.user_id = ?3 "
        "LEFT JOIN play_counts p ON p.item_id = i.id AND p.user_id = ?3 "
        "WHERE coalesce(s.user_id, r.user_id, p.user_id) IS NOT NULL",
        (json.dumps(list(library_ids)), kind, user_id),
    )
    return {library_id: Marks(*values) for library_id, *values in rows}


def page(  # noqa: PLR0917 - of a query
    db: sqlite3.Connection,
    user_id: int,
    kind: Kind,
    sort: Sort,
    limit: int,
    offset: int = 0,
    cursor: str | None = None,
) -> MarkedPage:
    """Return a page of what a user has starred, rated or played; the newest, highest or most played first.

    Raises ``cursors.CursorError``.
    """
    order = _ORDERS[sort]
    list_identity = [user_id, kind, sort]
    columns = ", ".join(f"m.{name}" for name in order.columns)
    values = [user_id, kind]
    behind = ""
    if cursor is not None:
        after = cursors.decode(list_identity, cursor, [float] * len(order.columns))
        if None in after:
            raise cursors.CursorError(cursors.BROKEN)
        behind = f"AND ({columns}) < ({', '.join('?' * len(after))}) "
        values += after  # type: ignore[arg-type]
    rows = db.execute(
        f"SELECT i.library_id, {columns} FROM {order.table} m INDEXED BY {order.index} "
        f"CROSS JOIN items i ON i.id = m.item_id WHERE m.user_id = ? AND m.kind = ? {behind}AND {_PRESENT[kind]} "
        f"AND m.{order.columns[0]} IS NOT NULL "
        f"ORDER BY {', '.join(f'm.{name} DESC' for name in order.columns)} LIMIT ? OFFSET ?",
        (*values, limit + 1, offset),
    ).fetchall()
    has_more = len(rows) > limit
    rows = rows[:limit]
    return MarkedPage(
        [row["library_id"] for row in rows], cursors.encode(list_identity, tuple(rows[-1])[1:]) if has_more else None
    )


def most_played_of_artist(db: sqlite3.Connection, user_id: int, artist_id: int, limit: int) -> list[int]:
    """Return the ids of an artist's tracks that a user has played, the most played first."""
    rows = db.execute(
        "SELECT DISTINCT t.id, p.play_count, p.last_played_at FROM library.track_artists c "
        "CROSS JOIN library.tracks t ON t.id = c.track_id AND t.missing_since IS NULL "
        "CROSS JOIN items i ON i.kind = 'track' AND i.library_id = t.id "
        "CROSS JOIN play_counts p ON p.item_id = i.id AND p.user_id = ? "
        "WHERE c.artist_id = ? AND c.role = 'artist' ORDER BY p.play_count DESC, p.last_played_at DESC LIMIT ?",
        (user_id, artist_id, limit),
    )
    return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Entry:
    """A track of a playlist, a queue or another list of items, also where the library does not have it."""

    track_id: int | None
    """None: the library has no such track any more."""
    is_missing: bool
    """There is no file that could be played."""
    title: str
    artist: str | None
    album: str | None
    duration: float
    """Seconds."""
    path: str
    """Encoded."""


def entries(db: sqlite3.Connection, item_ids: Sequence[int]) -> list[Entry]:
    """Return entries for the items of tracks, in their order."""
    rows = db.execute(
        "SELECT i.id, t.id AS track_id, t.id IS NULL OR t.missing_since IS NOT NULL AS is_missing, i.title, i.artist, "
        "i.album, i.duration, coalesce(t.path, i.path) AS path "
        "FROM json_each(?) j CROSS JOIN items i ON i.id = j.value "
        "LEFT JOIN library.tracks t ON t.id = i.library_id",
        (json.dumps(list(dict.fromkeys(item_ids))),),
    )
    found = {row["id"]: _entry(row) for row in rows}
    return [found[item_id] for item_id in item_ids]


def track_entries(db: sqlite3.Connection, track_ids: Sequence[int]) -> list[Entry]:
    """Return entries for tracks of the library, in their order; those that are not there any more are left out."""
    rows = db.execute(
        "SELECT t.id, t.id AS track_id, t.missing_since IS NOT NULL AS is_missing, t.title, t.credit, b.title, "
        "t.duration, t.path FROM json_each(?) j CROSS JOIN library.tracks t ON t.id = j.value "
        "LEFT JOIN library.albums b ON b.id = t.album_id",
        (json.dumps(list(track_ids)),),
    )
    found = {row["id"]: _entry(row) for row in rows}
    return [found[track_id] for track_id in track_ids if track_id in found]


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(row["track_id"], bool(row["is_missing"]), *tuple(row)[3:])
