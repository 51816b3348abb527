"""The state of the machine."""

from typing import Any

from fastapi import APIRouter

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.machine import Activity, Machine
from soniquebay.api.services import Shared
from soniquebay.library import sessions

router = APIRouter(prefix="/api", tags=["health"], responses=REFUSALS)


@router.get("/machine", dependencies=[Manager], response_model=Machine)
async def machine_state(services: Shared) -> Any:
    """Return processes, memory, queues, drives and temperature, as they are now.

    `/api/events?machine=true` tells them every five seconds.
    """
    return await services.machine.state()


@router.get("/activity", dependencies=[Manager], response_model=Activity)
def activity(services: Shared) -> Any:
    """Return whether the machine is in use. Updates of the system and restarts wait until it is not."""
    session = sessions.active_session(services.database.reader())
    return Activity(
        scan_runs=session is not None and session["status"] == "running",
        streams=services.listening.streams,
        somebody_listens=not services.listening.is_quiet or bool(services.now_playing.all()),
    )
