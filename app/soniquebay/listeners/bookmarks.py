"""Bookmarks: where a user goes on in a long track."""

import sqlite3
from typing import Any

MAX_BOOKMARKS_OF_USER = 5_000  # they are listed in one answer
MAX_COMMENT_CHARACTERS = 1_000


def save(  # noqa: PLR0917 - of one row
    db: sqlite3.Connection, user_id: int, item_id: int, position_ms: int, comment: str, at: float
) -> None:
    """Set the bookmark of a track at a time (Unix seconds); it has one a user.

    Raises ``ValueError`` when the user has `MAX_BOOKMARKS_OF_USER` others, or the comment is too long.
    """
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise ValueError(f"a comment has at most {MAX_COMMENT_CHARACTERS} characters")
    (others,) = db.execute(
        "SELECT count(*) FROM bookmarks WHERE user_id = ? AND item_id <> ?", (user_id, item_id)
    ).fetchone()
    if others >= MAX_BOOKMARKS_OF_USER:
        raise ValueError(f"a user has at most {MAX_BOOKMARKS_OF_USER} bookmarks: remove one first")
    db.execute(
        "INSERT INTO bookmarks (item_id, user_id, position_ms, comment, created_at, changed_at) "
        "VALUES (:item, :user, :position, :comment, :at, :at) ON CONFLICT DO UPDATE SET "
        "position_ms = excluded.position_ms, comment = excluded.comment, changed_at = excluded.changed_at",
        {"item": item_id, "user": user_id, "position": position_ms, "comment": comment, "at": at},
    )


def remove(db: sqlite3.Connection, user_id: int, item_id: int) -> bool:
    """Remove the bookmark of a track. Tell whether there was one."""
    done = db.execute("DELETE FROM bookmarks WHERE item_id = ? AND user_id = ?", (item_id, user_id))
    return done.rowcount > 0


def of_user(db: sqlite3.Connection, user_id: int) -> list[dict[str, Any]]:
    """Return a user's bookmarks, the last changed first."""
    rows = db.execute(
        "SELECT item_id, position_ms, comment, created_at, changed_at FROM bookmarks WHERE user_id = ? "
        "ORDER BY changed_at DESC, item_id DESC",
        (user_id,),
    )
    return [dict(row) for row in rows]
