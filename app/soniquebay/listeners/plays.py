"""Plays: how often and when a user has heard a track, and with it its album and artists."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from soniquebay.listeners import scrobbles
from soniquebay.listeners.heard import Heard, read_heard
from soniquebay.listeners.items import Item, get_or_add, read, read_known

MAX_PLAYS_OF_USER = 200_000  # single ones, 6 MB; 50 a day for 11 years. The counts of older ones stay
MAX_CLIENT_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Played:
    """A track that was played."""

    items: list[Item]
    """What the play counts for: the track, its album and its artists."""
    heard: Heard | None = None
    """What other services are told of it."""


def read_played(db: sqlite3.Connection, track_id: int) -> Played:
    """Return a track of the library that was played, from a reader. Raises ``items.UnknownItemError``."""
    track = read(db, "track", [track_id])
    albums = db.execute("SELECT album_id FROM library.tracks WHERE id = ? AND album_id IS NOT NULL", (track_id,))
    artists = db.execute(
        "SELECT DISTINCT artist_id FROM library.track_artists WHERE track_id = ? AND role = 'artist'", (track_id,)
    )
    album_items = read_known(db, "album", [row["album_id"] for row in albums])
    artist_items = read_known(db, "artist", [row["artist_id"] for row in artists])
    return Played([*track, *album_items.values(), *artist_items.values()], read_heard(db, track_id))


def record(db: sqlite3.Connection, user_id: int, played: Played, at: float, client: str) -> bool:
    """Record a play at a time (Unix seconds), also for the services that are told of it.

    Return False if it is recorded already: clients that got no answer send a play again.
    """
    item_ids = get_or_add(db, played.items)
    client = "".join(c for c in client if c.isprintable())[:MAX_CLIENT_CHARACTERS]
    done = db.execute(
        "INSERT INTO plays (user_id, played_at, item_id, client) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (user_id, at, item_ids[0], client),
    )
    if not done.rowcount:
        return False
    db.executemany(
        "INSERT INTO play_counts (item_id, user_id, kind, play_count, last_played_at) "
        "SELECT id, ?, kind, 1, ? FROM items WHERE id = ? "
        "ON CONFLICT DO UPDATE SET play_count = play_count + 1, "
        "last_played_at = coalesce(max(last_played_at, excluded.last_played_at), excluded.last_played_at)",
        [(user_id, at, item_id) for item_id in item_ids],
    )
    scrobbles.add(db, user_id, played.heard, at)
    return True


def recent(db: sqlite3.Connection, user_id: int, limit: int, before: float | None = None) -> list[dict[str, Any]]:
    """Return the newest plays before a time (Unix seconds): `item_id`, `played_at` and `client`."""
    rows = db.execute(
        "SELECT item_id, played_at, client FROM plays WHERE user_id = ? AND played_at < ? "
        "ORDER BY played_at DESC, item_id DESC LIMIT ?",
        (user_id, float("inf") if before is None else before, limit),
    )
    return [dict(row) for row in rows]


def forget_old(db: sqlite3.Connection) -> None:
    """Delete the oldest single plays of users who have more than `MAX_PLAYS_OF_USER`."""
    for row in db.execute("SELECT id FROM users").fetchall():
        db.execute(
            "DELETE FROM plays WHERE user_id = ?1 AND played_at <= "
            "(SELECT played_at FROM plays WHERE user_id = ?1 ORDER BY played_at DESC LIMIT 1 OFFSET ?2)",
            (row["id"], MAX_PLAYS_OF_USER),
        )
