"""Report how the services on the internet are."""

import time
from functools import partial
from typing import Any

from fastapi import APIRouter

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.health import OnlineState
from soniquebay.api.services import Shared
from soniquebay.library import enrichment

router = APIRouter(prefix="/api", tags=["health"], responses=REFUSALS)
_AGE_FACTOR = 50  # of the number of due lookups, which nobody needs exactly: at 1,000,000 tracks it is 20 s old at most


@router.get("/online", dependencies=[Manager], response_model=OnlineState)
def online_state(services: Shared) -> Any:
    """Return whether MusicBrainz and the Cover Art Archive answer, and how many lookups are due."""
    db, now = services.database.reader(), time.time()
    states = enrichment.service_states(db)
    for state in states:
        count = partial(enrichment.count_due, db, state["name"], now)
        state["due"] = services.counts.number(f"lookups of {state['name']} that are due", count, age_factor=_AGE_FACTOR)
    return {"online": services.settings.online, "services": states}
