"""Tracks that sound like one recording, for those who manage the library."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import Field, model_validator

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.duplicates import DuplicatesPage
from soniquebay.api.models.paging import PageQuery
from soniquebay.api.services import Shared
from soniquebay.library import duplicates
from soniquebay.library.browsing.cursors import CursorError

router = APIRouter(prefix="/api", tags=["library"], responses=REFUSALS)


class DuplicatesQuery(PageQuery):
    """A part of the list of groups."""

    offset: int = Field(default=0, ge=0, le=2**31, description="how many to skip, and not with `cursor`")
    cursor: str | None = Field(default=None, min_length=1, max_length=4000, description="`next` of the page before")
    count: bool | None = Field(
        default=None, description="whether to count `total`; without it only where there is no `cursor`"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.cursor is not None and self.offset:
            raise ValueError("offset and cursor exclude each other")
        return self


@router.get("/duplicates", dependencies=[Manager], response_model=DuplicatesPage)
def list_duplicates(services: Shared, query: Annotated[DuplicatesQuery, Query()]) -> Any:
    """List the groups of tracks that sound like one recording, whatever their tags and formats say.

    It is a guess by sound: listen before you delete a file. The same recording on an album and on a compilation is a
    group, too.
    """
    db = services.database.reader()
    is_counted = query.cursor is None if query.count is None else query.count
    try:
        page = duplicates.page(db, query.limit, query.offset, query.cursor, is_counted=is_counted)
    except CursorError as error:
        problem = {"type": "cursor", "loc": ("query", "cursor"), "msg": str(error)}
        raise RequestValidationError([problem]) from error
    is_complete = not duplicates.is_to_compare(db)
    return {"items": page.items, "total": page.total, "next": page.next, "complete": is_complete}
