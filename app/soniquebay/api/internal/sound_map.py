"""The places of tracks on the map, as the worker computes them."""

from typing import Annotated

from fastapi import APIRouter, Body, HTTPException
from pydantic import BaseModel, Field

from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.models.fields import Id
from soniquebay.api.services import Shared
from soniquebay.library.similarity import map_places

router = APIRouter(prefix="/internal/map", route_class=InternalRoute)
_Coordinate = Annotated[int, Field(ge=0, le=map_places.MAX_COORDINATE)]
_Version = Annotated[int, Field(ge=0, le=2**31)]


class Places(BaseModel):
    """Tracks with their places: id, x and y."""

    places: list[tuple[Id, _Coordinate, _Coordinate]]


class Finished(BaseModel):
    """What the map was made from, and how much processor time that took."""

    feature_version: _Version
    algorithm_version: _Version
    cpu_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


@router.post("/layouts")
def begin_layout(services: Shared) -> Answer:
    """Begin a new layout beside the one that is shown; return its number."""
    with services.database.transaction() as db:
        return {"layout": map_places.begin(db)}


@router.post("/layouts/{layout}/places")
def store_places(services: Shared, layout: Id, body: Places) -> Answer:
    """Store some places of a layout; 409 when another one was begun meanwhile."""
    try:
        with services.database.transaction() as db:
            return {"stored": map_places.store(db, layout, body.places)}
    except map_places.OutdatedLayoutError as error:
        raise HTTPException(409, str(error)) from error


@router.post("/layouts/{layout}/finish")
def finish_layout(services: Shared, layout: Annotated[int, Field(ge=0, le=2**62)], body: Finished) -> Answer:
    """Show a layout from now on. Layout 0 is finished when no track has a vector."""
    try:
        if layout:
            with services.database.transaction() as db:
                map_places.finish(db, layout, body.feature_version, body.algorithm_version)
    except map_places.OutdatedLayoutError as error:
        raise HTTPException(409, str(error)) from error
    services.map_upkeep.finished(body.cpu_seconds)
    return {}


@router.post("/progress")
def note_progress(
    services: Shared, share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), Body(embed=True)]
) -> Answer:
    """Note how much of a new layout is computed."""
    services.map_upkeep.progress = share
    return {}
