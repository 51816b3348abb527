"""Browse the library: lists of tracks, albums, artists and genres, and one of each."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, HTTPException, Query
from fastapi.exceptions import RequestValidationError
from pydantic import Field, model_validator

from soniquebay.api import models
from soniquebay.api.services import Services, Shared
from soniquebay.library import queries
from soniquebay.library.browsing import browse, details, lists
from soniquebay.library.browsing.cursors import CursorError

router = APIRouter(prefix="/api", tags=["library"])
NO_TRACK: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem, "description": "no such track"}}
NO_ALBUM: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem, "description": "no such album"}}
NO_ARTIST: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem, "description": "no such artist"}}
NO_GENRE: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem, "description": "no such genre"}}

_RANKED = (500, 2000, 10_000)  # so many similar tracks are looked at, until a page is full
Year = Annotated[int | None, Field(ge=1, le=9999)]


def _id(of: str) -> Any:
    return Field(default=None, ge=1, le=2**62, description=f"only those of the {of} with this id")


class ListQuery(models.PageQuery):
    """A part of a list in an order."""

    offset: int = Field(
        default=0, ge=0, le=2**31, description="how many to skip; slow for large numbers, and not with `cursor`"
    )
    order: Literal["asc", "desc"] = Field(default="asc", description="what has no value stands first, in `desc` last")
    cursor: str | None = Field(
        default=None,
        min_length=1,
        max_length=4000,
        description="`next` of the page before, with the same filters and the same sort",
    )
    count: bool | None = Field(
        default=None, description="whether to count `total`; without it only where there is no `cursor`"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.cursor is not None and self.offset:
            raise ValueError("offset and cursor exclude each other")
        if getattr(self, "seed", None) is not None and getattr(self, "sort", "") != "random":
            raise ValueError("seed belongs to sort=random")
        return self


class TrackQuery(ListQuery):
    """Which tracks, in which order."""

    album_id: int | None = _id("album")
    artist_id: int | None = _id("artist")
    role: lists.Role | None = Field(
        default=None, description="in which role `artist_id` is credited; without it in any one"
    )
    genre_id: int | None = _id("genre")
    year_from: Year = None
    year_to: Year = None
    format: str | None = Field(default=None, max_length=100, description='for example "FLAC", in any case')
    added_after: float | None = Field(
        default=None, ge=0, le=2**53, description="only those added after this time, in seconds since 1970-01-01 UTC"
    )
    missing: bool = Field(default=False, description="those whose file is missing instead of all others")
    sort: lists.TrackSort = Field(
        default="album",
        description="`album`: album, disc and number; `artist`: artist, then as `album`; `similar`: those most like "
        "`similar_to` first, at most 10,000, of which the filters select, and never counted",
    )
    seed: int | None = Field(
        default=None, ge=0, le=2**62, description="of sort=random: the same seed gives the same order"
    )
    similar_to: int | None = Field(default=None, ge=1, le=2**62, description="of sort=similar: the id of a track")

    @model_validator(mode="after")
    def _check_track(self) -> Self:
        if self.role is not None and self.artist_id is None:
            raise ValueError("role needs artist_id")
        if (self.sort == "similar") != (self.similar_to is not None):
            raise ValueError("sort=similar and similar_to belong together")
        if self.sort == "similar" and self.order == "desc":
            raise ValueError("sort=similar has the most similar first, and no order=desc")
        return self


class AlbumQuery(ListQuery):
    """Which albums, in which order."""

    artist_id: int | None = _id("artist")
    genre_id: int | None = _id("genre")
    year_from: Year = None
    year_to: Year = None
    format: str | None = Field(default=None, max_length=100, description='for example "FLAC", in any case')
    added_after: float | None = Field(
        default=None, ge=0, le=2**53, description="only those added after this time, in seconds since 1970-01-01 UTC"
    )
    compilation: bool | None = Field(default=None, description="only compilations, or none")
    sort: lists.AlbumSort = Field(default="artist", description="`artist`: artist, year and title")
    seed: int | None = Field(
        default=None, ge=0, le=2**62, description="of sort=random: the same seed gives the same order"
    )


class ArtistQuery(ListQuery):
    """Which artists, in which order."""

    role: lists.Role | None = Field(
        default=None, description="only those with this role; without it those of tracks and those of albums"
    )
    genre_id: int | None = Field(
        default=None, ge=1, le=2**62, description="only those with a track of this genre, in the role"
    )
    sort: lists.ArtistSort = Field(
        default="name", description="`tracks`: number of tracks in the role, which is `artist` unless it is given"
    )
    seed: int | None = Field(
        default=None, ge=0, le=2**62, description="of sort=random: the same seed gives the same order"
    )


class GenreQuery(ListQuery):
    """In which order."""

    sort: lists.GenreSort = "name"


@router.get("/tracks", response_model=models.TrackPage)
def list_tracks(services: Shared, query: Annotated[TrackQuery, Query()]) -> Any:
    """List tracks.

    `next` of an answer is the `cursor` for the next page. Tracks that are added or vanish meanwhile neither repeat nor
    hide others.
    """
    db = services.database.reader()
    listed = lists.tracks(
        db,
        album_id=query.album_id,
        artist_id=query.artist_id,
        role=None if query.role == "any" else query.role,
        genre_id=query.genre_id,
        year_from=query.year_from,
        year_to=query.year_to,
        format=query.format,
        added_after=query.added_after,
        missing=query.missing,
    )
    if query.sort == "similar":
        return _similar_page(services, listed, query)
    return _page(services, listed, query, query.sort, query.seed, queries.tracks_by_id)


@router.get("/tracks/{track_id}", response_model=models.FullTrack, responses=NO_TRACK)
def get_track(services: Shared, track_id: models.Id) -> Any:
    """Return one track with everything that its file says."""
    return _found(details.full_track(services.database.reader(), track_id), f"no track {track_id}")


@router.get("/albums", response_model=models.AlbumPage)
def list_albums(services: Shared, query: Annotated[AlbumQuery, Query()]) -> Any:
    """List albums. An album has a genre or a format if one of its tracks has it."""
    db = services.database.reader()
    listed = lists.albums(
        db,
        artist_id=query.artist_id,
        genre_id=query.genre_id,
        year_from=query.year_from,
        year_to=query.year_to,
        format=query.format,
        added_after=query.added_after,
        compilation=query.compilation,
    )
    return _page(services, listed, query, query.sort, query.seed, queries.albums_by_id)


@router.get("/albums/{album_id}", response_model=models.FullAlbum, responses=NO_ALBUM)
def get_album(services: Shared, album_id: models.Id) -> Any:
    """Return one album with its discs and their tracks. 404 also while all its files are missing."""
    return _found(details.full_album(services.database.reader(), album_id), f"no album {album_id}")


@router.get("/artists", response_model=models.ArtistPage)
def list_artists(services: Shared, query: Annotated[ArtistQuery, Query()]) -> Any:
    """List artists. By name they sort as people look for them: "The Beatles" under B, "Édith Piaf" under E."""
    listed = lists.artists(role=query.role, genre_id=query.genre_id)
    return _page(services, listed, query, query.sort, query.seed, queries.artists_by_id)


@router.get("/artists/{artist_id}", response_model=models.FullArtist, responses=NO_ARTIST)
def get_artist(services: Shared, artist_id: models.Id) -> Any:
    """Return one artist with roles and albums. 404 also while all files are missing."""
    return _found(details.full_artist(services.database.reader(), artist_id), f"no artist {artist_id}")


@router.get("/genres", response_model=models.GenrePage)
def list_genres(services: Shared, query: Annotated[GenreQuery, Query()]) -> Any:
    """List genres."""
    return _page(services, lists.genres(), query, query.sort, None, details.genres_by_id)


@router.get("/genres/{genre_id}", response_model=models.Genre, responses=NO_GENRE)
def get_genre(services: Shared, genre_id: models.Id) -> Any:
    """Return one genre. Its tracks and albums are those of the lists with `genre_id`."""
    return _found(details.genre(services.database.reader(), genre_id), f"no genre {genre_id}")


def _found(row: queries.Row | None, otherwise: str) -> queries.Row:
    if row is None:
        raise HTTPException(404, otherwise)
    return row


def _request(listed: lists.List, query: ListQuery) -> browse.Request:
    # A cursor goes on with the same rows in the same order, in pages of any length.
    what = [listed.source, query.model_dump(exclude={"limit", "offset", "cursor", "count"})]
    is_counted = query.cursor is None if query.count is None else query.count
    return browse.Request(what, query.limit, query.offset, query.cursor, query.order == "desc", is_counted)


def _page(  # noqa: PLR0917 - what the lists differ in
    services: Services,
    listed: lists.List,
    query: ListQuery,
    sort: str,
    seed: int | None,
    rows: Callable[[Any, Sequence[int]], list[queries.Row]],
) -> queries.Page:
    db = services.database.reader()
    try:
        if sort == "random":
            found = browse.shuffled_page(db, listed, seed, _request(listed, query))
        else:
            found = browse.page(db, listed, sort, _request(listed, query))
    except CursorError as error:
        raise _wrong_cursor(error) from error
    return queries.Page(rows(db, found.ids), found.total, found.next)


def _similar_page(services: Services, listed: lists.List, query: TrackQuery) -> queries.Page:
    db = services.database.reader()
    request = _request(listed, query.model_copy(update={"count": False}))
    for number in _RANKED:
        ranked = services.vectors.nearest(db, query.similar_to or 0, number)
        if ranked is None:
            raise HTTPException(404, f"no track {query.similar_to}, or it has no vector")
        try:
            found, is_full = browse.ranked_page(db, listed, ranked, request)
        except CursorError as error:
            raise _wrong_cursor(error) from error
        if is_full or len(ranked) < number:
            break
    return queries.Page(queries.tracks_by_id(db, found.ids), None, found.next)


def _wrong_cursor(error: CursorError) -> RequestValidationError:
    return RequestValidationError([{"type": "cursor", "loc": ("query", "cursor"), "msg": str(error)}])
