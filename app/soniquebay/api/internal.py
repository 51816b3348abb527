"""The application on the Unix socket: the worker's inserts. Port 80 does not hold these routes."""

import base64
import binascii
import sqlite3
from typing import Annotated, Any, cast

from fastapi import Body, FastAPI, HTTPException, Path, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from soniquebay import __version__
from soniquebay.api import errors, health, online
from soniquebay.api.services import Services, Shared
from soniquebay.audio.picture_format import MAX_PICTURE_BYTES, THUMBNAIL_MEDIA_TYPE, THUMBNAIL_SIZES_PIXELS, media_type
from soniquebay.library import covers, ingest, reconcile, sessions
from soniquebay.library import genres as genre_store
from soniquebay.library.entities import Entities, FailedFile, FileStamp
from soniquebay.library.similarity import vectors

Answer = dict[str, Any]


class BatchIn(BaseModel):
    """A batch that discovery found."""

    batch_id: str = Field(min_length=1, max_length=64)
    files: list[FileStamp]


class KnownFilesIn(BaseModel):
    """Known files: the ones that a walk did not meet, by their root, and missing or away ones that it met again."""

    unseen: dict[str, list[str]] = {}
    returned: list[str] = []


class DiscoveredIn(BaseModel):
    """The end of a walk; `found` counts the files met by root."""

    unchanged: int = Field(ge=0)
    failures: list[FailedFile]
    found: dict[str, int] = {}


class AbandonIn(BaseModel):
    """Why a batch cannot be done."""

    stage: str
    reason: str


class VectorIn(BaseModel):
    """A vector (base64 of little-endian float32) with tempo and key, or why there is none."""

    version: int
    data: str | None = None
    failure: str | None = None
    bpm: float | None = None
    musical_key: str | None = None
    retry_later: bool = False
    """There is none because the file was not to be had."""


def internal_app(services: Services) -> FastAPI:
    """Make the application of the Unix socket."""
    app = FastAPI(title="SoniqueBay, internal", version=__version__)
    app.state.services = services
    errors.install(app, trusting=True)
    app.include_router(health.router)
    app.post("/internal/sessions/{session_id}/heartbeat")(record_heartbeat)
    app.post("/internal/sessions/{session_id}/batches")(register_batch)
    app.post("/internal/sessions/{session_id}/known-files")(known_files)
    app.post("/internal/sessions/{session_id}/discovered")(discovered)
    app.post("/internal/batches/{batch_id}")(insert_batch)
    app.post("/internal/batches/{batch_id}/abandon")(abandon_batch)
    app.put("/internal/vectors/{track_id}")(put_vector)
    app.put("/internal/covers/{album_id}")(put_cover)
    app.put("/internal/thumbnails/{digest}/{size}")(put_thumbnail)
    app.post("/internal/covers/{album_id}/none")(no_cover)
    app.put("/internal/genres")(put_genres)
    app.post("/internal/purge")(purge)
    app.include_router(online.router)
    app.post("/internal/resume")(resume)
    app.post("/internal/maintenance/resume", status_code=202)(start_resume)
    app.post("/internal/maintenance/purge", status_code=202)(start_purge)
    return app


def record_heartbeat(services: Shared, session_id: int) -> Answer:
    """Note a sign of life of a discovery."""
    with services.database.transaction() as db:
        sessions.record_heartbeat(db, session_id)
        return {"running": sessions.is_running(db, session_id)}


def register_batch(services: Shared, session_id: int, batch: BatchIn) -> Answer:
    """Write a batch into the ledger and send it on its way; once, however often it comes."""
    try:
        with services.database.transaction() as db:
            new = sessions.register_batch(db, session_id, batch.batch_id, batch.files)
            running = sessions.is_running(db, session_id)
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    if new and running:
        if not services.dispatcher.batch(sessions.Batch(batch.batch_id, session_id, batch.files)):
            with services.database.transaction() as db:
                sessions.not_sent(db, batch.batch_id)
        services.progress.changed(session_id)
    return {"new": new, "running": running}


def known_files(services: Shared, session_id: int, known: KnownFilesIn) -> Answer:
    """Keep which known files a walk did not meet, and note the missing ones that are there again."""
    try:
        with services.database.transaction() as db:
            if sessions.is_open(db, session_id):
                reconcile.add_unseen(db, session_id, known.unseen)
            returned = ingest.mark_returned(db, known.returned)
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    if returned:
        services.vectors.mark_outdated()
    return {"returned": returned}


def discovered(services: Shared, session_id: int, end: DiscoveredIn) -> Answer:
    """End a session's discovery: judge what was not met, then the session waits for its batches alone."""
    try:
        with services.database.transaction() as db:
            if not sessions.is_open(db, session_id):
                return {}  # cancelled meanwhile, or a second walk of a session that is complete
            reconcile.protect_empty_roots(db, session_id, end.found)
        more = True
        while more:
            with services.database.transaction() as db:
                more = reconcile.reconcile_unseen(db, session_id, end.found)
        with services.database.transaction() as db:
            completed = sessions.end_discovery(db, session_id, end.unchanged, end.failures)
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    services.progress.changed(session_id, urgent=completed)
    if completed:
        services.request_refill()
    return {}


def insert_batch(services: Shared, batch_id: str, entities: Annotated[dict[str, Any], Body()]) -> Answer:
    """Insert a batch in one transaction, then send what follows: vectors, covers, genres."""
    try:
        with services.database.transaction() as db:
            # Made by our own worker on the same socket: the database's constraints are the check.
            done = ingest.apply_batch(db, batch_id, cast(Entities, entities))
    except ingest.UnknownBatchError as error:
        raise HTTPException(404, str(error)) from error
    except (KeyError, TypeError, IndexError, OverflowError, sqlite3.IntegrityError, sqlite3.ProgrammingError) as error:
        raise HTTPException(422, f"the batch contradicts itself: {type(error).__name__}: {error}") from error
    if done.applied:
        services.progress.changed(done.session_id, urgent=done.completed)
        if done.completed:
            services.request_refill()
    return {"applied": done.applied}


def abandon_batch(services: Shared, batch_id: str, why: AbandonIn) -> Answer:
    """Close a batch that cannot be done; its files become failures."""
    with services.database.transaction() as db:
        session_id = sessions.abandon_batch(db, batch_id, why.stage, why.reason)
    if session_id is not None:
        services.progress.changed(session_id)
        services.request_refill()
    return {"abandoned": session_id is not None}


def put_vector(services: Shared, track_id: int, vector: VectorIn) -> Answer:
    """Store a track's vector, or why it has none."""
    try:
        data = base64.b64decode(vector.data, validate=True) if vector.data is not None else None
        with services.database.transaction() as db:
            stored = vectors.store(
                db,
                track_id,
                vector.version,
                data,
                vector.failure,
                bpm=vector.bpm,
                musical_key=vector.musical_key,
                retry_later=vector.retry_later,
            )
    except (binascii.Error, ValueError, sqlite3.IntegrityError) as error:
        raise HTTPException(422, f"not a vector: {error}") from error
    if stored:
        services.vectors.update(track_id, vector.version, data)
    services.progress.analysed()
    services.tasks_finished(services.dispatcher.vector_feeder, [track_id])
    return {"stored": stored}


async def put_cover(services: Shared, album_id: int, request: Request) -> Answer:
    """Store an album's cover; its bytes say what it is."""
    data = await request.body()
    kind = media_type(data)
    if kind is None or len(data) > MAX_PICTURE_BYTES:
        raise HTTPException(422, "not a picture that is known here, or too large")

    def store() -> bool:
        # Before the transaction: no writer waits for the card.
        covers.keep(services.settings.covers, covers.digest_of(data), data)
        with services.database.transaction() as db:
            return covers.store(db, services.settings.covers, album_id, data, kind)

    stored = await run_in_threadpool(store)
    services.tasks_finished(services.dispatcher.cover_feeder, [album_id])
    return {"stored": stored}


async def put_thumbnail(
    services: Shared, digest: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], size: int, request: Request
) -> Answer:
    """Keep a small copy of the picture of this SHA-256, before the picture itself."""
    data = await request.body()
    if size not in THUMBNAIL_SIZES_PIXELS or media_type(data) != THUMBNAIL_MEDIA_TYPE or len(data) > MAX_PICTURE_BYTES:
        raise HTTPException(422, f"not a JPEG of one of the sizes {THUMBNAIL_SIZES_PIXELS}")
    await run_in_threadpool(covers.keep, services.settings.covers, digest, data, size)
    return {}


def no_cover(
    services: Shared, album_id: int, unavailable_file: Annotated[str | None, Body(embed=True)] = None
) -> Answer:
    """Note that an album has no cover; `unavailable_file`: the file of it that was not there."""
    with services.database.transaction() as db:
        covers.mark_none_found(db, album_id, unavailable_file)
    services.tasks_finished(services.dispatcher.cover_feeder, [album_id])
    return {}


def put_genres(services: Shared, genres: dict[int, list[str]]) -> Answer:
    """Replace the clean genres of tracks."""
    with services.database.transaction() as db:
        for track_id, names in genres.items():
            genre_store.store(db, track_id, names)
    services.tasks_finished(services.dispatcher.genre_feeder, list(genres))
    return {"tracks": len(genres)}


def purge(services: Shared, missing_before: Annotated[float, Body(embed=True)]) -> Answer:
    """Delete some of the tracks that are missing since before a time; the caller asks until none is left."""
    with services.database.transaction() as db:
        purged = reconcile.purge(db, missing_before)
    return {"purged": purged}


def resume(services: Shared) -> dict[str, int]:
    """Send again what Redis no longer knows."""
    services.lookups.refill()
    return services.dispatcher.resume()


def start_resume(services: Shared) -> Answer:
    """Enqueue the maintenance task that resumes; the timer's way in."""
    return {"sent": services.dispatcher.send("maintenance.resume_sessions")}


def start_purge(services: Shared, missing_before: Annotated[float, Body(embed=True)]) -> Answer:
    """Enqueue the maintenance task that deletes missing tracks. On this socket alone: nothing else ever deletes one."""
    return {"sent": services.dispatcher.send("maintenance.purge", missing_before=missing_before)}
