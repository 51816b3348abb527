"""The insertion of the canary, in a transaction that is rolled back."""

import sqlite3
from contextlib import suppress
from typing import Any, cast

from soniquebay.api.analysis_result import AnalysisResult
from soniquebay.audio import canary
from soniquebay.library import ingest, queries, sessions
from soniquebay.library.database import Database
from soniquebay.library.entities import Entities, FileStamp

_BATCH_ID = "check-of-the-release"


class NotInsertedError(Exception):
    """The canary is not in the library as it should be."""


class _RolledBackError(Exception):
    """All was inserted, and nothing of it is to stay."""


def try_insert(database: Database, entities: dict[str, Any], analysis: dict[str, Any]) -> None:
    """Insert the canary and its analysis as a scan does, look it up, and roll all of it back.

    Nobody else sees it: readers of SQLite see nothing of an open transaction, and other writers wait for its end.
    Raises `NotInsertedError`, and whatever the insertion raises.
    """
    with suppress(_RolledBackError), database.transaction() as db:
        _insert(db, cast(Entities, entities), analysis)
        raise _RolledBackError


def _insert(db: sqlite3.Connection, entities: Entities, analysis: dict[str, Any]) -> None:
    # There is one active session at a time. A scan that is active now stays so: this is rolled back, too.
    db.execute("UPDATE scan_sessions SET status = 'cancelled' WHERE status IN ('running', 'paused')")
    session_id = sessions.start(db)
    (track,) = entities["tracks"]
    file: FileStamp = {"path": track["path"], "size": track["size"], "mtime_ns": track["mtime_ns"]}
    sessions.register_batch(db, session_id, _BATCH_ID, [file])
    ingest.apply_batch(db, _BATCH_ID, entities)
    row = db.execute("SELECT id FROM tracks WHERE path = ?", (file["path"],)).fetchone()
    found = queries.file_of_track(db, row["id"]) if row else None
    if found is None or found["title"] != canary.TAGS["title"]:
        raise NotInsertedError(f"it became {found and found['title']!r}, not {canary.TAGS['title']!r}")
    AnalysisResult.model_validate(analysis).store(db, row["id"])
