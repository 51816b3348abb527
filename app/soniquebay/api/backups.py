"""The backups of this appliance, and making one now."""

from typing import Any

from fastapi import APIRouter, HTTPException

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.backups import Backups, BackupState
from soniquebay.api.models.problems import Problem
from soniquebay.api.services import Services, Shared
from soniquebay.backup import BackupError
from soniquebay.backup.manifest import Backup
from soniquebay.library.paths import encode

router = APIRouter(prefix="/api", tags=["health"], dependencies=[Manager], responses=REFUSALS)


@router.get("/backups", response_model=Backups)
def backups(services: Shared) -> Any:
    """Return the backups on the card, and how the last attempt went."""
    return _state(services)


@router.post(
    "/backups",
    status_code=202,
    response_model=Backups,
    responses={409: {"model": Problem, "description": "a backup is being made already, or a scan is running"}},
)
def make_backup(services: Shared) -> Any:
    """Have a backup made now. `GET /api/backups` says when it has ended (`running`), and why it failed (`problem`)."""
    try:
        services.backups.request()
    except BackupError as error:
        raise HTTPException(409, str(error)) from error
    return _state(services)


def _state(services: Services) -> Backups:
    job = services.backups
    second = job.places.second
    is_running = job.is_running  # first: a backup that ends meanwhile is among the items
    return Backups(
        items=[_item(backup) for backup in job.backups()],
        running=is_running,
        problem=job.problem,
        second_place=encode(str(second)) if second else None,
        second_problem=job.second_problem,
    )


def _item(backup: Backup) -> BackupState:
    made = backup.manifest
    fields: dict[str, Any] = dict.fromkeys(("number", "made_at", "reason", "version", "bytes", "tracks", "users"))
    if made:
        fields = {
            "number": made.sequence,
            "made_at": made.made_at,
            "reason": made.reason,
            "version": made.version,
            "bytes": made.bytes,
            "tracks": made.rows["library.db"].get("tracks"),
            "users": made.rows["listeners.db"].get("users"),
        }
    return BackupState(name=backup.name, problem=backup.problem, **fields)
