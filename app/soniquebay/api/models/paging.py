"""Which part of a list a request asks for."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

Limit = Annotated[int, Query(ge=1, le=500, description="how many to return at most")]


class PageQuery(BaseModel):
    """Which part of a list to return. A parameter that is not described is refused."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=500, description="how many to return at most")
    offset: int = Field(default=0, ge=0, le=2**31, description="how many to skip")
