"""Start, pause, resume and cancel scans, and report on them."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import JSONResponse

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.fields import Id
from soniquebay.api.models.paging import PageQuery
from soniquebay.api.models.problems import Problem, Refused
from soniquebay.api.models.scans import (
    FailurePage,
    Running,
    ScanRequest,
    SessionDetail,
    SessionPage,
    SessionState,
    Started,
)
from soniquebay.api.services import Services, Shared
from soniquebay.library import loudness, paths, queries, sessions

router = APIRouter(prefix="/api", tags=["scans"], dependencies=[Manager], responses=REFUSALS)
NO_SESSION: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "no such session"}}
WRONG_STATE: dict[int | str, dict[str, Any]] = {
    **NO_SESSION,
    409: {"model": Problem, "description": "the session's status does not allow it"},
}


@router.post(
    "/scan",
    status_code=202,
    response_model=Started,
    responses={
        400: {"model": Problem, "description": "the body is not JSON"},
        409: {
            "model": Running,
            "description": "a scan is running or paused already; the answer names its session",
        },
        422: {
            "model": Refused,
            "description": "a folder is not one of the music, or the body is not as described",
        },
    },
)
def start_scan(services: Shared, body: ScanRequest | None = None) -> Any:
    """Start a scan of all roots, or of some folders below them. Only one scan runs at a time."""
    body = body or ScanRequest()
    folders = _checked_folders(services, body.folders) if body.folders is not None else None
    try:
        session_id = start(services, folders, confirmed=body.confirm_removal, full=body.full)
    except sessions.ScanRunningError as error:
        hint = "resume or cancel it" if error.status == "paused" else "follow it instead"
        running = Running(detail=f"{error}; {hint}", session_id=error.session_id, status=error.status)
        return JSONResponse(running.model_dump(), status_code=409)
    return Started(session_id=session_id)


def start(
    services: Services, folders: Sequence[str] | None = None, *, confirmed: bool = False, full: bool = False
) -> int:
    """Start a scan of encoded folders, None for all roots, and return its session's id.

    `confirmed`: the operator confirms that files that are not found were removed. `full`: unchanged files are read
    again too. Raises `sessions.ScanRunningError` while another scan is running or paused.
    """
    with services.database.transaction() as db:
        session_id = sessions.start(db, folders, removal_confirmed=confirmed, full=full)
    services.dispatcher.send_discovery(session_id)
    services.progress.changed(session_id)
    return session_id


@router.get("/scan-sessions", response_model=SessionPage)
def list_sessions(services: Shared, query: Annotated[PageQuery, Query()]) -> Any:
    """List scans, the newest first."""
    return queries.sessions(services.database.reader(), query.limit, query.offset)


@router.get("/scan-sessions/{session_id}", response_model=SessionDetail, responses=NO_SESSION)
def get_session(services: Shared, session_id: Id) -> Any:
    """Return one scan with its progress and the library's totals."""
    db = services.database.reader()
    session = queries.session(db, session_id)
    if session is None:
        raise HTTPException(404, f"no scan session {session_id}")
    waiting = loudness.count_waiting(db, services.settings.measured_tracks)
    totals = {**queries.totals(db), "loudness_waiting": waiting}
    return {**session, "progress": services.progress.snapshot(db, session_id), "library": totals}


@router.post("/scan-sessions/{session_id}/pause", response_model=SessionState, responses=WRONG_STATE)
def pause(services: Shared, session_id: Id) -> Any:
    """Pause a scan and its analysis. Tasks that run already are finished."""
    return _change(services, session_id, sessions.pause)


@router.post("/scan-sessions/{session_id}/resume", response_model=SessionState, responses=WRONG_STATE)
def resume(services: Shared, session_id: Id) -> Any:
    """Continue a paused scan where it stopped."""
    state = _change(services, session_id, sessions.resume)
    services.dispatcher.resume_session()
    return state


@router.post("/scan-sessions/{session_id}/cancel", response_model=SessionState, responses=WRONG_STATE)
def cancel(services: Shared, session_id: Id) -> Any:
    """End a scan early. The tracks that it has inserted stay."""
    return _change(services, session_id, sessions.cancel)


@router.get("/scan-sessions/{session_id}/failures", response_model=FailurePage, responses=NO_SESSION)
def list_failures(services: Shared, session_id: Id, query: Annotated[PageQuery, Query()]) -> Any:
    """List the files and folders that a scan could not process, with the reasons. Those of 20 scans are kept."""
    db = services.database.reader()
    if queries.session(db, session_id) is None:
        raise HTTPException(404, f"no scan session {session_id}")
    return queries.failures(db, session_id, query.limit, query.offset)


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


def _checked_folders(services: Services, folders: list[str]) -> list[str]:
    """Return the folders without those below another one. Raises a 422 when a folder is not below a root."""
    roots = [paths.encode(str(root)) for root in services.settings.music]
    checked: list[str] = []
    for folder in sorted({folder.rstrip("/") for folder in folders}):
        try:
            path = paths.decode(folder)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        if b"/../" in path + b"/" or not any(paths.is_within(folder, root) for root in roots):
            raise HTTPException(422, f"{folder} is not a folder of the music: those are {', '.join(roots)}")
        if not any(paths.is_within(folder, above) for above in checked):
            checked.append(folder)
    return checked
