"""Which part of a list of tracks, albums, artists or genres is asked for, in which order."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from soniquebay.api.models.fields import TagName
from soniquebay.api.models.paging import PageQuery
from soniquebay.library.browsing import lists

Year = Annotated[int | None, Field(ge=1, le=9999)]
Format = Annotated[str | None, Field(max_length=100, description='for example "FLAC", in any case')]
AddedAfter = Annotated[
    float | None,
    Field(ge=0, le=2**53, description="only those added after this time, in seconds since 1970-01-01 UTC"),
]
MAX_TAGS = 10


def _tags(description: str) -> Any:
    return Field(default=[], max_length=MAX_TAGS, description=description)


def _id(description: str) -> Any:
    return Field(default=None, ge=1, le=2**62, description=description)


class ListQuery(PageQuery):
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
    seed: int | None = Field(
        default=None, ge=0, le=2**62, description="of sort=random: the same seed gives the same order"
    )
    similar_to: int | None = _id(
        "of sort=similar: the id of the item of the list that the others are compared with. Those most like it come "
        "first, at most 10,000, of which the filters select; they are never counted"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.cursor is not None and self.offset:
            raise ValueError("offset and cursor exclude each other")
        sort = getattr(self, "sort", "")
        if self.seed is not None and sort != "random":
            raise ValueError("seed belongs to sort=random")
        if (sort == "similar") != (self.similar_to is not None):
            raise ValueError("sort=similar and similar_to belong together")
        if sort == "similar" and self.order == "desc":
            raise ValueError("sort=similar has the most similar first, and no order=desc")
        return self


class TrackQuery(ListQuery):
    """Which tracks, in which order."""

    album_id: int | None = _id("only those of the album with this id")
    artist_id: int | None = _id("only those of the artist with this id")
    role: lists.Role | None = Field(
        default=None, description="in which role `artist_id` is credited; without it in any one"
    )
    genre_id: int | None = _id("only those of the genre with this id")
    year_from: Year = None
    year_to: Year = None
    format: Format = None
    added_after: AddedAfter = None
    tag: list[TagName] = _tags(
        "only those of which all these sound tags are guessed (`GET /api/sound-tags`); a guess, not what a file says"
    )
    missing: bool = Field(default=False, description="those whose file is missing instead of all others")
    sort: lists.TrackSort = Field(
        default="album",
        description="`album`: album, disc and number; `artist`: artist, then as `album`; `tag`: those of which the "
        "given tags are most likely first",
    )

    @model_validator(mode="after")
    def _check_track(self) -> Self:
        if self.role is not None and self.artist_id is None:
            raise ValueError("role needs artist_id")
        if self.missing and (self.sort == "similar" or self.tag):
            raise ValueError("missing tracks are not compared: missing excludes sort=similar and tag")
        if self.sort == "tag" and (not self.tag or self.order == "desc"):
            raise ValueError("sort=tag needs tag, and has the most likely first, and no order=desc")
        return self


class AlbumQuery(ListQuery):
    """Which albums, in which order."""

    artist_id: int | None = _id("only those of the artist with this id")
    genre_id: int | None = _id("only those of the genre with this id")
    year_from: Year = None
    year_to: Year = None
    format: Format = None
    added_after: AddedAfter = None
    compilation: bool | None = Field(default=None, description="only compilations, or none")
    tag: list[TagName] = _tags("only those of half of whose tracks all these sound tags are guessed; as for tracks")
    sort: lists.AlbumSort = Field(default="artist", description="`artist`: artist, year and title")


class ArtistQuery(ListQuery):
    """Which artists, in which order.

    One track of theirs, in the role, has the genre, the years and the format.
    """

    role: lists.Role | None = Field(
        default=None, description="only those with this role; without it those of tracks and those of albums"
    )
    genre_id: int | None = _id("only those with a track of this genre, in the role")
    year_from: Year = None
    year_to: Year = None
    format: Format = None
    added_after: AddedAfter = None
    sort: lists.ArtistSort = Field(
        default="name", description="`tracks`: number of tracks in the role, which is `artist` unless it is given"
    )


class GenreQuery(ListQuery):
    """Which genres, in which order. One track of the genre has the years and the format."""

    year_from: Year = None
    year_to: Year = None
    format: Format = None
    sort: lists.GenreSort = "name"
