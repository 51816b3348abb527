"""Reading the library: tracks, albums, artists, search, neighbours, covers."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, HTTPException, Query
from fastapi.responses import FileResponse, Response

from soniquebay.api import models
from soniquebay.api.services import Shared
from soniquebay.library import covers, queries
from soniquebay.library import search as full_text

router = APIRouter(prefix="/api", tags=["library"])
NO_TRACK: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem, "description": "no such track"}}
# Asked again after an hour, and by its ETag: an album may get another cover.
COVER_CACHE = "public, max-age=3600"
RowId = Annotated[int, Query(ge=1, le=2**62)]


@router.get("/tracks", response_model=models.TrackPage)
def list_tracks(  # noqa: PLR0917 - the parameters of a query
    services: Shared,
    limit: models.Limit = 50,
    offset: models.Offset = 0,
    album_id: RowId | None = None,
    artist_id: RowId | None = None,
    missing: bool = False,
) -> Any:
    """List tracks by album, disc and number; one album's or one artist's if asked, or those whose file is missing."""
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
    """Return the tracks that sound most like this one; 404 also while it has no vector yet."""
    db = services.database.reader()
    nearest = services.vectors.nearest(db, track_id, limit)
    if nearest is None:
        track = queries.track(db, track_id)
        if track is None:
            raise HTTPException(404, f"no track {track_id}")
        waiting = "it was analysed by an older release and is analysed anew" if track["has_vector"] else None
        why = track["vector_failure"] or waiting or "it is still to be analysed"
        raise HTTPException(404, f"track {track_id} has no vector: {why}")
    scores = dict(nearest)
    return {"items": [{**t, "similarity": scores[t["id"]]} for t in queries.tracks_by_id(db, list(scores))]}


@router.post("/tracks/{track_id}/vector", status_code=202, responses=NO_TRACK)
def calculate_vector(services: Shared, track_id: models.Id) -> dict[str, int]:
    """Have a track analysed anew."""
    if not services.dispatcher.vector(services.database.reader(), track_id):
        raise HTTPException(404, f"no track {track_id}")
    return {"track_id": track_id}


@router.get("/albums", response_model=models.AlbumPage)
def list_albums(
    services: Shared, limit: models.Limit = 50, offset: models.Offset = 0, artist_id: RowId | None = None
) -> Any:
    """List albums by artist and year."""
    return queries.albums(services.database.reader(), limit, offset, artist_id)


@router.get("/artists", response_model=models.ArtistPage)
def list_artists(services: Shared, limit: models.Limit = 50, offset: models.Offset = 0) -> Any:
    """List artists by name."""
    return queries.artists(services.database.reader(), limit, offset)


@router.get("/search", response_model=models.TrackPage)
def search(
    services: Shared,
    q: Annotated[
        str,
        Query(
            max_length=200,
            description="words of title, artist and album; the last may be a beginning of two letters or more",
        ),
    ],
    limit: models.Limit = 50,
    offset: models.Offset = 0,
) -> Any:
    """Find tracks that hold every word; `total` is counted up to 10,000."""
    db = services.database.reader()
    hits = full_text.find(db, q, limit, offset)
    return queries.Page(queries.tracks_by_id(db, hits.ids), hits.total)


@router.get(
    "/covers/{kind}/{item_id}",
    response_class=FileResponse,
    responses={
        304: {"description": "the one with the ETag given is still it"},
        200: {"content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}, "image/gif": {}}},
        404: {"model": models.Problem, "description": "no cover"},
    },
)
def cover(
    services: Shared,
    kind: Literal["album", "track", "artist"],
    item_id: models.Id,
    size: Annotated[int | None, Query(ge=1, le=4096, description="pixels wanted; without it the original")] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return the cover of an album; a track shows its album's, an artist that of an album.

    With `size`, the smallest form of it that has as many pixels on its longer side.
    """
    found = covers.find_cover(services.database.reader(), kind, item_id)
    if found is None:
        raise HTTPException(404, f"no cover for {kind} {item_id}")
    file = covers.find_file(services.settings.covers, found, size)
    if file is None:
        raise HTTPException(404, f"the cover of {kind} {item_id} is no longer there")
    path, media_type = file
    etag = f'"{path.name}"'  # named by its content
    headers = {"ETag": etag, "Cache-Control": COVER_CACHE, "X-Content-Type-Options": "nosniff"}
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if known & {etag, "*"}:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=media_type, headers=headers)
