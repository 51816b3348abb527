"""Search, similar tracks and covers."""

import sqlite3
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, HTTPException, Path, Query
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.dispatcher import NotSentError
from soniquebay.api.etags import has_tag
from soniquebay.api.models.fields import Id
from soniquebay.api.models.paging import Limit, PageQuery
from soniquebay.api.models.problems import Problem
from soniquebay.api.models.searching import FoundAlbums, FoundAll, FoundArtists, FoundGenres, FoundTracks
from soniquebay.api.models.tracks import Similar
from soniquebay.api.services import Services, Shared
from soniquebay.library import covers, queries
from soniquebay.library import search as full_text
from soniquebay.library.browsing import details

router = APIRouter(prefix="/api", tags=["library"], responses=REFUSALS)
NO_TRACK: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "no such track"}}
_NOT_SENT: dict[int | str, dict[str, Any]] = {
    503: {
        "model": Problem,
        "description": "Redis takes no task now, or many tracks wait; `Retry-After` says when to ask",
    }
}
RETRY_AFTER_SECONDS = 60
# An album may get another cover, so a browser asks again after an hour, with the ETag that it has.
COVER_CACHE_CONTROL = "public, max-age=3600"
MAX_WHOLE_PICTURE_BYTES = 1 << 20  # is read at once; a longer one is sent piece by piece


class SimilarQuery(BaseModel):
    """How many similar tracks to return."""

    model_config = ConfigDict(extra="forbid")

    limit: Limit = 20


@router.get("/tracks/{track_id}/similar", response_model=Similar, responses=NO_TRACK)
def similar(services: Shared, track_id: Id, query: Annotated[SimilarQuery, Query()]) -> Any:
    """Return the tracks that sound most like this one. 404 also while the track has no vector."""
    db = services.database.reader()
    nearest = services.vectors.nearest(db, track_id, query.limit)
    if nearest is None:
        track = queries.track(db, track_id)
        if track is None:
            raise HTTPException(404, f"no track {track_id}")
        outdated = "it was analysed by an older release and is analysed again" if track["has_vector"] else None
        reason = track["vector_failure"] or outdated or "it is still to be analysed"
        raise HTTPException(404, f"track {track_id} has no vector: {reason}")
    return {"items": queries.tracks_with_similarity(db, nearest)}


@router.post("/tracks/{track_id}/vector", dependencies=[Manager], status_code=202, responses={**NO_TRACK, **_NOT_SENT})
def calculate_vector(services: Shared, track_id: Id) -> dict[str, int]:
    """Analyse a track again. The answer comes before the analysis. A track that waits already is not sent twice."""
    try:
        is_known = services.dispatcher.send_analysis(services.database.reader(), track_id)
    except NotSentError as error:
        raise HTTPException(503, str(error), {"Retry-After": str(RETRY_AFTER_SECONDS)}) from error
    if not is_known:
        raise HTTPException(404, f"no track {track_id}")
    return {"track_id": track_id}


SearchText = Annotated[
    str,
    Field(
        max_length=200, description="words in any order; the last one may be the first two or more letters of a word"
    ),
]


class SearchQuery(PageQuery):
    """What to search for."""

    q: SearchText
    type: full_text.Kind = Field(default="track", description="what to find")


class SearchAllQuery(BaseModel):
    """What to search for among all kinds."""

    model_config = ConfigDict(extra="forbid")

    q: SearchText
    limit: int = Field(default=5, ge=1, le=50, description="how many of each kind to return at most")


_BY_ID: dict[full_text.Kind, Callable[[sqlite3.Connection, list[int]], list[queries.Row]]] = {
    "track": queries.tracks_by_id,
    "album": queries.albums_by_id,
    "artist": queries.artists_by_id,
    "genre": details.genres_by_id,
}


# The first that fits is it: no kind of item has all the fields of another that comes before it.
_FOUND = Annotated[
    FoundTracks | FoundAlbums | FoundArtists | FoundGenres,
    Field(union_mode="left_to_right"),
]


@router.get("/search", response_model=_FOUND)
def search(services: Shared, query: Annotated[SearchQuery, Query()]) -> Any:
    """Find the tracks, albums, artists or genres that have every word; fewer than ten are followed by similar ones.

    A track has the words of its title, artists, album, genres, path and lyrics. An album has those of its title and
    artist.
    """
    return _found(services, query.q, query.type, query.limit, query.offset)


@router.get("/search/all", response_model=FoundAll)
def search_all(services: Shared, query: Annotated[SearchAllQuery, Query()]) -> Any:
    """Find the best tracks, albums, artists and genres at once."""
    return {f"{kind}s": _found(services, query.q, kind, query.limit, 0) for kind in _BY_ID}


def _found(services: Services, text: str, kind: full_text.Kind, limit: int, offset: int) -> dict[str, Any]:
    db = services.database.reader()
    hits = full_text.find(db, text, limit, offset, kind)
    return {
        "items": _BY_ID[kind](db, hits.ids),
        "total": hits.total,
        "similar": hits.similar,
        "complete": full_text.is_complete(db),
    }


@router.get(
    "/covers/{kind}/{item_id}",
    response_class=FileResponse,
    responses={
        304: {"description": "the cover with the given ETag is still the current one"},
        200: {"content": {f"image/{kind}": {} for kind in ("jpeg", "png", "webp", "gif", "avif")}},
        404: {"model": Problem, "description": "no cover"},
    },
)
def cover(  # noqa: PLR0917 - the parameters of a query
    services: Shared,
    kind: Annotated[Literal["album", "track", "artist"], Path(description="what the id belongs to")],
    item_id: Id,
    size: Annotated[
        int | None, Query(ge=1, le=4096, description="pixels of the longer side; without it the original")
    ] = None,
    disc: Annotated[
        int | None, Query(ge=1, le=2**31, description="number of a disc of an album, whose own cover is preferred")
    ] = None,
    if_none_match: Annotated[str | None, Header()] = None,
    accept: Annotated[str | None, Header(description="if it names WebP, smaller sizes are WebP, else JPEG")] = None,
) -> Response:
    """Return the cover of an album or of one of its discs, or the picture of a track or an artist.

    A track without a picture of its own has the cover of its album, an artist that of the first album that has one.
    With `size`, the smallest of its sizes that has at least so many pixels on the longer side.
    """
    item_cover = covers.find_cover(services.database.reader(), kind, item_id, disc)
    if item_cover is None:
        raise HTTPException(404, f"no cover for {kind} {item_id}")
    file = covers.find_file(services.settings.covers, item_cover, size, webp=_accepts_webp(accept or ""))
    if file is None:
        raise HTTPException(404, f"the cover of {kind} {item_id} is no longer there")
    path, media_type = file
    etag = f'"{path.name}"'  # the name is made from the content
    headers = {
        "ETag": etag,
        "Cache-Control": COVER_CACHE_CONTROL,
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }
    if has_tag(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    try:
        if path.stat().st_size > MAX_WHOLE_PICTURE_BYTES:
            return FileResponse(path, media_type=media_type, headers=headers)
        return Response(path.read_bytes(), media_type=media_type, headers=headers)
    except FileNotFoundError as error:  # deleted since
        raise HTTPException(404, f"the cover of {kind} {item_id} is no longer there") from error


def _accepts_webp(accept: str) -> bool:
    """Tell whether an Accept header names WebP. One of any kind (``*/*``) may come from a client that knows none."""
    for part in accept.lower().split(","):
        media_type, *parameters = (word.strip() for word in part.split(";"))
        if media_type == "image/webp":
            return not any(_is_zero_weight(parameter) for parameter in parameters)
    return False


def _is_zero_weight(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and bool(value.strip()) and not value.strip().strip("0.")
