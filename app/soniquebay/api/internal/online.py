"""Store what services on the internet answered."""

import logging
import time

from fastapi import APIRouter
from pydantic import BaseModel, Field

from soniquebay.api.internal.routes import Answer
from soniquebay.api.services import Shared
from soniquebay.library import enrichment
from soniquebay.library.enrichment import ArtistFacts, Lookup, ReleaseFacts, Service

log = logging.getLogger(__name__)
router = APIRouter(prefix="/internal/online")


class FactsResult(BaseModel):
    """MusicBrainz's facts of an artist or a release; None when it has no such id."""

    item: Lookup
    facts: ArtistFacts | ReleaseFacts | None


class SearchResult(BaseModel):
    """The release that an album is; None when the search found none, or more than one."""

    item: Lookup
    mbid: str | None


class ServiceDown(BaseModel):
    """Why a service does not answer, and how long it asks to wait (seconds)."""

    reason: str
    retry_after: float = Field(ge=0)


@router.put("/facts")
def put_facts(services: Shared, answer: FactsResult) -> Answer:
    """Store MusicBrainz's facts of an artist or a release."""
    with services.database.transaction() as db:
        enrichment.store_facts(db, answer.item, answer.facts, time.time())
    return {}


@router.put("/search")
def put_search(services: Shared, answer: SearchResult) -> Answer:
    """Store the result of a search for an album's release."""
    with services.database.transaction() as db:
        enrichment.store_search_result(db, answer.item, answer.mbid, time.time())
    return {}


@router.put("/no-cover")
def no_cover(services: Shared, item: Lookup) -> Answer:
    """Note that the Cover Art Archive has no front cover of a release."""
    with services.database.transaction() as db:
        enrichment.postpone(db, item, time.time() + enrichment.NOT_FOUND_VALID_SECONDS)
    return {}


@router.post("/postpone")
def postpone(services: Shared, items: list[Lookup]) -> Answer:
    """Postpone lookups by a day: their answers were of no use, or their task failed."""
    with services.database.transaction() as db:
        for item in items:
            enrichment.postpone(db, item, time.time() + enrichment.POSTPONED_SECONDS)
    return {}


@router.post("/services/{service}/up")
def service_up(services: Shared, service: Service) -> Answer:
    """Note that a service has answered all lookups of a task, and send the next ones."""
    with services.database.transaction() as db:
        was_down = enrichment.mark_service_up(db, service)
    if was_down:
        log.info("%s answers again", service)
    services.lookups.refill()
    return {}


@router.post("/services/{service}/down")
def service_down(services: Shared, service: Service, down: ServiceDown) -> Answer:
    """Note that a service is down. It gets no lookups until its back-off ends."""
    with services.database.transaction() as db:
        failures = enrichment.mark_service_down(db, service, down.reason, down.retry_after, time.time())
    if failures == 1:  # the next ones are not logged
        log.warning("%s does not answer, it is tried again from time to time: %s", service, down.reason)
    return {}
