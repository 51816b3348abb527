"""Read the library: tracks, albums, artists, search, similar tracks, covers."""

import sqlite3
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, HTTPException, Path, Query
from fastapi.responses import FileResponse, Response
from pydantic import Field

from soniquebay.api import models
from soniquebay.api.services import Services, Shared
from soniquebay.library import covers, queries
from soniquebay.library import search as full_text

router = APIRouter(prefix="/api", tags=["library"])
NO_TRACK: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem, "description": "no such track"}}
# An album may get another cover, so a browser asks again after an hour, with the ETag that it has.
COVER_CACHE_CONTROL = "public, max-age=3600"
AlbumFilter = Annotated[int | None, Query(ge=1, le=2**62, description="only those of the album with this id")]
ArtistFilter = Annotated[int | None, Query(ge=1, le=2**62, description="only those of the artist with this id")]


@router.get("/tracks", response_model=models.TrackPage)
def list_tracks(  # noqa: PLR0917 - the parameters of a query
    services: Shared,
    limit: models.Limit = 50,
    offset: models.Offset = 0,
    album_id: AlbumFilter = None,
    artist_id: ArtistFilter = None,
    missing: Annotated[bool, Query(description="those whose file is missing instead of all others")] = False,
) -> Any:
    """List tracks by album, disc and number."""
    return queries.tracks(services.database.reader(), limit, offset, album_id, artist_id, missing=missing)


@router.get("/tracks/{track_id}", response_model=models.Track, responses=NO_TRACK)
def get_track(services: Shared, track_id: models.Id) -> Any:
    """Return one track."""
    track = queries.track(services.database.reader(), track_id)
    if track is None:
        raise HTTPException(404, f"no track {track_id}")
    return track


@router.get("/tracks/{track_id}/similar", response_model=models.Similar, responses=NO_TRACK)
def similar(services: Shared, track_id: models.Id, limit: models.Limit = 20) -> Any:
    """Return the tracks that sound most like this one. 404 also while the track has no vector."""
    db = services.database.reader()
    nearest = services.vectors.nearest(db, track_id, limit)
    if nearest is None:
        track = queries.track(db, track_id)
        if track is None:
            raise HTTPException(404, f"no track {track_id}")
        outdated = "it was analysed by an older release and is analysed again" if track["has_vector"] else None
        reason = track["vector_failure"] or outdated or "it is still to be analysed"
        raise HTTPException(404, f"track {track_id} has no vector: {reason}")
    scores = dict(nearest)
    tracks = queries.tracks_by_id(db, list(scores))
    return {"items": [{**track, "similarity": scores[track["id"]]} for track in tracks]}


@router.post("/tracks/{track_id}/vector", status_code=202, responses=NO_TRACK)
def calculate_vector(services: Shared, track_id: models.Id) -> dict[str, int]:
    """Analyse a track again. The answer comes before the analysis."""
    if not services.dispatcher.send_analysis(services.database.reader(), track_id):
        raise HTTPException(404, f"no track {track_id}")
    return {"track_id": track_id}


@router.get("/albums", response_model=models.AlbumPage)
def list_albums(
    services: Shared, limit: models.Limit = 50, offset: models.Offset = 0, artist_id: ArtistFilter = None
) -> Any:
    """List albums by artist and year."""
    return queries.albums(services.database.reader(), limit, offset, artist_id)


@router.get("/artists", response_model=models.ArtistPage)
def list_artists(services: Shared, limit: models.Limit = 50, offset: models.Offset = 0) -> Any:
    """List artists by name."""
    return queries.artists(services.database.reader(), limit, offset)


SearchText = Annotated[
    str,
    Query(
        max_length=200, description="words in any order; the last one may be the first two or more letters of a word"
    ),
]
_BY_ID: dict[full_text.Kind, Callable[[sqlite3.Connection, list[int]], list[queries.Row]]] = {
    "track": queries.tracks_by_id,
    "album": queries.albums_by_id,
    "artist": queries.artists_by_id,
    "genre": queries.genres_by_id,
}


# The first that fits is it: no kind of item has all the fields of another that comes before it.
_FOUND = Annotated[
    models.FoundTracks | models.FoundAlbums | models.FoundArtists | models.FoundGenres,
    Field(union_mode="left_to_right"),
]


@router.get("/search", response_model=_FOUND)
def search(
    services: Shared,
    q: SearchText,
    kind: Annotated[full_text.Kind, Query(alias="type", description="what to find")] = "track",
    limit: models.Limit = 50,
    offset: models.Offset = 0,
) -> Any:
    """Find the tracks, albums, artists or genres that have every word; fewer than ten are followed by similar ones.

    A track has the words of its title, artists, album, genres, path and lyrics. An album has those of its title and
    artist.
    """
    return _found(services, q, kind, limit, offset)


@router.get("/search/all", response_model=models.FoundAll)
def search_all(
    services: Shared,
    q: SearchText,
    limit: Annotated[int, Query(ge=1, le=50, description="how many of each kind to return at most")] = 5,
) -> Any:
    """Find the best tracks, albums, artists and genres at once."""
    return {f"{kind}s": _found(services, q, kind, limit, 0) for kind in _BY_ID}


def _found(services: Services, text: str, kind: full_text.Kind, limit: int, offset: int) -> dict[str, Any]:
    db = services.database.reader()
    hits = full_text.find(db, text, limit, offset, kind)
    return {"items": _BY_ID[kind](db, hits.ids), "total": hits.total, "complete": full_text.is_complete(db)}


@router.get(
    "/covers/{kind}/{item_id}",
    response_class=FileResponse,
    responses={
        304: {"description": "the cover with the given ETag is still the current one"},
        200: {"content": {f"image/{kind}": {} for kind in ("jpeg", "png", "webp", "gif", "avif")}},
        404: {"model": models.Problem, "description": "no cover"},
    },
)
def cover(  # noqa: PLR0917 - the parameters of a query
    services: Shared,
    kind: Annotated[Literal["album", "track", "artist"], Path(description="what the id belongs to")],
    item_id: models.Id,
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
    known_etags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if known_etags & {etag, "*"}:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=media_type, headers=headers)


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
