"""Answer errors with a status and a reason in place of a stack trace."""

import json
import logging
import sqlite3
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from soniquebay import disk_state
from soniquebay.api.access import base_path, may_manage
from soniquebay.api.forms import page
from soniquebay.api.services import Services
from soniquebay.storage_faults import StorageFaultError, database_fault, is_damage

log = logging.getLogger(__name__)


def install(app: FastAPI, *, database_checks_input: bool = False) -> None:
    """Make an application answer 422, 507 or 503 when a request fails.

    422: the request is not as the API describes it. 507: the disk is full. 503: the disk can only be read, the database
    is damaged, or it or a file cannot be used for another reason. The worker repeats a request that was answered by 500
    or more.

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
    problem = storage_cause(request, error)
    if not may_manage(request):
        reason = disk_state.sentence_for_listeners(problem)
    elif problem is None:
        reason = f"the appliance cannot read or write its data now ({error}); its log says why"
    else:
        reason = disk_state.sentence(problem, _data_folder(request))
    if "text/html" in request.headers.get("accept", ""):  # a person has sent a form
        content = f'<p><a href="{base_path(request.scope)}/">Back to the first page</a></p>'
        return page(request, "This was not done", content, reason, disk_state.STATUS[problem])
    code = {} if problem is None else {"code": problem}
    return JSONResponse({"detail": reason, **code}, status_code=disk_state.STATUS[problem])


def _database_failed(request: Request, error: Exception) -> Response:
    """Answer 503 with what to do about a damaged database. Other errors of this kind are errors of the program."""
    if not is_damage(error) and not isinstance(error, StorageFaultError):
        raise error
    services: Services = request.app.state.services
    services.storage.report(error)
    log.error("%s %s: %s", request.method, request.url.path, error)
    fault = error if isinstance(error, StorageFaultError) else database_fault("damaged", services.database.path, error)
    reason = str(fault) if may_manage(request) else fault.public_text
    return JSONResponse({"detail": reason}, status_code=503)


def storage_cause(request: Request, error: Exception) -> disk_state.StorageProblem | None:
    """Log that a request could not use the database or a file, and return why; None for no cause that is known."""
    problem = disk_state.cause_of(error, _data_folder(request))
    if problem is None:
        kind = getattr(error, "sqlite_errorname", type(error).__name__)
        log.error("%s %s: %s: %s", request.method, request.url.path, kind, error, exc_info=error)
    else:
        reason = disk_state.sentence(problem, _data_folder(request))
        log.error("%s %s: %s", request.method, request.url.path, reason)
    return problem


def _data_folder(request: Request) -> Path:
    folder: Path = request.app.state.services.settings.data
    return folder
