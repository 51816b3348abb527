"""What the database cannot do now: an answer and a line that say why, in place of a stack trace."""

import errno
import logging
import sqlite3

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Have an application answer 507 when the disk is full, and 503 when the database cannot be used for another cause.

    Both are over 499: the worker waits and asks again.
    """
    app.add_exception_handler(sqlite3.OperationalError, _unable)
    app.add_exception_handler(OSError, _unable)


def _unable(request: Request, error: Exception) -> JSONResponse:
    full = "disk is full" in str(error) or getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
    problem = f"the disk is full ({error}); delete something there" if full else f"{type(error).__name__}: {error}"
    log.error("%s %s: %s", request.method, request.url.path, problem, exc_info=None if full else error)
    return JSONResponse({"detail": problem}, status_code=507 if full else 503)
