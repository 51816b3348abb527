"""The internal API, on the Unix socket: the worker's inserts. The public API has none of these routes."""

import base64
import binascii
import sqlite3
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal, cast

import orjson
from fastapi import Body, FastAPI, HTTPException, Path, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from soniquebay import __version__
from soniquebay.api import errors, health, online
from soniquebay.api.access import Access
from soniquebay.api.services import Services, Shared
from soniquebay.audio.picture_format import MAX_PICTURE_BYTES, THUMBNAIL_MEDIA_TYPES, THUMBNAIL_SIZES_PIXELS, media_type
from soniquebay.library import artist_pictures, covers, folder_pictures, ingest, reconcile, sessions
from soniquebay.library.entities import Entities, FailedFile, FileStamp, LeftOut
from soniquebay.library.missing_tracks import mark_returned
from soniquebay.library.similarity import vectors

Answer = dict[str, Any]
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
PictureDigest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class NewBatch(BaseModel):
    """A batch of new and changed files."""

    batch_id: str = Field(min_length=1, max_length=64)
    files: list[FileStamp]


class KnownFiles(BaseModel):
    """Encoded paths of known files that are not as the library has them."""

    unseen: dict[str, list[str]] = {}
    """Files that discovery did not find, by their root."""
    returned: list[str] = []
    """Files that discovery found again, whose tracks are missing or to be retried later."""


class DiscoveryResult(BaseModel):
    """The counts and failures of a discovery that has ended, and what it has left out."""

    unchanged: int = Field(ge=0)
    failures: list[FailedFile]
    found: dict[str, int] = {}
    """Number of files found, by root."""
    left_out: list[LeftOut] = []


class ChangedFolders(BaseModel):
    """Folders whose pictures have changed."""

    stamps: dict[str, Annotated[int, Field(ge=0, lt=2**63)] | None]
    """By encoded folder with a slash at its end; None without any picture."""


class AlbumPictures(BaseModel):
    """What the files of an album hold: the SHA-256 of pictures that were stored before."""

    cover: PictureDigest | None = None
    discs: dict[int, PictureDigest] = {}
    """By number of the disc."""
    picture_keys: dict[str, Annotated[int, Field(ge=0, lt=2**63)]] = {}
    """By encoded path of a file with a picture; the keys of different pictures differ."""
    unavailable_file: str | None = None
    """The encoded path of a file of the album that was unavailable."""
    state: str
    """What `covers.state_of_files` was before the search."""


class ArtistPicture(BaseModel):
    """What was found for an artist: the SHA-256 of a picture that was stored before."""

    picture: PictureDigest | None = None
    folder: str | None = None
    """The encoded folder of the picture, with a slash at its end."""
    changes: int = Field(ge=0, lt=2**63)
    """Those of `artist_pictures.Search`."""


class TrackPicture(BaseModel):
    """What a track has of its own: the SHA-256 of a picture that was stored before."""

    cover: PictureDigest | None = None
    unavailable_file: str | None = None
    """The track's encoded path, if the file was unavailable."""


class AbandonedBatch(BaseModel):
    """The stage at which a batch cannot be done, and why."""

    stage: str
    reason: str


class AnalysisResult(BaseModel):
    """A track's vector with its tempo and musical key, or the reason why it has none."""

    version: int
    """Version of the feature schema."""
    data: str | None = None
    """The vector: base64 of little-endian float32 values."""
    failure: str | None = None
    bpm: float | None = None
    """Tempo in beats a minute."""
    musical_key: str | None = None
    length: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Of the track in seconds, as measured."""
    retry_later: bool = False
    """The file was unavailable, or its analysis timed out."""


class _JsonRequest(Request):
    """A request whose body orjson reads: a batch has a kilobyte for each track."""

    async def json(self) -> Any:
        return orjson.loads(await self.body())


class _Route(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_request(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return handle_request


def internal_app(services: Services) -> FastAPI:
    """Return the internal application."""
    app = FastAPI(title="SoniqueBay, internal", version=__version__, docs_url=None, redoc_url=None)
    app.state.services = services
    app.router.route_class = _Route
    # Who reaches its socket may do everything.
    app.add_middleware(Access, accounts=services.accounts, login=False, guests=False)
    errors.install(app, database_checks_input=True)
    app.include_router(health.router)
    app.post("/internal/sessions/{session_id}/heartbeat")(record_heartbeat)
    app.post("/internal/sessions/{session_id}/batches")(register_batch)
    app.post("/internal/sessions/{session_id}/known-files")(update_known_files)
    app.post("/internal/folder-pictures")(update_folder_pictures)
    app.post("/internal/sessions/{session_id}/discovered")(end_discovery)
    app.post("/internal/batches/{batch_id}")(insert_batch)
    app.post("/internal/batches/{batch_id}/abandon")(abandon_batch)
    app.put("/internal/vectors/{track_id}")(store_vector)
    app.put("/internal/covers/{album_id}")(store_cover)
    app.put("/internal/thumbnails/{digest}/{size}")(store_thumbnail)
    app.put("/internal/pictures/{digest}")(store_picture)
    app.put("/internal/covers/album/{album_id}")(set_album_pictures)
    app.put("/internal/covers/track/{track_id}")(set_track_picture)
    app.put("/internal/covers/artist/{artist_id}")(set_artist_picture)
    app.post("/internal/covers/{kind}/{item_id}/failed")(mark_cover_failed)
    app.post("/internal/purge")(purge)
    app.include_router(online.router)
    app.post("/internal/resume")(resend_lost)
    app.post("/internal/maintenance/resume", status_code=202)(send_resume_task)
    app.post("/internal/maintenance/purge", status_code=202)(send_purge_task)
    return app


def record_heartbeat(services: Shared, session_id: int) -> Answer:
    """Note that a discovery is still running, and answer whether its session is."""
    with services.database.transaction() as db:
        sessions.record_heartbeat(db, session_id)
        return {"running": sessions.is_running(db, session_id)}


def register_batch(services: Shared, session_id: int, batch: NewBatch) -> Answer:
    """Write a batch into the ledger and send it to its first stage. A batch that is there already is not sent again."""
    try:
        with services.database.transaction() as db:
            new = sessions.register_batch(db, session_id, batch.batch_id, batch.files)
            running = sessions.is_running(db, session_id)
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    if new and running:
        if not services.dispatcher.send_batch(sessions.Batch(batch.batch_id, session_id, batch.files)):
            with services.database.transaction() as db:
                sessions.mark_batch_unsent(db, batch.batch_id)
        services.progress.changed(session_id)
    return {"new": new, "running": running}


def update_known_files(services: Shared, session_id: int, known: KnownFiles) -> Answer:
    """Store which known files a discovery did not find, and mark those that it found again as present."""
    try:
        with services.database.transaction() as db:
            if sessions.is_open(db, session_id):
                reconcile.add_unseen(db, session_id, known.unseen)
            returned = mark_returned(db, known.returned)
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    if returned:
        services.vectors.mark_outdated()
    return {"returned": returned}


def end_discovery(services: Shared, session_id: int, result: DiscoveryResult) -> Answer:
    """End a session's discovery and reconcile the unseen files. After it the session waits only for its batches."""
    try:
        with services.database.transaction() as db:
            if not sessions.is_open(db, session_id):
                return {}  # cancelled meanwhile, or the second discovery of a completed session
            reconcile.protect_empty_roots(db, session_id, result.found)
        more = True
        while more:
            with services.database.transaction() as db:
                more = reconcile.reconcile_unseen(db, session_id, result.found)
        with services.database.transaction() as db:
            completed = sessions.end_discovery(db, session_id, result.unchanged, result.failures, result.left_out)
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    services.progress.changed(session_id, urgent=completed)
    if completed:
        services.request_refill()
    return {}


def insert_batch(services: Shared, batch_id: str, entities: Annotated[dict[str, Any], Body()]) -> Answer:
    """Insert a batch in one transaction. The queue feeders send the vectors, covers and genres that follow."""
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
    return {"applied": done.applied, "tracks": done.tracks, "failures": done.failures}


def abandon_batch(services: Shared, batch_id: str, abandoned: AbandonedBatch) -> Answer:
    """Close a batch that cannot be done. Its files become failures of the session."""
    with services.database.transaction() as db:
        session_id = sessions.abandon_batch(db, batch_id, abandoned.stage, abandoned.reason)
    if session_id is not None:
        services.progress.changed(session_id)
        services.request_refill()
    return {"abandoned": session_id is not None}


def store_vector(services: Shared, track_id: int, result: AnalysisResult) -> Answer:
    """Store a track's vector, or why it has none."""
    try:
        data = base64.b64decode(result.data, validate=True) if result.data is not None else None
        with services.database.transaction() as db:
            stored = vectors.store(
                db,
                track_id,
                result.version,
                data,
                result.failure,
                bpm=result.bpm,
                musical_key=result.musical_key,
                length=result.length,
                retry_later=result.retry_later,
            )
    except (binascii.Error, ValueError, sqlite3.IntegrityError) as error:
        raise HTTPException(422, f"not a vector: {error}") from error
    if stored:
        services.vectors.update(track_id, result.version, data)
    services.progress.analysed()
    services.tasks_finished(services.dispatcher.vector_feeder, [track_id])
    return {"stored": stored}


async def store_cover(services: Shared, album_id: int, request: Request) -> Answer:
    """Store a picture from the internet as an album's cover. Its media type is read from its bytes."""
    data = await request.body()
    kind = _picture_kind(data)

    def store() -> bool:
        # Before the transaction, so that no other writer waits for the card.
        covers.write_picture(services.settings.covers, covers.digest_of(data), data)
        with services.database.transaction() as db:
            return covers.store(db, services.settings.covers, album_id, data, kind)

    return {"stored": await run_in_threadpool(store)}


async def store_picture(services: Shared, digest: Digest, request: Request) -> Answer:
    """Store a picture with this SHA-256. What it shows is told by the request that follows."""
    data = await request.body()
    _picture_kind(data)
    if covers.digest_of(data) != digest:
        raise HTTPException(422, "the SHA-256 of the picture is another one")
    await run_in_threadpool(covers.write_picture, services.settings.covers, digest, data)
    return {}


async def store_thumbnail(services: Shared, digest: Digest, size: int, request: Request) -> Answer:
    """Store a thumbnail, JPEG or WebP, of the picture with this SHA-256; before the picture itself is stored."""
    data = await request.body()
    kind = _picture_kind(data)
    suffix = next((suffix for suffix, media_type in THUMBNAIL_MEDIA_TYPES.items() if media_type == kind), None)
    if size not in THUMBNAIL_SIZES_PIXELS or suffix is None:
        raise HTTPException(422, f"not a JPEG or WebP of one of the sizes {THUMBNAIL_SIZES_PIXELS}")
    await run_in_threadpool(covers.write_picture, services.settings.covers, digest, data, size, suffix)
    return {}


def _picture_kind(data: bytes) -> str:
    kind = media_type(data)
    if kind is None or len(data) > MAX_PICTURE_BYTES:
        raise HTTPException(422, "not a picture of a known format, or too large")
    return kind


def set_album_pictures(services: Shared, album_id: int, found: AlbumPictures) -> Answer:
    """Note which pictures the files of an album hold. If a file has changed since, the album is searched again."""
    cover = _stored_cover(services, found.cover)
    discs = {disc_no: _stored_cover(services, digest) for disc_no, digest in found.discs.items()}
    with services.database.transaction() as db:
        if found.state == covers.state_of_files(db, album_id):
            if found.unavailable_file is not None:
                covers.mark_checked(db, "album", album_id, found.unavailable_file)
            if found.unavailable_file is None or not covers.has_cover(db, album_id):
                covers.set_picture_keys(db, album_id, found.picture_keys)
                covers.set_from_files(db, album_id, cover, {no: disc for no, disc in discs.items() if disc})
            artist_pictures.note_album(db, album_id)
    services.tasks_finished(services.dispatcher.cover_feeder, [("album", album_id)])
    return {}


def set_track_picture(services: Shared, track_id: int, found: TrackPicture) -> Answer:
    """Note which picture of its own a track has."""
    cover = _stored_cover(services, found.cover)
    with services.database.transaction() as db:
        if found.unavailable_file is not None:
            covers.mark_checked(db, "track", track_id, found.unavailable_file)
        else:
            covers.set_of_track(db, track_id, cover)
        artist_pictures.note_track(db, track_id)
    services.tasks_finished(services.dispatcher.cover_feeder, [("track", track_id)])
    return {}


def set_artist_picture(services: Shared, artist_id: int, found: ArtistPicture) -> Answer:
    """Note which picture an artist has."""
    cover = _stored_cover(services, found.picture)
    with services.database.transaction() as db:
        artist_pictures.set_picture(db, artist_id, found.changes, cover, found.folder)
    services.tasks_finished(services.dispatcher.cover_feeder, [("artist", artist_id)])
    return {}


def mark_cover_failed(services: Shared, kind: Literal["album", "track", "artist"], item_id: int) -> Answer:
    """Note that the search for a cover failed for good. It is repeated once one of the files has changed."""
    with services.database.transaction() as db:
        if kind == "artist":
            artist_pictures.keep_picture(db, item_id)
        else:
            covers.mark_checked(db, kind, item_id)
    services.tasks_finished(services.dispatcher.cover_feeder, [(kind, item_id)])
    return {}


def _stored_cover(services: Services, digest: str | None) -> covers.Cover | None:
    """Return the cover of a picture that was stored before; answers 422 if it was not."""
    if digest is None:
        return None
    cover = covers.stored(services.settings.covers, digest)
    if cover is None:
        raise HTTPException(422, f"no picture {digest}")
    return cover


def update_folder_pictures(services: Shared, changed: ChangedFolders) -> Answer:
    """Store the stamps of folders whose pictures have changed, and have the covers there searched again."""
    with services.database.transaction() as db:
        albums = folder_pictures.update_stamps(db, changed.stamps)
    return {"albums": albums}


def purge(services: Shared, missing_before: Annotated[float, Body(embed=True)]) -> Answer:
    """Delete some of the tracks that are missing since before a Unix time. The caller repeats it until none is left."""
    with services.database.transaction() as db:
        purged = reconcile.purge(db, missing_before)
    return {"purged": purged}


def resend_lost(services: Shared) -> dict[str, int]:
    """Send again what Redis has lost; return the number of each kind."""
    services.lookups.refill()
    return services.dispatcher.resend_all_lost()


def send_resume_task(services: Shared) -> Answer:
    """Send the maintenance task that resumes interrupted scans. The appliance's timer calls this."""
    return {"sent": services.dispatcher.send("maintenance.resume_sessions")}


def send_purge_task(services: Shared, missing_before: Annotated[float, Body(embed=True)]) -> Answer:
    """Send the maintenance task that deletes missing tracks. Only the internal API has it: nothing else deletes one."""
    return {"sent": services.dispatcher.send("maintenance.purge", missing_before=missing_before)}
