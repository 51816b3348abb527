"""The map of the library: where each track lies among those that sound like it."""

import gzip
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from soniquebay.api.access import REFUSALS
from soniquebay.api.etags import has_tag
from soniquebay.api.models.fields import Id
from soniquebay.api.models.sound_map import MapNames, MapState, MapTracks
from soniquebay.api.services import Shared
from soniquebay.library import queries
from soniquebay.library.similarity import map_places
from soniquebay.library.similarity.tag_names import TAG_NAMES

router = APIRouter(prefix="/api/map", tags=["library"], responses=REFUSALS)
MEDIA_TYPE = "application/octet-stream"
_CACHE_CONTROL = "no-cache"  # the browser asks again each time, with the ETag that it has
MAX_TRACKS = 200  # of one request; its address has so many ids


class MapTracksQuery(BaseModel):
    """Which tracks of the map are asked for."""

    model_config = ConfigDict(extra="forbid")

    id: list[Id] = Field(min_length=1, max_length=MAX_TRACKS, description="ids of tracks")


@router.get(
    "",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}, "description": "the points"},
        304: {"description": "the map with the given ETag is still the current one"},
    },
)
def get_map(
    services: Shared,
    if_none_match: Annotated[str | None, Header()] = None,
    accept_encoding: Annotated[str | None, Header(description="gzip: the answer is compressed")] = None,
) -> Response:
    """Return the points of all tracks on the map, 21 bytes each, little-endian, column by column.

    First `SBM2` and the number of points n (uint32). Then n values of each column: track id, artist id, id of the first
    genre (uint32); x, y from 0 to 65535, year (uint16); key, beats a minute, sound tag (uint8). 0 stands for what a
    track does not have. Key 1 is C major, 12 B major, 13 C minor, 24 B minor. The sound tag is the most likely one; 1
    is the first of `sound_tags` in `GET /api/map/names`. It is a guess. The tracks are in the order of their ids.
    """
    body = services.map_body.get()
    headers = {"ETag": body.etag, "Cache-Control": _CACHE_CONTROL, "Vary": "Accept-Encoding"}
    if has_tag(if_none_match, body.etag):
        return Response(status_code=304, headers=headers)
    if "gzip" in (accept_encoding or ""):
        return Response(body.compressed, media_type=MEDIA_TYPE, headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(body.compressed), media_type=MEDIA_TYPE, headers=headers)


@router.get("/state", response_model=MapState)
def get_map_state(services: Shared) -> Any:
    """Return how much of the library is on the map."""
    db = services.database.reader()
    plan = map_places.plan(db)
    return {
        "tracks": queries.track_count(db),
        "analysed": plan.analysed,
        "placed": plan.analysed - plan.unplaced,
        "layout": plan.layout,
        "progress": services.map_upkeep.progress,
    }


@router.get("/names", response_model=MapNames)
def get_map_names(services: Shared) -> Any:
    """Return the names of the genres on the map, of its artists with the most tracks, and of the sound tags."""
    found = map_places.names(services.database.reader())
    named = {kind: [{"id": item_id, "name": name} for item_id, name in rows] for kind, rows in found.items()}
    return {**named, "sound_tags": TAG_NAMES}


@router.get("/tracks", response_model=MapTracks)
def get_map_tracks(services: Shared, query: Annotated[MapTracksQuery, Query()]) -> Any:
    """Return tracks by their ids, in the order of the ids. Those that are missing or unknown are left out."""
    rows = queries.tracks_by_id(services.database.reader(), query.id)
    return {"items": [row for row in rows if row["missing_since"] is None]}
