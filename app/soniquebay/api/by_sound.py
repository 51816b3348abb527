"""Tracks by their sound: a path from one to another, a radio, and what is like some and unlike others."""

import sqlite3
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from soniquebay.api.access import REFUSALS
from soniquebay.api.models.fields import Id, TagName
from soniquebay.api.models.problems import Problem
from soniquebay.api.models.tracks import TracksBySound
from soniquebay.api.services import Services, Shared
from soniquebay.library import queries
from soniquebay.library.similarity import artists, radio
from soniquebay.library.similarity.rankings import MAX_RANKED
from soniquebay.library.similarity.seeds import seeds

router = APIRouter(prefix="/api", tags=["library"], responses=REFUSALS)
MAX_PATH_TRACKS, MAX_ANSWERED_TRACKS = 100, 200
MAX_HEARD_TRACKS, MAX_BLENDED_TRACKS, MAX_TAGS = 500, 50, 10
_NO_VECTOR: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "one of these does not exist, or has no vector"}
}


def _tags(description: str) -> Any:
    return Field(default=[], max_length=MAX_TAGS, description=description)


class PathQuery(BaseModel):
    """Where a path begins and ends."""

    model_config = ConfigDict(extra="forbid")

    first_id: Id = Field(alias="from", description="id of the first track")
    last_id: Id = Field(alias="to", description="id of the last track")
    length: int = Field(default=12, ge=2, le=MAX_PATH_TRACKS, description="how many tracks, both ends included")


class RadioQuery(BaseModel):
    """What a radio is like. One of the four ids has to be given, or `tag`, or both."""

    model_config = ConfigDict(extra="forbid")

    track_id: Id | None = None
    album_id: Id | None = None
    artist_id: Id | None = None
    genre_id: Id | None = None
    tag: list[TagName] = _tags(
        "only tracks of which all these sound tags are guessed (`GET /api/sound-tags`); without an id the radio is "
        "like the tags"
    )
    exclude: list[Id] = Field(
        default=[],
        max_length=MAX_HEARD_TRACKS,
        description="ids of tracks that are not returned, as those that were played; the last one played at the end",
    )
    seed: int | None = Field(default=None, ge=0, le=2**53, description="the same seed returns the same tracks")
    limit: int = Field(default=20, ge=1, le=MAX_ANSWERED_TRACKS)

    @model_validator(mode="after")
    def _check(self) -> Self:
        ids = sum(value is not None for value in (self.track_id, self.album_id, self.artist_id, self.genre_id))
        if ids > 1 or not (ids or self.tag):
            raise ValueError("exactly one of track_id, album_id, artist_id and genre_id has to be given, or tag")
        return self


class BlendQuery(BaseModel):
    """What the tracks are to sound like, and what not."""

    model_config = ConfigDict(extra="forbid")

    more: list[Id] = Field(min_length=1, max_length=MAX_BLENDED_TRACKS, description="ids of tracks to be like")
    less: list[Id] = Field(default=[], max_length=MAX_BLENDED_TRACKS, description="ids of tracks to be unlike")
    tag: list[TagName] = _tags("only tracks of which all these sound tags are guessed; a guess, not what a file says")
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
    """Return tracks that sound like a track, an album, an artist, a genre or sound tags, in an order for playing.

    Without `seed` they are others each time. No artist follows himself unless no other is left. With those that were
    played as `exclude`, the radio goes on until the 1,000 nearest tracks were heard. Of a radio by `tag` alone,
    `similarity` is the one to the track of which the tags are most likely.
    """
    db = services.database.reader()
    ids = _seeds(db, query)
    if ids is None:
        found = _most_likely(services, query.tag)
    else:
        found = _nearest(services, ids, radio.MAX_CONSIDERED_TRACKS, query.tag)
    if not found:
        raise HTTPException(404, "there is no such item, none of its tracks has a vector, or no track has these tags")
    credits = artists.credited(db, [track_id for track_id, _ in found] + query.exclude[-1:])
    similarity = dict(found)
    chosen = radio.next_tracks(found, credits, query.limit, query.seed, query.exclude)
    return {"items": queries.tracks_with_similarity(db, [(track_id, similarity[track_id]) for track_id in chosen])}


@router.get("/blend", response_model=TracksBySound, responses=_NO_VECTOR)
def blend(services: Shared, query: Annotated[BlendQuery, Query()]) -> Any:
    """Return tracks that sound like the mean of some tracks, and unlike others; none of the given ones."""
    db = services.database.reader()
    given = {*query.more, *query.less}
    found = _nearest(services, query.more, query.limit + len(given), query.tag, query.less)
    if not found:
        raise HTTPException(404, "none of the tracks in `more` has a vector, or no track has these tags")
    return {"items": queries.tracks_with_similarity(db, [row for row in found if row[0] not in given][: query.limit])}


def _seeds(db: sqlite3.Connection, query: RadioQuery) -> list[int] | None:
    """Return the tracks of what a radio is like; None if no id is given."""
    if query.track_id is not None:
        return [query.track_id]
    kinds: tuple[tuple[Literal["album", "artist", "genre"], int | None], ...] = (
        ("album", query.album_id), ("artist", query.artist_id), ("genre", query.genre_id)
    )  # fmt: skip
    return next((seeds(db, kind, item_id) for kind, item_id in kinds if item_id is not None), None)


def _nearest(
    services: Services, ids: Sequence[int], limit: int, tags: Sequence[str], away_from: Sequence[int] = ()
) -> list[tuple[int, float]]:
    """Return the tracks nearest to the mean of some; with tags only those, among the 10,000 nearest, that have them."""
    db = services.database.reader()
    found = services.vectors.nearest_to_mean(db, ids, MAX_RANKED if tags else limit, away_from)
    if not tags:
        return found
    tagged = {track_id for track_id, _ in services.sound_tags.tracks(tags)}
    return [row for row in found if row[0] in tagged][:limit]


def _most_likely(services: Services, tags: Sequence[str]) -> list[tuple[int, float]]:
    """Return the present tracks of which tags are most likely, with a score from 0 to 1, which the first one has."""
    found = services.sound_tags.tracks(tags)[: radio.MAX_CONSIDERED_TRACKS]
    present = queries.present(services.database.reader(), [track_id for track_id, _ in found])
    return [(track_id, score / found[0][1]) for track_id, score in found if track_id in present]
