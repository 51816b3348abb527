"""Answers to what cannot be: each says why, and whose the fault is, in place of a stack trace."""

import errno
import json
import logging
import sqlite3

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

log = logging.getLogger(__name__)


def install(app: FastAPI, *, trusting: bool = False) -> None:
    """Have an application answer 422, 507 or 503.

    422 to what is not as it is described, 507 when the disk is full, 503 when the database cannot be used for another
    cause. Over 499 the worker waits and asks again.

    `trusting`: it believes its own worker's fields, so what the database does not bear is the request's fault too: 422.
    """
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(sqlite3.OperationalError, _unable)
    app.add_exception_handler(OSError, _unable)
    for kind in (KeyError, OverflowError, sqlite3.IntegrityError) if trusting else ():
        app.add_exception_handler(kind, _contradiction)


def _invalid(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    # The input is not echoed, for not all of it can be written back; ASCII, for a lone surrogate has no UTF-8.
    told = [{key: one[key] for key in ("type", "loc", "msg")} for one in found]
    return Response(json.dumps({"detail": told}), status_code=422, media_type="application/json")


def _contradiction(request: Request, error: Exception) -> Response:
    why = f"{type(error).__name__}: {error}"
    log.warning("%s %s is refused: %s", request.method, request.url.path, why)
    return JSONResponse({"detail": f"contradicts itself or the library: {why}"}, status_code=422)


def _unable(request: Request, error: Exception) -> Response:
    full = "disk is full" in str(error) or getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
    problem = f"the disk is full ({error}); delete something there" if full else f"{type(error).__name__}: {error}"
    log.error("%s %s: %s", request.method, request.url.path, problem, exc_info=None if full else error)
    return JSONResponse({"detail": problem}, status_code=507 if full else 503)
