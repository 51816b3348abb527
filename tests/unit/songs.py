"""Extracted files for tests, and inserting them into a library."""

import sqlite3
from typing import Any

from soniquebay.library import ingest, sessions
from soniquebay.library.database import Database
from soniquebay.library.identity import group

ID_A, ID_B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


def file(path: str, **tags: Any) -> Any:
    absent = dict.fromkeys(
        ("artist", "album", "album_artist", "track_no", "disc_no", "year", "mb_recording", "mb_album", "mb_artist",
         "mb_album_artist")
    )  # fmt: skip
    default = {
        "title": path,
        "has_title": True,
        "genres": (),
        "compilation": False,
        "duration": 1.0,
        "format": "FLAC",
        "has_picture": False,
    }
    return {"path": path, "size": 1, "mtime_ns": 1, "tags": {**absent, **default, **tags}}


def _active_session_id(connection: sqlite3.Connection) -> int | None:
    session = sessions.active_session(connection)
    return session["id"] if session else None


def insert(db: Database, *files: Any, failures: Any = (), batch_id: str | None = None) -> ingest.InsertResult:
    batch_id = batch_id or f"batch-{[f['path'] for f in files]}-{sorted(str(f['tags']) for f in files)}"
    with db.transaction() as connection:
        session = _active_session_id(connection) or sessions.start(connection)
        stamps = [{k: f[k] for k in ("path", "size", "mtime_ns")} for f in files]
        sessions.register_batch(connection, session, batch_id, stamps)
        return ingest.apply_batch(connection, batch_id, group(files, failures))


def names(db: Database, table: str, column: str = "name") -> list[str]:
    return [row[0] for row in db.reader().execute(f"SELECT {column} FROM {table} ORDER BY id")]
