"""Ratings: how much a user likes something, from 1 to 5."""

import sqlite3

MIN_RATING, MAX_RATING = 1, 5


def rate(db: sqlite3.Connection, user_id: int, item_id: int, rating: int, at: float) -> None:
    """Rate an item at a time (Unix seconds); 0 removes the rating. Raises ``ValueError`` for another number."""
    if not rating:
        db.execute("DELETE FROM ratings WHERE item_id = ? AND user_id = ?", (item_id, user_id))
        return
    if not MIN_RATING <= rating <= MAX_RATING:
        raise ValueError(f"a rating is from {MIN_RATING} to {MAX_RATING}, or 0 for none")
    db.execute(
        "INSERT INTO ratings (item_id, user_id, kind, rating, rated_at) "
        "SELECT id, ?, kind, ?, ? FROM items WHERE id = ? "
        "ON CONFLICT DO UPDATE SET rating = excluded.rating, rated_at = excluded.rated_at",
        (user_id, rating, at, item_id),
    )
