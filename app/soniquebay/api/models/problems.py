"""Why a request failed."""

from typing import Any

from pydantic import BaseModel, Field

from soniquebay.disk_state import StorageProblem


class Problem(BaseModel):
    """Why a request failed."""

    detail: str
    code: StorageProblem | None = Field(
        None, description="why nothing can be saved; null, or not there, when that is not the reason"
    )


class Invalid(BaseModel):
    """A field of a request that is not as described."""

    loc: list[str | int] = Field(description='where it is, for example ["query", "limit"]')
    msg: str
    type: str = Field(description="Pydantic's name of the error")


class Refused(BaseModel):
    """Why a request was refused, or which of its fields are not as described."""

    detail: str | list[Invalid]


NOT_JSON: dict[int | str, dict[str, Any]] = {400: {"model": Problem, "description": "the body is not JSON"}}
