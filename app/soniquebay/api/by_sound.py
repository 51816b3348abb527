"""Tracks by their sound: a path from one to another, a radio, and what is like some and unlike others."""

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from soniquebay.api.access import REFUSALS
from soniquebay.api.models.fields import Id
from soniquebay.api.models.problems import Problem
from soniquebay.api.models.tracks import TracksBySound
from soniquebay.api.services import Shared
from soniquebay.library import queries
from soniquebay.library.similarity import artists, radio
from soniquebay.library.similarity.seeds import seeds

router = APIRouter(prefix="/api", tags=["library"], responses=REFUSALS)
MAX_PATH_TRACKS, MAX_ANSWERED_TRACKS = 100, 200
MAX_HEARD_TRACKS, MAX_BLENDED_TRACKS = 500, 50
_NO_VECTOR: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "one of these does not exist, or has no vector"}
}


class PathQuery(BaseModel):
    """Where a path begins and ends."""

    model_config = ConfigDict(extra="forbid")

    first_id: Id = Field(alias="from", description="id of the first track")
    last_id: Id = Field(alias="to", description="id of the last track")
    length: int = Field(default=12, ge=2, le=MAX_PATH_TRACKS, description="how many tracks, both ends included")


class RadioQuery(BaseModel):
    """What a radio is like. Exactly one of the four ids has to be given."""

    model_config = ConfigDict(extra="forbid")

    track_id: Id | None = None
    album_id: Id | None = None
    artist_id: Id | None = None
    genre_id: Id | None = None
    exclude: list[Id] = Field(
        default=[],
        max_length=MAX_HEARD_TRACKS,
        description="ids of tracks that are not returned, as those that were played; the last one played at the end",
    )
    seed: int | None = Field(default=None, ge=0, le=2**53, description="the same seed returns the same tracks")
    limit: int = Field(default=20, ge=1, le=MAX_ANSWERED_TRACKS)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(value is not None for value in (self.track_id, self.album_id, self.artist_id, self.genre_id)) != 1:
            raise ValueError("exactly one of track_id, album_id, artist_id and genre_id has to be given")
        return self


class BlendQuery(BaseModel):
    """What the tracks are to sound like, and what not."""

    model_config = ConfigDict(extra="forbid")

    more: list[Id] = Field(min_length=1, max_length=MAX_BLENDED_TRACKS, description="ids of tracks to be like")
    less: list[Id] = Field(default=[], max_length=MAX_BLENDED_TRACKS, description="ids of tracks to be unlike")
    limit: int = Field(default=20, ge=1, le=MAX_ANSWERED_TRACKS)


@router.get("/path", response_model=TracksBySound, responses=_NO_VECTOR)
def path(services: Shared, query: Annotated[PathQuery, Query()]) -> Any:
    """Return tracks that lead from one to another by their sound. `similarity` is the one to the first track.

    Each step is short, and leads to another artist where one is left. A small library may have fewer tracks.
    """
    db = services.database.reader()
    found = services.vectors.path(db, query.first_id, query.last_id, query.length)
    if found is None:
        raise HTTPException(404, f"track {query.first_id} or {query.last_id} does not exist, or has no vector")
    return {"items": queries.tracks_with_similarity(db, found)}


@router.get("/radio", response_model=TracksBySound, responses=_NO_VECTOR)
def play_radio(services: Shared, query: Annotated[RadioQuery, Query()]) -> Any:
    """Return tracks that sound like a track, an album, an artist or a genre, in an order for playing.

    Without `seed` they are others each time. No artist follows himself unless no other is left. With those that were
    played as `exclude`, the radio goes on until the 1,000 nearest tracks were heard.
    """
    db = services.database.reader()
    if query.track_id is not None:
        ids = [query.track_id]
    else:
        kinds: tuple[tuple[Literal["album", "artist", "genre"], int | None], ...] = (
            ("album", query.album_id), ("artist", query.artist_id), ("genre", query.genre_id)
        )  # fmt: skip
        ids = next(seeds(db, kind, item_id) for kind, item_id in kinds if item_id is not None)
    found = services.vectors.nearest_to_mean(db, ids, radio.MAX_CONSIDERED_TRACKS)
    if not found:
        raise HTTPException(404, "there is no such item, or none of its tracks has a vector")
    credits = artists.credited(db, [track_id for track_id, _ in found] + query.exclude[-1:])
    similarity = dict(found)
    chosen = radio.next_tracks(found, credits, query.limit, query.seed, query.exclude)
    return {"items": queries.tracks_with_similarity(db, [(track_id, similarity[track_id]) for track_id in chosen])}


@router.get("/blend", response_model=TracksBySound, responses=_NO_VECTOR)
def blend(services: Shared, query: Annotated[BlendQuery, Query()]) -> Any:
    """Return tracks that sound like the mean of some tracks, and unlike others; none of the given ones."""
    db = services.database.reader()
    given = {*query.more, *query.less}
    found = services.vectors.nearest_to_mean(db, query.more, query.limit + len(given), away_from=query.less)
    if not found:
        raise HTTPException(404, "none of the tracks in `more` has a vector")
    return {"items": queries.tracks_with_similarity(db, [row for row in found if row[0] not in given][: query.limit])}
