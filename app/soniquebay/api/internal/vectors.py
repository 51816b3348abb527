"""The result of an analysis: a track's vector, tempo and musical key."""

import base64
import binascii
import sqlite3
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.services import Shared
from soniquebay.library.similarity import vectors

router = APIRouter(prefix="/internal", route_class=InternalRoute)


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


@router.put("/vectors/{track_id}")
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
        services.map_upkeep.mark_outdated()
    services.progress.analysed()
    services.tasks_finished(services.dispatcher.vector_feeder, [track_id])
    return {"stored": stored}
