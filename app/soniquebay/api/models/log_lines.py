"""What the programs have logged."""

from pydantic import BaseModel, Field

from soniquebay.api.models.fields import UnixTime
from soniquebay.log_stream import Level, Program


class LogLine(BaseModel):
    """One line of a log."""

    at: UnixTime
    program: Program = Field(description="`worker`: one of them, or of its child processes")
    level: Level
    logger: str = Field(description="the part of the program")
    message: str = Field(description="at most 1,000 bytes; without a traceback, which the journal has")
    task: str = Field(description="the task in which it was logged; empty: in none")
    session_id: int | None = Field(description="the scan session that the task belongs to")
    track_id: int | None = Field(description="the track that the task is about")


class LogLines(BaseModel):
    """Lines of the logs of all programs."""

    items: list[LogLine] = Field(description="the newest first")
