"""The result of an analysis: what follows from the sound of a track."""

import sqlite3

from fastapi import APIRouter, HTTPException

from soniquebay.api.analysis_result import AnalysisResult
from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.services import Shared

router = APIRouter(prefix="/internal", route_class=InternalRoute)


@router.put("/vectors/{track_id}")
def store_vector(services: Shared, track_id: int, result: AnalysisResult) -> Answer:
    """Store a track's vector, or why it has none."""
    try:
        with services.database.transaction() as db:
            stored = result.store(db, track_id)
    except (ValueError, sqlite3.IntegrityError) as error:
        raise HTTPException(422, f"not a vector: {error}") from error
    if stored:
        services.vectors.update(track_id, result.version, result.vector)
        services.map_upkeep.mark_outdated()
        services.duplicate_upkeep.mark_outdated()
    services.progress.analysed()
    services.tasks_finished(services.dispatcher.vector_feeder, [track_id])
    return {"stored": stored}
