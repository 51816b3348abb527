"""What listeners have made, as a readable file: for the owner's eyes, and for other programs.

docs/backup.md describes the form. It holds no password, no hash, no token and no key.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

FORMAT = 1
_ITEM = "i.kind, i.title, i.artist, i.album, i.mbid, i.path, i.part, i.duration"
_OF_USER = "FROM {table} m JOIN items i ON i.id = m.item_id WHERE m.user_id = ? ORDER BY i.kind, m.item_id"
_MARKS = {
    "stars": f"SELECT {_ITEM}, m.starred_at {_OF_USER.format(table='stars')}",
    "ratings": f"SELECT {_ITEM}, m.rating, m.rated_at {_OF_USER.format(table='ratings')}",
    "play_counts": f"SELECT {_ITEM}, m.play_count, m.last_played_at {_OF_USER.format(table='play_counts')}",
    "bookmarks": f"SELECT {_ITEM}, m.position_ms, m.comment {_OF_USER.format(table='bookmarks')}",
}


def write(db: sqlite3.Connection, path: Path) -> None:
    """Write what the listeners of a database have made, one entry a line. Raises ``OSError``, ``sqlite3.Error``."""
    db.row_factory = sqlite3.Row
    with path.open("x", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(f'{{"format": {FORMAT},\n"users": ')
        _write_list(file, _users(db))
        for name, select in _MARKS.items():
            file.write(f',\n"{name}": ')
            _write_list(file, _of_each_user(db, select))
        file.write(',\n"playlists": ')
        _write_list(file, _playlists(db))
        file.write("}\n")


def _write_list(file: TextIO, entries: Iterable[dict[str, Any]]) -> None:
    file.write("[")
    for number, entry in enumerate(entries):
        file.write(("," if number else "") + "\n" + json.dumps(entry, ensure_ascii=False))
    file.write("]")


def _users(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    for row in db.execute("SELECT name, role, is_owner, created_at FROM users ORDER BY id"):
        yield _readable(row) | {"is_owner": bool(row["is_owner"])}


def _of_each_user(db: sqlite3.Connection, select: str) -> Iterator[dict[str, Any]]:
    for user_id, name in db.execute("SELECT id, name FROM users ORDER BY id").fetchall():
        for row in db.execute(select, (user_id,)):
            yield {"user": name} | _readable(row)


def _playlists(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    rows = db.execute(
        "SELECT u.name AS user, p.id, p.name, p.comment, p.is_public, p.rules, p.created_at, p.changed_at "
        "FROM playlists p JOIN users u ON u.id = p.user_id ORDER BY p.id"
    )
    for row in rows.fetchall():
        entries = db.execute(
            f"SELECT {_ITEM} FROM playlist_entries e JOIN items i ON i.id = e.item_id WHERE e.playlist_id = ? "
            "ORDER BY e.position",
            (row["id"],),
        )
        playlist = _readable(row) | {"is_public": bool(row["is_public"])}
        del playlist["id"]
        if row["rules"] is not None:
            yield playlist | {"rules": json.loads(row["rules"])}
        else:
            yield playlist | {"entries": [_readable(entry) for entry in entries]}


def _readable(row: sqlite3.Row) -> dict[str, Any]:
    """Return the fields that are set. Times are in ISO 8601."""
    fields = dict(row)
    return {
        name: _time(value) if name.endswith("_at") else value for name, value in fields.items() if value is not None
    }


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):  # a clock was wrong by thousands of years
        return str(seconds)
