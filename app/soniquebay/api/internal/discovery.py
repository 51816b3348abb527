"""What a discovery reports: that it is alive, the known files that it missed or found again, pictures, and its end."""

from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.services import Shared
from soniquebay.library import folder_pictures, reconcile, sessions
from soniquebay.library.entities import FailedFile, LeftOut
from soniquebay.library.missing_tracks import mark_returned

router = APIRouter(prefix="/internal", route_class=InternalRoute)


class KnownFiles(BaseModel):
    """Encoded paths of known files that are not as the library has them."""

    unseen: dict[str, list[str]] = {}
    """Files that discovery did not find, by their root."""
    returned: list[str] = []
    """Files that discovery found again, whose tracks are missing or to be retried later."""


class DiscoveryResult(BaseModel):
    """The counts and failures of a discovery that has ended, and what it has left out."""

    unchanged: int = Field(ge=0)
    failures: list[FailedFile]
    found: dict[str, int] = {}
    """Number of files found, by root."""
    left_out: list[LeftOut] = []
    unreadable: list[str] = []
    """Encoded paths of unreadable files that have not changed, so they were not read again."""


class ChangedFolders(BaseModel):
    """Folders whose pictures have changed."""

    stamps: dict[str, Annotated[int, Field(ge=0, lt=2**63)] | None]
    """By encoded folder with a slash at its end; None without any picture."""


@router.post("/sessions/{session_id}/heartbeat")
def record_heartbeat(services: Shared, session_id: int) -> Answer:
    """Note that a discovery is still running, and answer whether its session is."""
    with services.database.transaction() as db:
        sessions.record_heartbeat(db, session_id)
        return {"running": sessions.is_running(db, session_id)}


@router.post("/sessions/{session_id}/return")
def return_discovery(services: Shared, session_id: int) -> Answer:
    """Note that a discovery was not ended, because its session is paused: resuming it sends another."""
    with services.database.transaction() as db:
        sessions.mark_discovery_unsent(db, session_id)
    return {}


@router.post("/sessions/{session_id}/known-files")
def update_known_files(services: Shared, session_id: int, known: KnownFiles) -> Answer:
    """Store which known files a discovery did not find, and mark those that it found again as present."""
    try:
        with services.database.transaction() as db:
            if sessions.is_open(db, session_id):
                reconcile.add_unseen(db, session_id, known.unseen)
            returned = mark_returned(db, known.returned)
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    if returned:
        services.vectors.mark_outdated()
        services.map_upkeep.mark_outdated()
    return {"returned": returned}


@router.post("/folder-pictures")
def update_folder_pictures(services: Shared, changed: ChangedFolders) -> Answer:
    """Store the stamps of folders whose pictures have changed, and have the covers there searched again."""
    with services.database.transaction() as db:
        albums = folder_pictures.update_stamps(db, changed.stamps)
    return {"albums": albums}


@router.post("/sessions/{session_id}/discovered")
def end_discovery(services: Shared, session_id: int, result: DiscoveryResult) -> Answer:
    """End a session's discovery and reconcile the unseen files. After it the session waits only for its batches."""
    try:
        with services.database.transaction() as db:
            if not sessions.is_open(db, session_id):
                return {}  # cancelled meanwhile, or the second discovery of a completed session
            reconcile.protect_empty_roots(db, session_id, result.found)
        more = True
        while more:
            with services.database.transaction() as db:
                more = reconcile.reconcile_unseen(db, session_id, result.found)
        with services.database.transaction() as db:
            completed = sessions.end_discovery(
                db, session_id, result.unchanged, result.failures, result.left_out, unreadable=result.unreadable
            )
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    services.progress.changed(session_id, urgent=completed)
    if completed:
        services.request_refill()
    return {}
