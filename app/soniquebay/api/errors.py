"""Answer errors with a status and a reason in place of a stack trace."""

import errno
import json
import logging
import sqlite3

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from soniquebay.api.services import Services
from soniquebay.listeners.accounts import Visitor
from soniquebay.storage_faults import StorageFaultError, database_fault, is_damage

log = logging.getLogger(__name__)


def install(app: FastAPI, *, database_checks_input: bool = False) -> None:
    """Make an application answer 422, 507 or 503 when a request fails.

    422: the request is not as the API describes it. 507: the disk is full. 503: the database is damaged, or it or a
    file cannot be used for another reason. The worker repeats a request that was answered by 500 or more.

    `database_checks_input`: the application accepts its own worker's fields as they are and leaves their check to the
    constraints of the database, so an error of those is 422 too.
    """
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(sqlite3.OperationalError, _storage_failed)
    app.add_exception_handler(OSError, _storage_failed)
    app.add_exception_handler(sqlite3.DatabaseError, _database_failed)
    app.add_exception_handler(ClientDisconnect, _client_gone)
    if database_checks_input:
        for kind in (KeyError, OverflowError, sqlite3.IntegrityError):
            app.add_exception_handler(kind, _contradictory_request)


def _invalid_request(_: Request, error: Exception) -> Response:
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    # Without the input, which JSON cannot always hold. In ASCII, because a lone surrogate has no UTF-8.
    detail = [{key: field[key] for key in ("type", "loc", "msg")} for field in errors]
    return Response(json.dumps({"detail": detail}), status_code=422, media_type="application/json")


def _client_gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


def _contradictory_request(request: Request, error: Exception) -> Response:
    reason = f"{type(error).__name__}: {error}"
    log.warning("%s %s is refused: %s", request.method, request.url.path, reason)
    return JSONResponse({"detail": f"contradicts itself or the library: {reason}"}, status_code=422)


def _storage_failed(request: Request, error: Exception) -> Response:
    disk_full = "disk is full" in str(error) or getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
    reason = f"the disk is full ({error}); delete something there" if disk_full else f"{type(error).__name__}: {error}"
    log.error("%s %s: %s", request.method, request.url.path, reason, exc_info=None if disk_full else error)
    if not _may_know_paths(request):
        reason = (
            "the disk is full" if disk_full else "the appliance cannot read or write its data now; its log says why"
        )
    return JSONResponse({"detail": reason}, status_code=507 if disk_full else 503)


def _database_failed(request: Request, error: Exception) -> Response:
    """Answer 503 with what to do about a damaged database. Other errors of this kind are errors of the program."""
    if not is_damage(error) and not isinstance(error, StorageFaultError):
        raise error
    services: Services = request.app.state.services
    services.storage.report(error)
    log.error("%s %s: %s", request.method, request.url.path, error)
    fault = error if isinstance(error, StorageFaultError) else database_fault("damaged", services.database.path, error)
    reason = str(fault) if _may_know_paths(request) else fault.public_text
    return JSONResponse({"detail": reason}, status_code=503)


def _may_know_paths(request: Request) -> bool:
    """Tell whether whoever sent a request manages the appliance, or is the worker: the internal API has no visitors."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    return not hasattr(request.state, "visitor") or (visitor is not None and visitor.role == "manage")
