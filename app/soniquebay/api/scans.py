"""Starting scans and looking at them."""

from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse

from soniquebay.api import models
from soniquebay.api.services import Shared
from soniquebay.library import progress, queries, sessions

router = APIRouter(prefix="/api", tags=["scans"])
NO_SESSION: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem, "description": "no such session"}}


@router.post(
    "/scan",
    status_code=202,
    response_model=models.Started,
    responses={409: {"model": models.Running, "description": "a scan is running; its session is in the answer"}},
)
def start_scan(services: Shared) -> Any:
    """Start a scan of all roots. One runs at a time."""
    try:
        with services.database.transaction() as db:
            session_id = sessions.start(db)
    except sessions.ScanRunningError as error:
        running = models.Running(detail=f"{error}; follow it instead", session_id=error.session_id)
        return JSONResponse(running.model_dump(), status_code=409)
    services.dispatcher.discovery(session_id)
    services.progress.changed(session_id)
    return models.Started(session_id=session_id)


@router.get("/scan-sessions", response_model=models.SessionPage)
def list_sessions(services: Shared, limit: models.Limit = 50, offset: models.Offset = 0) -> Any:
    """List scans, the newest first."""
    return queries.sessions(services.database.reader(), limit, offset)


@router.get("/scan-sessions/{session_id}", response_model=models.SessionDetail, responses=NO_SESSION)
def get_session(services: Shared, session_id: models.Id) -> Any:
    """Return one scan with its progress and the library's totals."""
    db = services.database.reader()
    session = queries.session(db, session_id)
    if session is None:
        raise HTTPException(404, f"no scan session {session_id}")
    return {**session, "progress": progress.snapshot(db, session_id), "library": queries.totals(db)}


@router.get("/scan-sessions/{session_id}/failures", response_model=models.FailurePage, responses=NO_SESSION)
def list_failures(services: Shared, session_id: models.Id, limit: models.Limit = 50, offset: models.Offset = 0) -> Any:
    """List what a scan could not take in, each with its reason."""
    db = services.database.reader()
    if queries.session(db, session_id) is None:
        raise HTTPException(404, f"no scan session {session_id}")
    return queries.failures(db, session_id, limit, offset)
