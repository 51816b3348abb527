"""Batches of a scan: written into the ledger, inserted into the library, or given up."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Body, HTTPException
from pydantic import BaseModel, Field

from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.services import Shared
from soniquebay.library import ingest, sessions
from soniquebay.library.entities import Entities, FileStamp
from soniquebay.library.paths import encode, is_within

router = APIRouter(prefix="/internal", route_class=InternalRoute)


class NewBatch(BaseModel):
    """A batch of new and changed files."""

    batch_id: str = Field(min_length=1, max_length=64)
    files: list[FileStamp]


class AbandonedBatch(BaseModel):
    """The stage at which a batch cannot be done, and why."""

    stage: str
    reason: str


@router.post("/sessions/{session_id}/batches")
def register_batch(services: Shared, session_id: int, batch: NewBatch) -> Answer:
    """Write a batch into the ledger and send it to its first stage. A batch that is there already is not sent again."""
    try:
        with services.database.transaction() as db:
            new = sessions.register_batch(db, session_id, batch.batch_id, batch.files)
            running = sessions.is_running(db, session_id)
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    if new:
        if not (running and services.dispatcher.send_batch(sessions.Batch(batch.batch_id, session_id, batch.files))):
            with services.database.transaction() as db:
                sessions.mark_batch_unsent(db, batch.batch_id)
        services.progress.changed(session_id)
    return {"new": new, "running": running}


@router.post("/batches/{batch_id}/return")
def return_batch(services: Shared, batch_id: str) -> Answer:
    """Note that the message of a batch was dropped, because its session is paused: resuming it sends another."""
    with services.database.transaction() as db:
        sessions.mark_batch_unsent(db, batch_id)
    return {}


@router.post("/batches/{batch_id}")
def insert_batch(services: Shared, batch_id: str, entities: Annotated[dict[str, Any], Body()]) -> Answer:
    """Insert a batch in one transaction. The queue feeders send the vectors and covers that follow."""
    try:
        with services.database.transaction() as db:
            # Made by our own worker on the same socket: the database's constraints are the check.
            done = ingest.apply_batch(db, batch_id, cast(Entities, entities))
    except ingest.UnknownBatchError as error:
        raise HTTPException(404, str(error)) from error
    except (KeyError, TypeError, IndexError, OverflowError, sqlite3.IntegrityError, sqlite3.ProgrammingError) as error:
        raise HTTPException(422, f"the batch contradicts itself: {type(error).__name__}: {error}") from error
    if done.applied:
        folder = _last_folder(entities, services.settings.music)
        services.progress.inserted(done.session_id, folder, urgent=done.completed)
        if done.completed:
            services.request_refill()
    return {"applied": done.applied, "tracks": done.tracks, "failures": done.failures}


@router.post("/batches/{batch_id}/abandon")
def abandon_batch(services: Shared, batch_id: str, abandoned: AbandonedBatch) -> Answer:
    """Close a batch that cannot be done. Its files become failures of the session."""
    with services.database.transaction() as db:
        session_id = sessions.abandon_batch(db, batch_id, abandoned.stage, abandoned.reason)
    if session_id is not None:
        services.progress.changed(session_id)
        services.request_refill()
    return {"abandoned": session_id is not None}


def _last_folder(entities: dict[str, Any], roots: Iterable[Path]) -> str | None:
    """Return the folder of the last track of a batch, without its root: only managers are told that."""
    tracks = entities["tracks"]
    folder = str(tracks[-1]["path"]).rpartition("/")[0] if tracks else ""
    above = (encode(str(root)) for root in roots)
    return next((folder[len(root.rstrip("/")) + 1 :] for root in above if is_within(folder, root)), None) or None
