"""Stars: what a user likes."""

import sqlite3
from collections.abc import Iterable


def add(db: sqlite3.Connection, user_id: int, item_ids: Iterable[int], at: float) -> None:
    """Give items a star at a time (Unix seconds). One that has a star keeps its time."""
    db.executemany(
        "INSERT INTO stars (item_id, user_id, kind, starred_at) SELECT id, ?, kind, ? FROM items WHERE id = ? "
        "ON CONFLICT DO NOTHING",
        [(user_id, at, item_id) for item_id in item_ids],
    )


def remove(db: sqlite3.Connection, user_id: int, item_ids: Iterable[int]) -> None:
    """Take the stars of items away."""
    db.executemany("DELETE FROM stars WHERE item_id = ? AND user_id = ?", [(item_id, user_id) for item_id in item_ids])
