"""What the programs have logged lately."""

import time
from typing import Annotated, Any

import redis
from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.log_lines import LogLines
from soniquebay.api.models.problems import Problem
from soniquebay.api.services import Shared
from soniquebay.log_stream import Level, Program

router = APIRouter(prefix="/api", tags=["health"], responses=REFUSALS)
DEFAULT_SECONDS = 3600.0
DEFAULT_LINES, MAX_LINES = 200, 500


class LogQuery(BaseModel):
    """Which lines to return."""

    model_config = ConfigDict(extra="forbid")

    since: float | None = Field(
        None, ge=0, le=1e11, allow_inf_nan=False, description="seconds since 1970-01-01 UTC; by default an hour ago"
    )
    level: Level = Field("info", description="the lowest level")
    program: Program | None = Field(None, description="without it, of all programs")
    limit: int = Field(DEFAULT_LINES, ge=1, le=MAX_LINES, description="how many lines at most, the newest of them")


@router.get(
    "/logs",
    dependencies=[Manager],
    response_model=LogLines,
    responses={503: {"model": Problem, "description": "Redis does not answer"}},
)
def log_lines(services: Shared, query: Annotated[LogQuery, Query()]) -> Any:
    """Return what the programs have logged lately, without tracebacks.

    The newest 500 lines of level `info`, and 500 of higher levels, are kept. `log_version` in `/api/machine` tells when
    there are more. What the fetcher and Redis log is in the journal only.
    """
    since = time.time() - DEFAULT_SECONDS if query.since is None else query.since
    try:
        lines = services.log_lines.lines_since(since, query.level)
    except redis.RedisError as error:
        raise HTTPException(503, f"Redis does not answer: {error}") from error
    wanted = [line for line in lines if query.program in {None, line.program}]
    return {"items": [line._asdict() for line in wanted[: query.limit]]}
