"""The play queue of each user, which the user's next device goes on with."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from soniquebay.listeners.entry_table import EntryTable

MAX_ENTRIES = 20_000  # as many as a playlist has, so that one can be played
MAX_CLIENT_CHARACTERS = 64
ENTRIES = EntryTable("play_queue_entries", "user_id")


@dataclass(frozen=True, slots=True)
class PlayQueue:
    """A saved queue without its entries."""

    position: int
    """Of the entry that is played, from 0."""
    position_ms: int
    """Where in that entry."""
    changed_by: str
    changed_at: float
    """Unix seconds."""


def save(  # noqa: PLR0917 - of one row
    db: sqlite3.Connection,
    user_id: int,
    item_ids: Sequence[int],
    position: int,
    position_ms: int,
    client: str,
    at: float,
) -> None:
    """Replace a user's queue at a time (Unix seconds).

    Raises ``ValueError`` for more than `MAX_ENTRIES`, and for a position that is that of no entry; that of an empty
    queue is 0.
    """
    if len(item_ids) > MAX_ENTRIES:
        raise ValueError(f"a play queue has at most {MAX_ENTRIES} entries")
    if not 0 <= position < max(len(item_ids), 1):
        raise ValueError(f"there is no entry at position {position}")
    client = "".join(c for c in client if c.isprintable())[:MAX_CLIENT_CHARACTERS]
    db.execute(
        "INSERT INTO play_queues (user_id, position, position_ms, changed_by, changed_at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET position = excluded.position, position_ms = excluded.position_ms, "
        "changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        (user_id, position, position_ms, client, at),
    )
    ENTRIES.write(db, user_id, item_ids)


def find(db: sqlite3.Connection, user_id: int) -> PlayQueue | None:
    """Return a user's queue; None if none was saved."""
    row = db.execute(
        "SELECT position, position_ms, changed_by, changed_at FROM play_queues WHERE user_id = ?", (user_id,)
    ).fetchone()
    return row and PlayQueue(*row)
