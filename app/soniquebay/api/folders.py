"""Browse the folders of music as they lie on the disk. Their own paths are told to nobody."""

import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from soniquebay.api.access import REFUSALS
from soniquebay.api.models.folders import FolderContent, FolderQuery
from soniquebay.api.models.problems import Problem
from soniquebay.api.services import Services, Shared
from soniquebay.library import queries
from soniquebay.library.browsing import folders
from soniquebay.library.paths import encode

router = APIRouter(prefix="/api", tags=["library"], responses=REFUSALS)


@router.get(
    "/folders", response_model=FolderContent, responses={404: {"model": Problem, "description": "no such folder"}}
)
def list_folder(services: Shared, query: Annotated[FolderQuery, Query()]) -> Any:
    """Return what lies in a folder that a scan has found music in; without `root` the folders of music."""
    db = services.database.reader()
    roots = _roots(services)
    if query.root is None:
        listed = [_folder(db, number, "", root, None) for number, root in enumerate(roots, start=1)]
        return {"name": None, "folders": listed, "tracks": [], "total": 0}
    if query.root > len(roots):
        raise HTTPException(404, f"there is no folder of music {query.root}")
    place = f"{roots[query.root - 1]}/{query.path}" if query.path else roots[query.root - 1]
    found = folders.read(db, place)
    if query.path and not found.folders and not found.track_ids:
        raise HTTPException(404, f"no folder {query.path}")
    inner = [
        _folder(db, query.root, f"{query.path}/{name}" if query.path else name, f"{place}/{name}", first)
        for name, first in found.folders
    ]
    part = found.track_ids[query.offset : query.offset + query.limit]
    return {
        "name": _name(place),
        "folders": inner,
        "tracks": queries.tracks_by_id(db, part),
        "total": len(found.track_ids),
    }


def _roots(services: Services) -> list[str]:
    return [encode(str(root)).rstrip("/") for root in services.settings.music]


def _folder(db: sqlite3.Connection, root: int, path: str, place: str, first: sqlite3.Row | None) -> dict[str, Any]:
    return {
        "root": root,
        "path": path,
        "name": _name(place),
        "tracks": folders.count_below(db, place),
        "album_id": first and first["album_id"],
        "has_cover": bool(first and first["cover"]),
    }


def _name(place: str) -> str:
    return place.rpartition("/")[2] or "Music"
