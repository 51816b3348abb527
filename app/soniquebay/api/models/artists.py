"""Artists: in lists and alone."""

from pydantic import BaseModel, Field

from soniquebay.api.models.albums import Album
from soniquebay.api.models.fields import UnixTime
from soniquebay.api.models.genres import GenreName


class Artist(BaseModel):
    """An artist. From `canonical_name` on the fields are MusicBrainz's, and empty until MusicBrainz has answered."""

    id: int
    name: str
    added_at: UnixTime
    mbid: str | None = Field(description="MusicBrainz's id of the artist")
    tracks: int = Field(description="how many the artist performs, without missing ones")
    albums: int = Field(description="how many albums have the artist as their own")
    has_picture: bool = Field(description="whether there is a picture, or a cover of an own album in place of one")
    canonical_name: str | None
    sort_name: str | None
    type: str | None = Field(description='for example "Person" or "Group"')
    country: str | None = Field(description="ISO 3166-1 code")
    genres: list[str]


class RoleTracks(BaseModel):
    """In how many tracks an artist has a role."""

    role: str
    tracks: int


class FullArtist(Artist):
    """An artist with roles and albums, each list at most 500 albums by year."""

    names: list[str] = Field(description="as the credits spell the artist")
    roles: list[RoleTracks]
    track_genres: list[GenreName] = Field(
        description="the genres of the tracks that the artist performs, the most frequent first, at most 10"
    )
    own_albums: list[Album] = Field(description="the albums whose artist it is")
    appears_on: list[Album] = Field(description="other albums with a track that credits the artist, in whatever role")


class ArtistPage(BaseModel):
    """One page of artists."""

    items: list[Artist]
    total: int | None = Field(description="how many there are on all pages; null where they were not counted")
    next: str | None = Field(default=None, description="the `cursor` of the next page; null at the end")
