"""Why a file is not in the library."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.missing import Explanation
from soniquebay.api.models.problems import Refused
from soniquebay.api.services import Shared
from soniquebay.library import absence, paths

router = APIRouter(prefix="/api", tags=["scans"], responses=REFUSALS)
MAX_PATH_CHARACTERS = 16_384  # of 4,096 bytes, each of which may be escaped


class PathQuery(BaseModel):
    """Which file to look for."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=MAX_PATH_CHARACTERS, description="encoded and absolute")


@router.get(
    "/missing",
    dependencies=[Manager],
    response_model=Explanation,
    responses={422: {"model": Refused, "description": "not an encoded, absolute path"}},
)
def explain_path(services: Shared, query: Annotated[PathQuery, Query()]) -> Any:
    """Return why a file is in the library, or is not."""
    roots = [paths.encode(str(root)) for root in services.settings.music]
    try:
        return absence.explain(services.database.reader(), query.path, roots)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
