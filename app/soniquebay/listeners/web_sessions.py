"""Sessions of browsers that have signed in."""

import hashlib
import secrets
import sqlite3
import time
from typing import Any

LIFETIME_SECONDS = 90 * 86400.0  # since it was last used
USE_NOTE_INTERVAL_SECONDS = 86400.0  # between two notes that a session is used; each is a write to the card
MAX_SESSIONS_OF_USER = 50
MAX_BROWSER_CHARACTERS = 200
MAX_KNOWN_ADDRESSES = 50


def begin(db: sqlite3.Connection, user_id: int, address: str, browser: str) -> str:
    """Begin a session of a user, and return its token. The oldest sessions beyond `MAX_SESSIONS_OF_USER` end.

    Those that are too old are not deleted: a clock that is wrong for a moment would end all.
    """
    token, now = secrets.token_urlsafe(32), time.time()
    db.execute(
        "DELETE FROM web_sessions WHERE user_id = :user AND id NOT IN "
        "(SELECT id FROM web_sessions WHERE user_id = :user ORDER BY used_at DESC, id DESC LIMIT :most)",
        {"user": user_id, "most": MAX_SESSIONS_OF_USER - 1},
    )
    db.execute(
        "INSERT INTO web_sessions (token_hash, user_id, created_at, used_at, address, browser) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (_hash(token), user_id, now, now, address, browser[:MAX_BROWSER_CHARACTERS]),
    )
    note_address(db, user_id, address)
    return token


def find(db: sqlite3.Connection, token: str) -> Any:
    """Return the `id`, `user_id` and `used_at` of the session of a token; None without one that is still valid."""
    return db.execute(
        "SELECT id, user_id, used_at FROM web_sessions WHERE token_hash = ? AND used_at >= ?",
        (_hash(token), time.time() - LIFETIME_SECONDS),
    ).fetchone()


def exists(db: sqlite3.Connection, session_id: int, user_id: int) -> bool:
    """Tell whether a user has a session."""
    row = db.execute("SELECT 1 FROM web_sessions WHERE id = ? AND user_id = ?", (session_id, user_id))
    return row.fetchone() is not None


def note_use(db: sqlite3.Connection, session_id: int) -> None:
    """Note that a session is used now."""
    db.execute("UPDATE web_sessions SET used_at = ? WHERE id = ?", (time.time(), session_id))


def of_user(db: sqlite3.Connection, user_id: int) -> list[dict[str, Any]]:
    """Return a user's sessions, the last used first."""
    rows = db.execute(
        "SELECT id, created_at, used_at, address, browser FROM web_sessions WHERE user_id = ? AND used_at >= ? "
        "ORDER BY used_at DESC, id DESC",
        (user_id, time.time() - LIFETIME_SECONDS),
    )
    return [dict(row) for row in rows]


def end(db: sqlite3.Connection, user_id: int, session_id: int) -> bool:
    """End a session of a user. Tell whether there was one."""
    done = db.execute("DELETE FROM web_sessions WHERE id = ? AND user_id = ?", (session_id, user_id))
    return done.rowcount > 0


def note_address(db: sqlite3.Connection, user_id: int, address: str) -> None:
    """Remember that a user has signed in from an address; the oldest beyond `MAX_KNOWN_ADDRESSES` are forgotten."""
    db.execute(
        "INSERT INTO known_addresses (user_id, address, used_at) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET used_at = excluded.used_at",
        (user_id, address, time.time()),
    )
    db.execute(
        "DELETE FROM known_addresses WHERE user_id = :user AND address NOT IN "
        "(SELECT address FROM known_addresses WHERE user_id = :user ORDER BY used_at DESC LIMIT :most)",
        {"user": user_id, "most": MAX_KNOWN_ADDRESSES},
    )


def is_known_address(db: sqlite3.Connection, user_id: int, address: str) -> bool:
    """Tell whether a user has signed in from an address before."""
    row = db.execute("SELECT 1 FROM known_addresses WHERE user_id = ? AND address = ?", (user_id, address))
    return row.fetchone() is not None


def _hash(token: str) -> bytes:
    # The token is random, so one pass is enough.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
