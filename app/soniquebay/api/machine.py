"""The state of the machine."""

from typing import Any

from fastapi import APIRouter

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.machine import Machine
from soniquebay.api.services import Shared

router = APIRouter(prefix="/api", tags=["health"], responses=REFUSALS)


@router.get("/machine", dependencies=[Manager], response_model=Machine)
async def machine_state(services: Shared) -> Any:
    """Return processes, memory, queues, drives and temperature, as they are now.

    `/api/events?machine=true` tells them every five seconds.
    """
    return await services.machine.state()
