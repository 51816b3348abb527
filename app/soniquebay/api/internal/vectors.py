"""The result of an analysis: what follows from the sound of a track."""

import sqlite3
from collections.abc import Callable

from fastapi import APIRouter, HTTPException

from soniquebay.api import remote_samples
from soniquebay.api.analysis_result import AnalysisResult
from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.services import Services, Shared

router = APIRouter(prefix="/internal", route_class=InternalRoute)


@router.put("/vectors/{track_id}")
def store_vector(services: Shared, track_id: int, result: AnalysisResult) -> Answer:
    """Store a track's vector, or why it has none. One of another machine is compared with it if it is a sample."""
    remote_samples.compare(services, track_id, result)
    return {"stored": store_analysis(services, track_id, result)}


def store_analysis(
    services: Services,
    track_id: int,
    result: AnalysisResult,
    store: Callable[[sqlite3.Connection, int], bool] | None = None,
) -> bool:
    """Store the result of an analysis; False if the track no longer exists. Answer 422 for what is none.

    `store` takes the place of `AnalysisResult.store`.
    """
    store = store or result.store
    try:
        with services.database.transaction() as db:
            stored = store(db, track_id)
    except (ValueError, sqlite3.IntegrityError) as error:
        raise HTTPException(422, f"not a vector: {error}") from error
    if stored:
        services.vectors.update(track_id, result.version, result.vector)
        services.map_upkeep.mark_outdated()
        services.duplicate_upkeep.mark_outdated()
    services.progress.analysed()
    services.tasks_finished(services.dispatcher.vector_feeder, [track_id])
    return stored
