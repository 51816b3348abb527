"""Answers to requests that are not what they should be: never a 5xx, which says that the fault is ours."""

import json
import logging
import sqlite3

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

log = logging.getLogger(__name__)


def refuse_invalid(app: FastAPI) -> None:
    """Answer 422 to what cannot be read as it is described, without echoing it: not all input can be written back."""
    app.add_exception_handler(RequestValidationError, _invalid)


def refuse_contradictions(app: FastAPI) -> None:
    """Answer 422 to what the database does not bear; for the application that believes its own worker's fields."""
    for kind in (KeyError, OverflowError, sqlite3.IntegrityError):
        app.add_exception_handler(kind, _contradiction)


def _invalid(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    told = [{key: one[key] for key in ("type", "loc", "msg")} for one in found]
    # ASCII: a lone surrogate in the name of a field has no UTF-8.
    return Response(json.dumps({"detail": told}), status_code=422, media_type="application/json")


def _contradiction(request: Request, error: Exception) -> Response:
    why = f"{type(error).__name__}: {error}"
    log.warning("%s %s is refused: %s", request.method, request.url.path, why)
    return JSONResponse({"detail": f"contradicts itself or the library: {why}"}, status_code=422)
