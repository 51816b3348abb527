"""Whether the parts of the appliance, and the services that it asks, answer."""

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """Whether the database, Redis and a worker answered. Each part is `ok`, or says what is wrong with it."""

    status: Literal["ok", "unhealthy"] = Field(description="`ok` only when all three parts are")
    version: str
    database: str
    redis: str
    worker: str
    fault: str | None = Field(
        description="why the library, or what users keep, cannot be used as a whole, and what to do; else null"
    )
    fault_kind: str | None = Field(
        default=None, description="vanished, damaged, newer, full or read-only; null for another fault, and without one"
    )
    warnings: list[str] = Field(
        description="what has to be seen to although every part answers; only those who may manage get it"
    )


class Check(BaseModel):
    """One thing that a release has to be able to do, and whether it is."""

    name: Literal["worker", "tags", "vector", "cover", "insert", "file", "transcode"]
    state: Literal["ok", "busy", "failed", "late"] = Field(
        description="`busy`: the worker does other work, which is no fault; `late`: there was no result in time"
    )
    sentence: str


class ReleaseCheck(BaseModel):
    """Whether this release reads, analyses, inserts and plays an audio file of its own."""

    healthy: bool = Field(description="whether every check is `ok`")
    version: str
    checks: list[Check]


class WorkerProcesses(BaseModel):
    """The child processes of one worker."""

    processes: list[int] = Field(description="their process ids")
    active: int = Field(description="how many tasks run in them")


class WorkerState(BaseModel):
    """The workers that answered, by name."""

    workers: dict[str, WorkerProcesses]


class OnlineService(BaseModel):
    """A service on the internet."""

    name: Literal["musicbrainz", "coverart"]
    due: int = Field(description="lookups that are due")
    failures: int = Field(description="failures in a row; 0 while the service answers")
    reason: str | None = Field(description="of the last failure")
    retry_at: float | None = Field(description="when it is asked again, in seconds since 1970-01-01 UTC")


class OnlineState(BaseModel):
    """Whether the appliance asks services on the internet, and how these are."""

    online: bool
    services: list[OnlineService]
