"""The loudness of a track, as it was measured."""

import sqlite3
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.services import Shared
from soniquebay.library import loudness
from soniquebay.library.loudness import Measurement

router = APIRouter(prefix="/internal", route_class=InternalRoute)
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class MeasurementResult(BaseModel):
    """What was measured of a track, or the reason why nothing was."""

    integrated_lufs: _Finite | None = None
    sample_peak: _Finite | None = None
    silence_start_seconds: _Finite = 0.0
    silence_end_seconds: _Finite = 0.0
    failure: str | None = None
    retry_later: bool = False
    """The file was unavailable, or its measurement timed out."""


@router.put("/loudness/{track_id}")
def store_loudness(services: Shared, track_id: int, result: MeasurementResult) -> Answer:
    """Store how loud a track is, or why nobody knows."""
    measurement = None
    if result.sample_peak is not None:
        measurement = Measurement(
            result.integrated_lufs, result.sample_peak, result.silence_start_seconds, result.silence_end_seconds
        )
    try:
        with services.database.transaction() as db:
            stored = loudness.store(db, track_id, measurement, result.failure, retry_later=result.retry_later)
    except (ValueError, sqlite3.IntegrityError) as error:
        raise HTTPException(422, f"not a measurement: {error}") from error
    services.tasks_finished(services.dispatcher.loudness_feeder, [track_id])
    return {"stored": stored}
