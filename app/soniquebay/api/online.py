"""What the internet answered, told by the worker on the Unix socket; and how its services are."""

import logging
import time
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from soniquebay.api import models
from soniquebay.api.services import Shared
from soniquebay.library import enrichment
from soniquebay.library.enrichment import ArtistFacts, Lookup, ReleaseFacts, Service

log = logging.getLogger(__name__)

Answer = dict[str, Any]


class FactsIn(BaseModel):
    """What MusicBrainz says of an artist or a release; None if it knows no such thing."""

    item: Lookup
    facts: ArtistFacts | ReleaseFacts | None


class SearchIn(BaseModel):
    """Which release an album is; None if none is surely it."""

    item: Lookup
    mbid: str | None


class ServiceDownIn(BaseModel):
    """Why a service does not answer, and the seconds it asks for."""

    reason: str
    retry_after: float = Field(ge=0)


public = APIRouter(prefix="/api", tags=["health"])
router = APIRouter(prefix="/internal/online")


@public.get("/online", response_model=models.OnlineState)
def online_state(services: Shared) -> Any:
    """Return how MusicBrainz and the Cover Art Archive are, and how much is still to be asked of them."""
    states = enrichment.service_states(services.database.reader(), time.time())
    return {"online": services.settings.online, "services": states}


@router.put("/facts")
def put_facts(services: Shared, answer: FactsIn) -> Answer:
    """Keep facts."""
    with services.database.transaction() as db:
        enrichment.store_facts(db, answer.item, answer.facts, time.time())
    return {}


@router.put("/search")
def put_search(services: Shared, answer: SearchIn) -> Answer:
    """Keep the outcome of a search."""
    with services.database.transaction() as db:
        enrichment.store_search_result(db, answer.item, answer.mbid, time.time())
    return {}


@router.put("/no-cover")
def no_cover(services: Shared, item: Lookup) -> Answer:
    """Note that the archive has no front cover of a release."""
    with services.database.transaction() as db:
        enrichment.postpone(db, item, time.time() + enrichment.NOT_FOUND_VALID_SECONDS)
    return {}


@router.post("/postpone")
def postpone(services: Shared, items: list[Lookup]) -> Answer:
    """Look at items again tomorrow: what was answered was of no use, or the task of them failed."""
    with services.database.transaction() as db:
        for item in items:
            enrichment.postpone(db, item, time.time() + enrichment.POSTPONED_SECONDS)
    return {}


@router.post("/services/{service}/up")
def service_up(services: Shared, service: Service) -> Answer:
    """End a window that went well, and send the next one."""
    with services.database.transaction() as db:
        was_down = enrichment.mark_service_up(db, service)
    if was_down:
        log.info("%s answers again", service)
    services.lookups.refill()
    return {}


@router.post("/services/{service}/down")
def service_down(services: Shared, service: Service, trouble: ServiceDownIn) -> Answer:
    """End a window that met trouble; nothing is sent until the service may be asked again."""
    with services.database.transaction() as db:
        failures = enrichment.mark_service_down(db, service, trouble.reason, trouble.retry_after, time.time())
    if failures == 1:  # the further ones are no news
        log.warning("%s does not answer, it is tried again from time to time: %s", service, trouble.reason)
    return {}
