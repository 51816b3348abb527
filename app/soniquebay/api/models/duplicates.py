"""Tracks that sound like one recording."""

from pydantic import BaseModel, Field

from soniquebay.api.models.tracks import Sound, Track


class DuplicateTrack(Track):
    """A track of a group, with what tells its file from the others."""

    size: int = Field(description="of the file in bytes; of a part: of the file with all of its parts")
    sound: Sound


class Duplicates(BaseModel):
    """Tracks that sound like one recording, two or more."""

    recording: int = Field(description="number of the group; it changes when its first track leaves the library")
    tracks: list[DuplicateTrack] = Field(description="lossless ones first, then those of the higher bit rate")


class DuplicatesPage(BaseModel):
    """One page of groups."""

    items: list[Duplicates]
    total: int | None = Field(description="how many groups there are on all pages; null where they were not counted")
    next: str | None = Field(default=None, description="the `cursor` of the next page; null at the end")
    complete: bool = Field(description="whether every track with a vector has been compared")
