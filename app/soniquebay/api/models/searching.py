"""What a search found."""

from pydantic import BaseModel, Field

from soniquebay.api.models.albums import Album
from soniquebay.api.models.artists import Artist
from soniquebay.api.models.genres import Genre
from soniquebay.api.models.tracks import Track


class Found(BaseModel):
    """What all answers of a search have in common."""

    total: int = Field(description="how many there are on all pages, counted up to 10,000")
    similar: int = Field(
        description="how many of them do not have the words themselves, but words like them; they come last"
    )
    complete: bool = Field(
        description="false for the minutes after an upgrade in which the search index is made anew: some are not found"
    )


class FoundTracks(Found):
    """One page of the tracks that a search found, best first."""

    items: list[Track]


class FoundAlbums(Found):
    """One page of the albums that a search found, best first."""

    items: list[Album]


class FoundArtists(Found):
    """One page of the artists that a search found, best first."""

    items: list[Artist]


class FoundGenres(Found):
    """One page of the genres that a search found, best first."""

    items: list[Genre]


class FoundAll(BaseModel):
    """The best tracks, albums, artists and genres that a search found."""

    tracks: FoundTracks
    albums: FoundAlbums
    artists: FoundArtists
    genres: FoundGenres
