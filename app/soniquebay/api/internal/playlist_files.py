"""Playlist files: which of them a scan has found, and what they say."""

from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.services import Shared
from soniquebay.library import sessions
from soniquebay.library.paths import is_within
from soniquebay.library.reconcile import innermost_root
from soniquebay.listeners import library_playlists
from soniquebay.listeners.playlists import MAX_COMMENT_CHARACTERS, MAX_ENTRIES, MAX_NAME_CHARACTERS

router = APIRouter(prefix="/internal", route_class=InternalRoute)
Number = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class FoundFiles(BaseModel):
    """The playlist files that a scan has found. Paths are encoded."""

    folders: list[str] | None
    """Those that were walked; None: all."""
    found: dict[str, tuple[Number, Number]]
    """Size and mtime_ns by path."""
    unreadable: list[str]
    """Files and folders of which nothing is known; a folder ends with a slash."""
    roots: dict[str, int]
    """0 for one that may be an unplugged drive."""


class ReadFile(BaseModel):
    """What a playlist file says."""

    path: str
    size: Number
    mtime_ns: Number
    name: str = Field(min_length=1, max_length=MAX_NAME_CHARACTERS)
    comment: str = Field(max_length=MAX_COMMENT_CHARACTERS)
    rules: str | None
    locations: list[str] = Field(max_length=MAX_ENTRIES)


class ReadFiles(BaseModel):
    """What some playlist files say."""

    files: list[ReadFile]


@router.post("/sessions/{session_id}/playlist-files")
def compare_playlist_files(services: Shared, session_id: int, scan: FoundFiles) -> Answer:
    """Remove the playlists whose files are gone, and answer which files are `wanted`: those that are to be read."""
    library = services.database.reader()
    try:
        if not sessions.is_open(library, session_id):
            return {"wanted": []}
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
    session = library.execute(
        "SELECT full, removal_confirmed FROM scan_sessions WHERE id = ?", (session_id,)
    ).fetchone()

    def is_gone(path: str) -> bool:
        if path in scan.found or not any(is_within(path, folder) for folder in scan.folders or ["/"]):
            return False
        if any(is_within(path, unread.rstrip("/")) for unread in scan.unreadable):
            return False
        root = innermost_root(path, scan.roots)
        return root is None or bool(scan.roots[root]) or bool(session["removal_confirmed"])

    with services.accounts.database.transaction() as db:
        library_playlists.remove_gone(db, is_gone)
        return {"wanted": [*scan.found] if session["full"] else library_playlists.changed(db, scan.found)}


@router.post("/playlist-files")
def store_playlist_files(services: Shared, read: ReadFiles) -> Answer:
    """Store what playlist files say. The playlists follow when the scan has ended."""
    try:
        with services.accounts.database.transaction() as db:
            for file in read.files:
                library_playlists.store(db, library_playlists.ReadFile(**file.model_dump()))
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return {}
