"""Albums: in lists and alone."""

from pydantic import BaseModel, Field

from soniquebay.api.models.fields import UnixTime
from soniquebay.api.models.genres import GenreName
from soniquebay.api.models.tracks import Credit, Track


class Album(BaseModel):
    """An album. From `type` on the fields are MusicBrainz's, and empty until MusicBrainz has answered."""

    id: int
    title: str
    artist_id: int
    artist: str = Field(description="the album's artist, not that of each track")
    year: int | None
    date: str | None = Field(description="of this edition: a year, a month or a day, as exact as it is tagged")
    original_date: str | None = Field(description="of the first edition")
    compilation: bool
    added_at: UnixTime
    mbid: str | None = Field(description="MusicBrainz's id of the release")
    has_cover: bool
    tracks: int = Field(description="how many, without missing ones")
    type: str | None = Field(description='for example "Album" or "Single"')
    release_date: str | None = Field(description="a year, a month or a day: 1997, 1997-05, 1997-05-21")
    label: str | None
    release_group_mbid: str | None
    genres: list[str]


class Disc(BaseModel):
    """A disc of an album."""

    disc_no: int | None
    subtitle: str | None
    tracks: list[Track]


class FullAlbum(Album):
    """An album with its tracks. What most of its files say of it comes from their tags; empty without one."""

    artists: list[Credit]
    discs: list[Disc]
    track_genres: list[GenreName] = Field(description="the genres of its tracks, the most frequent first")
    duration: float = Field(description="seconds of all tracks")
    formats: list[str]
    release_types: list[str] = Field(description='as tagged, for example "album" and "live"')
    release_country: str | None
    labels: list[str]
    catalog_numbers: list[str]
    barcode: str | None
    replaygain_album_gain: float | None = Field(description="dB, on the scale of ReplayGain")
    replaygain_album_peak: float | None = Field(description="1 is full scale")
    replaygain_is_measured: bool = Field(description="whether these were measured, because the tags state none")


class AlbumPage(BaseModel):
    """One page of albums."""

    items: list[Album]
    total: int | None = Field(description="how many there are on all pages; null where they were not counted")
    next: str | None = Field(default=None, description="the `cursor` of the next page; null at the end")
