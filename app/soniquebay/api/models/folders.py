"""Folders of music: what lies in each."""

from pydantic import BaseModel, ConfigDict, Field

from soniquebay.api.models.fields import EncodedPath
from soniquebay.api.models.paging import PageQuery
from soniquebay.api.models.tracks import Track


class FolderQuery(PageQuery):
    """Which folder; `limit` and `offset` are of its tracks."""

    model_config = ConfigDict(extra="forbid")

    root: int | None = Field(
        default=None, ge=1, le=2**31, description="number of a folder of music; without it these are listed"
    )
    path: str = Field(
        default="", max_length=8000, description="of a folder below `root`, as `path` of an answer; empty: that itself"
    )


class Folder(BaseModel):
    """A folder in another one."""

    root: int = Field(description="number of the folder of music in which it lies")
    path: EncodedPath = Field(description="below the folder of music; empty for that itself")
    name: EncodedPath
    tracks: int = Field(description="how many lie in it and in its folders, without missing ones")
    album_id: int | None = Field(description="the album of the first track in it")
    has_cover: bool = Field(description="whether that album has a cover")


class FolderContent(BaseModel):
    """What lies in a folder: all of its folders by name, and one page of its tracks by path."""

    name: EncodedPath | None = Field(description="null for the list of the folders of music")
    folders: list[Folder]
    tracks: list[Track]
    total: int = Field(description="how many tracks lie in the folder itself")
