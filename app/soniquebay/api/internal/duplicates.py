"""The groups of tracks that sound like one recording, as the worker finds them."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.models.fields import Id
from soniquebay.api.services import Shared
from soniquebay.library import duplicates

router = APIRouter(prefix="/internal", route_class=InternalRoute)
_Version = Annotated[int, Field(ge=0, le=2**31)]


class Groups(BaseModel):
    """All groups, what they were made from, and how much processor time that took."""

    groups: list[Annotated[list[Id], Field(min_length=2)]]
    """The ids of the tracks of each."""
    stored: Annotated[int, Field(ge=0, le=2**62)]
    """The vectors that were ever stored, as it was when the first of them was read."""
    feature_version: _Version
    rules_version: _Version
    cpu_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


@router.put("/duplicates")
def replace_groups(services: Shared, body: Groups) -> Answer:
    """Replace all groups; return how many tracks changed theirs."""
    with services.database.transaction() as db:
        changed = duplicates.replace(db, body.groups, body.stored, body.feature_version, body.rules_version)
    services.duplicate_upkeep.finished(body.cpu_seconds)
    return {"changed": changed}
