"""What a worker on another machine may do: tell that it is there, read the files of its tracks, bring their vectors."""

import logging
import sqlite3
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from soniquebay.api.analysis_result import AnalysisResult, SoundTags
from soniquebay.api.file_answer import file_answer
from soniquebay.api.internal.vectors import store_analysis
from soniquebay.api.models.fields import Id
from soniquebay.api.playing import find_track, open_track
from soniquebay.api.services import Services, Shared
from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.audio.media_types import UNKNOWN
from soniquebay.library import leases, queries, remote_vectors
from soniquebay.library.similarity.vectors import MIN_CORRECTION_SECONDS
from soniquebay.listeners.remote_workers import MAX_PROCESSES

log = logging.getLogger(__name__)
MAX_ENCODED_CHARACTERS = 100_000
router = APIRouter(prefix="/worker")


def get_worker(request: Request, services: Shared) -> Any:
    """Return the name of the worker that sends a request; answer 401 without its token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    name = services.remote_workers.name_of(token.strip()) if scheme.lower() == "bearer" else None
    if name is None:
        raise HTTPException(401, "no worker with this token has joined, or it was revoked or suspended: join again")
    return name


Worker = Annotated[str, Depends(get_worker)]


class Heartbeat(BaseModel):
    """What a worker says of itself, now and again."""

    model_config = ConfigDict(extra="forbid")

    processes: Annotated[int, Field(ge=1, le=MAX_PROCESSES)]
    feature_version: int
    busy: Annotated[list[int], Field(max_length=leases.MAX_TRACKS_OF_WORKER)] = []
    """The tracks that it has received and not brought yet."""
    begins: bool = False
    """It has just started, so it knows nothing of tracks that were leased to it before."""


class RemoteResult(BaseModel):
    """What follows from the sound of a track, as `AnalysisResult`. A failure is none: this machine tries itself."""

    model_config = ConfigDict(extra="forbid")

    version: int
    data: Annotated[str, Field(max_length=MAX_ENCODED_CHARACTERS)]
    bpm: float | None = None
    bpm_confidence: float | None = None
    musical_key: str | None = None
    sound_tags: SoundTags | None = None
    acoustic_fingerprint: Annotated[str, Field(max_length=MAX_ENCODED_CHARACTERS)] | None = None
    length: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


@router.post("/heartbeat", status_code=204)
def heartbeat(services: Shared, worker: Worker, body: Heartbeat) -> None:
    """Note that a worker is there, and has so many processes."""
    if body.feature_version != FEATURE_VERSION:
        raise HTTPException(
            409,
            f"its vectors would be of version {body.feature_version}, and the appliance has version {FEATURE_VERSION}: "
            "install the same release of SoniqueBay on both machines",
        )
    if body.begins and leases.count_of(services.database.reader(), worker):
        with services.database.transaction() as db:
            leases.end_all(db, worker)
    services.remote_workers.note_seen(worker, body.processes, body.busy)
    services.request_refill()


@router.get("/tracks/{track_id}/file", response_class=Response)
async def file_of_track(request: Request, services: Shared, worker: Worker, track_id: Id) -> Response:
    """Return the file of a track that was leased to the worker, or a range of it."""
    await run_in_threadpool(lambda: _require_lease(services.database.reader(), worker, track_id))
    file = await open_track(services, await find_track(services, track_id))
    return file_answer(request, services.file_reader, file, UNKNOWN, {})


@router.put("/tracks/{track_id}/vector", status_code=204)
def bring_vector(services: Shared, worker: Worker, track_id: Id, body: RemoteResult) -> None:
    """Store the vector of a track that was leased to the worker.

    What is no vector, and what would change the length of the track, is not believed: this machine analyses the track.
    A sample of the vectors is compared with its own.
    """
    result = AnalysisResult(**body.model_dump())

    def store(db: sqlite3.Connection, track_id: int) -> bool:
        _require_lease(db, worker, track_id)  # it may have been suspended meanwhile
        stored = result.store(db, track_id)
        if stored:
            remote_vectors.note(db, worker, track_id, time.time())
        return stored

    _require_lease(services.database.reader(), worker, track_id)
    track = queries.file_of_track(services.database.reader(), track_id)
    try:
        if track and body.length and abs(track["duration"] - body.length) > MIN_CORRECTION_SECONDS:
            raise HTTPException(422, f"the track is said to last {track['duration']} s, and not {body.length} s")
        store_analysis(services, track_id, result, store)
    except HTTPException as error:
        log.warning("track %d of remote worker %s is analysed here: %s", track_id, worker, error.detail)
        _leave_here(services, worker, track_id)
        raise
    services.remote_workers.count_vector()
    services.request_refill()


@router.delete("/tracks/{track_id}", status_code=204)
def give_back(services: Shared, worker: Worker, track_id: Id) -> None:
    """Leave a track to this machine, because the worker could not analyse it."""
    _require_lease(services.database.reader(), worker, track_id)
    _leave_here(services, worker, track_id)


def _leave_here(services: Services, worker: str, track_id: int) -> None:
    with services.database.transaction() as db:
        leases.give_back(db, worker, track_id)
    services.request_refill()


def _require_lease(db: sqlite3.Connection, worker: str, track_id: int) -> None:
    if not leases.holds(db, worker, track_id, time.time()):
        raise HTTPException(409, f"track {track_id} is not, or no longer, for this worker")
