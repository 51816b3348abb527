"""The map of the library: its state, and the names on it."""

from pydantic import BaseModel, Field

from soniquebay.api.models.tracks import Track


class MapState(BaseModel):
    """How much of the library is on the map."""

    tracks: int = Field(description="of the library; missing ones do not count, here and below")
    analysed: int = Field(description="tracks with a vector")
    placed: int = Field(description="tracks with a vector that are on the map")
    layout: int = Field(
        description="number of the layout; another one has all tracks elsewhere. 0: there is no map yet"
    )
    progress: float | None = Field(description="share of a new layout that is computed, 0 to 1; null while none is")


class MapTracks(BaseModel):
    """Some tracks of the map."""

    items: list[Track]


class MapName(BaseModel):
    """A genre or an artist on the map."""

    id: int
    name: str


class MapNames(BaseModel):
    """Names on the map, of those with the most tracks first."""

    genres: list[MapName]
    artists: list[MapName] = Field(description="at most 1,000")
    sound_tags: list[str] = Field(description="in the order of their numbers on the map, from 1; guesses by the sound")
