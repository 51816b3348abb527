"""How changes of the music are noticed."""

from typing import Literal

from pydantic import BaseModel, Field

from soniquebay.api.models.fields import EncodedPath


class WatchedRoot(BaseModel):
    """A root and how its changes are noticed."""

    path: EncodedPath
    mode: Literal["notify", "poll", "absent"] = Field(
        description="`notify`: the kernel reports changes; `poll`: a part of it reports none, so everything is scanned "
        "from time to time; `absent`: it is not there"
    )
    folders: int = Field(description="how many of its folders the kernel watches")


class WatchState(BaseModel):
    """Whether changes are scanned without a request."""

    watch: Literal["on", "off", "poll"] = Field(description="the setting SONIQUEBAY_WATCH")
    ready: bool = Field(description="every folder is watched")
    waiting: int = Field(description="changed folders that wait for a scan")
    roots: list[WatchedRoot]
