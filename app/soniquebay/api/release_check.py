"""The check that an upgrade asks for: whether this release reads, analyses, inserts and plays a file."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from soniquebay import __version__
from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.health import ReleaseCheck
from soniquebay.api.services import Shared

router = APIRouter(prefix="/api", tags=["health"], responses=REFUSALS)
MAX_TIMEOUT_SECONDS = 600.0


@router.post(
    "/health/check", dependencies=[Manager], response_model=ReleaseCheck, responses={503: {"model": ReleaseCheck}}
)
async def check_release(
    services: Shared,
    timeout_seconds: Annotated[
        float, Query(ge=1, le=MAX_TIMEOUT_SECONDS, description="how long each check may take")
    ] = 60.0,
) -> Any:
    """Have the worker and the API read, insert and play an audio file of the release; 200 only when all of it works.

    The library stays as it is: the insertion is rolled back. A worker makes the check after one of its tasks; one
    that is busy with others all the time is no fault.
    """
    checks = await services.release_check.run(timeout_seconds)
    healthy = all(check.state in {"ok", "busy"} for check in checks)
    answer = ReleaseCheck(healthy=healthy, version=__version__, checks=checks)
    return JSONResponse(answer.model_dump(), status_code=200 if healthy else 503)
