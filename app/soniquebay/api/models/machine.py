"""The state of the machine: processes, memory, queues, drives, temperature."""

from typing import Literal

from pydantic import BaseModel, Field

from soniquebay.api.models.fields import EncodedPath, UnixTime
from soniquebay.board import Slowing
from soniquebay.card import Reserve
from soniquebay.update_record import Result


class ProcessChange(BaseModel):
    """A change of the number of child processes."""

    at: UnixTime
    worker: str = Field(description="the worker that has changed")
    processes: int = Field(description="of all workers together from then on")
    limit: int = Field(description="how many the memory and the settings allowed")
    reason: Literal["start", "tasks", "idle", "memory", "none", "silent"] = Field(
        description="`start`: the worker has started; `tasks`: more tasks waited; `idle`: fewer were needed; `memory`: "
        "memory is short, also where the number stays as it was; `none`: the state an hour ago; `silent`: the worker "
        "has not reported for minutes"
    )
    detail: str = Field(description="how much memory there was, in words")
    memory_limited: bool = Field(description="whether more tasks waited than the memory let the worker take")


class Processes(BaseModel):
    """The child processes of all workers."""

    now: int
    limit: int = Field(description="how many the memory and the settings allow now")
    highest: int = Field(description="how many the settings allow for each worker")
    changes: list[ProcessChange] = Field(description="of the last hour, the oldest first; the newest hundred")


class Part(BaseModel):
    """The memory of one program."""

    name: str = Field(description='for example "api", "worker", "redis"')
    mb: int = Field(description="MiB, without cached files")


class MemoryUse(BaseModel):
    """The memory of the machine and of the programs."""

    total_mb: int = Field(description="of the machine, MiB")
    available_mb: int = Field(description="that the machine can still give, MiB")
    budget_mb: int | None = Field(description="limit of all programs together, MiB; null: there is none")
    parts: list[Part] = Field(description="the largest first; empty where nothing tells which program takes what")


class Drive(BaseModel):
    """A folder of music or the data, or a drive that is mounted below one."""

    path: EncodedPath
    use: Literal["music", "data"]
    mount_point: EncodedPath | None = Field(description="where the file system is mounted on which it lies")
    file_system: str | None = Field(description='for example "ext4"')
    state: Literal["ok", "absent", "silent"] = Field(
        description="`absent`: the folder is not there; `silent`: the drive does not answer"
    )
    total_bytes: int | None
    free_bytes: int | None
    read_only: bool = Field(description="whether nothing at all can be written on the file system")


class Board(BaseModel):
    """What the board tells of itself. Null: it does not tell."""

    temperature_celsius: float | None
    slowed: list[Slowing] | None = Field(description="why it is slower than it could be")
    slowed_before: list[Slowing] | None = Field(description="why it is or was, since its start")


class Flower(BaseModel):
    """Where Flower answers: at the machine's own name or address, whatever proxy is in front of this API."""

    scheme: Literal["http", "https"]
    port: int
    is_local: bool = Field(description="whether it listens for browsers on the machine itself alone")


class Card(BaseModel):
    """The memory card. Null: it does not tell; most SD cards do not."""

    worn_percent: int | None = Field(description="how much of its life is used at most, in steps of ten")
    reserve: Reserve | None = Field(description="how many blocks are left that replace worn ones: `warning`, `urgent`")
    written_bytes: int | None = Field(description="since the machine has started")


class SystemUpdates(BaseModel):
    """The last run of Debian's security updates."""

    began_at: UnixTime
    ended_at: UnixTime
    succeeded_at: UnixTime | None = Field(description="when everything was last up to date; null: never yet")
    result: Result = Field(
        description="`postponed`: the machine was in use, or not fit; `unreachable`: the package lists could not be "
        "refreshed, as without the internet"
    )
    reason: str = Field(description="in words; empty when there is nothing to say")
    packages: list[str] = Field(description="what was installed: name, old and new version")
    waits_for_reboot: bool = Field(description="whether the updates take effect only when the machine has restarted")


class Activity(BaseModel):
    """Whether the machine is in use."""

    scan_runs: bool = Field(description="a scan that is paused does not run")
    streams: int = Field(description="streams of music that are sent now")
    somebody_listens: bool = Field(
        description="a stream is sent, or the last one has ended within 15 minutes, or a player tells what it plays"
    )


class Machine(BaseModel):
    """The state of the machine; also the data of each `machine` event of `/api/events`."""

    version: str
    time: UnixTime
    uptime_seconds: float = Field(description="since the machine has started")
    load: list[float] = Field(
        description="processes that ran, or waited for a processor or a disk, in the last 1, 5 and 15 minutes"
    )
    processors: int
    board: Board
    card: Card | None = Field(description="null: there is none")
    memory: MemoryUse
    processes: Processes | None = Field(description="null: Redis does not answer")
    queues: dict[str, int] | None = Field(description="how many tasks wait in each; null: Redis does not answer")
    log_version: str | None = Field(
        description="another text after each line that `/api/logs` has more; null: Redis does not answer"
    )
    flower: Flower
    drives: list[Drive] = Field(description="each folder of music with the drives below it, and the data")
    system_updates: SystemUpdates | None = Field(
        description="null: none ran yet, or this machine has none of their own"
    )
