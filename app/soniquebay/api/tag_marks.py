"""Taking over the ratings, play counts and stars of the tags, for oneself or, as a manager, for a user."""

import time
from typing import Any

from fastapi import APIRouter, HTTPException

from soniquebay.api.access import REFUSALS, CurrentUser, Manager
from soniquebay.api.kept import NO_USER
from soniquebay.api.models.fields import Id
from soniquebay.api.models.kept import ImportedMarks
from soniquebay.api.models.problems import Problem
from soniquebay.api.services import Shared
from soniquebay.listeners import tag_marks, users

router = APIRouter(prefix="/api", tags=["kept"], responses=REFUSALS)


@router.post("/marks/import", response_model=ImportedMarks, responses=NO_USER)
def import_own_marks(services: Shared, user: CurrentUser) -> Any:
    """Take over the ratings, play counts and loved tracks in the tags of the files, where one has none of one's own."""
    return tag_marks.import_marks(services.accounts.database, user.id, time.time())


@router.post(
    "/users/{user_id}/marks/import",
    response_model=ImportedMarks,
    responses={404: {"model": Problem, "description": "no such user"}},
    dependencies=[Manager],
)
def import_marks_of_user(services: Shared, user_id: Id) -> Any:
    """Take over the ratings, play counts and loved tracks in the tags of the files, where a user has none."""
    if users.by_id(services.accounts.database.reader(), user_id) is None:
        raise HTTPException(404, f"no user {user_id}")
    return tag_marks.import_marks(services.accounts.database, user_id, time.time())
