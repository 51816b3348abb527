"""Genres: in lists and alone."""

from pydantic import BaseModel, Field


class Genre(BaseModel):
    """A genre. Missing tracks do not count."""

    id: int
    name: str
    tracks: int
    albums: int


class GenreName(BaseModel):
    """A genre by its name."""

    id: int
    name: str


class GenrePage(BaseModel):
    """One page of genres."""

    items: list[Genre]
    total: int | None = Field(description="how many there are on all pages; null where they were not counted")
    next: str | None = Field(default=None, description="the `cursor` of the next page; null at the end")
