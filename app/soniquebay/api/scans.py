"""Starting scans, holding them, and looking at them."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse

from soniquebay.api import models
from soniquebay.api.services import Services, Shared
from soniquebay.library import paths, queries, sessions

router = APIRouter(prefix="/api", tags=["scans"])
NO_SESSION: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem, "description": "no such session"}}
WRONG_STATE: dict[int | str, dict[str, Any]] = {
    **NO_SESSION,
    409: {"model": models.Problem, "description": "the session is in no state for that"},
}


@router.post(
    "/scan",
    status_code=202,
    response_model=models.Started,
    responses={
        400: {"model": models.Problem, "description": "the body is no JSON"},
        409: {"model": models.Running, "description": "a scan is under way; its session is in the answer"},
        422: {"model": models.Refused, "description": "a folder is none of the music, or the body not as described"},
    },
)
def start_scan(services: Shared, wanted: models.ScanRequest | None = None) -> Any:
    """Start a scan of all roots, or of some folders of them. One runs at a time."""
    wanted = wanted or models.ScanRequest()
    scope = _scope(services, wanted.folders) if wanted.folders is not None else None
    try:
        session_id = start(services, scope, confirmed=wanted.confirm_removal)
    except sessions.ScanRunningError as error:
        hint = "resume or cancel it" if error.status == "paused" else "follow it instead"
        running = models.Running(detail=f"{error}; {hint}", session_id=error.session_id, status=error.status)
        return JSONResponse(running.model_dump(), status_code=409)
    return models.Started(session_id=session_id)


def start(services: Services, scope: Sequence[str] | None = None, *, confirmed: bool = False) -> int:
    """Start a scan and return its session; raises `sessions.ScanRunningError`. See `sessions.start`."""
    with services.database.transaction() as db:
        session_id = sessions.start(db, scope, removal_confirmed=confirmed)
    services.dispatcher.discovery(session_id)
    services.progress.changed(session_id)
    return session_id


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
    return {**session, "progress": services.progress.snapshot(db, session_id), "library": queries.totals(db)}


@router.post("/scan-sessions/{session_id}/pause", response_model=models.SessionState, responses=WRONG_STATE)
def pause(services: Shared, session_id: models.Id) -> Any:
    """Hold a scan: what is in hand is finished, then it waits, its analysis too."""
    return _change(services, session_id, sessions.pause)


@router.post("/scan-sessions/{session_id}/resume", response_model=models.SessionState, responses=WRONG_STATE)
def resume(services: Shared, session_id: models.Id) -> Any:
    """Let a paused scan go on where it was."""
    state = _change(services, session_id, sessions.resume)
    services.dispatcher.resume_session()
    return state


@router.post("/scan-sessions/{session_id}/cancel", response_model=models.SessionState, responses=WRONG_STATE)
def cancel(services: Shared, session_id: models.Id) -> Any:
    """End a scan where it is; what it has found stays."""
    return _change(services, session_id, sessions.cancel)


@router.get("/scan-sessions/{session_id}/failures", response_model=models.FailurePage, responses=NO_SESSION)
def list_failures(services: Shared, session_id: models.Id, limit: models.Limit = 50, offset: models.Offset = 0) -> Any:
    """List what a scan could not take in, each with its reason."""
    db = services.database.reader()
    if queries.session(db, session_id) is None:
        raise HTTPException(404, f"no scan session {session_id}")
    return queries.failures(db, session_id, limit, offset)


def _change(services: Services, session_id: int, change: Callable[[Any, int], None]) -> dict[str, Any]:
    try:
        with services.database.transaction() as db:
            change(db, session_id)
            state = queries.session(db, session_id) or {}
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    except sessions.WrongStateError as error:
        raise HTTPException(409, str(error)) from error
    services.progress.changed(session_id, urgent=True)
    services.request_refill()
    return {"session_id": session_id, "status": state["status"]}


def _scope(services: Services, folders: list[str]) -> list[str]:
    """Return the folders, each below a root, none below another; 422 for any that is not."""
    roots = [paths.encode(str(root)) for root in services.settings.music]
    scope: list[str] = []
    for folder in sorted({folder.rstrip("/") for folder in folders}):
        try:
            plain = paths.decode(folder)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        if b"/../" in plain + b"/" or not any(paths.is_within(folder, root) for root in roots):
            raise HTTPException(422, f"{folder} is not a folder of the music: those are {', '.join(roots)}")
        if not any(paths.is_within(folder, above) for above in scope):
            scope.append(folder)
    return scope
