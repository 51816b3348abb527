"""Extracted files for tests, and inserting them into a library."""

import sqlite3
from typing import Any

from soniquebay.library import ingest, sessions
from soniquebay.library.catalogue.message import entities
from soniquebay.library.database import Database

ID_A, ID_B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


_NAMES = {"track_no": "track", "disc_no": "disc", "year": "date", "genres": "genre"}


def file(path: str, *, title: str | None = "", duration: float = 1.0, format: str = "FLAC", has_picture: bool = False,
         size: int = 1, mtime_ns: int = 1, **tags: Any) -> Any:  # fmt: skip
    """Return a file as the extraction does; `title`: the path unless given, None for a file without one."""
    said: dict[str, Any] = {"title": path if title == "" else title}
    for name, value in tags.items():
        if value not in (None, (), False):
            said[_NAMES.get(name, name)] = (
                list(value) if isinstance(value, list | tuple) else "1" if value is True else str(value)
            )
    return {
        "path": path, "size": size, "mtime_ns": mtime_ns, "tags": {k: v for k, v in said.items() if v},
        "sound": {"duration": duration, "format": format}, "has_picture": has_picture,
    }  # fmt: skip


def _active_session_id(connection: sqlite3.Connection) -> int | None:
    session = sessions.active_session(connection)
    return session["id"] if session else None


def insert(
    db: Database,
    *files: Any,
    failures: Any = (),
    batch_id: str | None = None,
    artist_joins: frozenset[str] = frozenset(),
) -> ingest.InsertResult:
    batch_id = batch_id or f"batch-{[f['path'] for f in files]}-{sorted(str(f['tags']) for f in files)}"
    with db.transaction() as connection:
        session = _active_session_id(connection) or sessions.start(connection)
        stamps = [{k: f[k] for k in ("path", "size", "mtime_ns")} for f in files]
        sessions.register_batch(connection, session, batch_id, stamps)
        return ingest.apply_batch(connection, batch_id, entities(files, failures, artist_joins))


def names(db: Database, table: str, column: str = "name") -> list[str]:
    return [row[0] for row in db.reader().execute(f"SELECT {column} FROM {table} ORDER BY id")]
