"""What the internet is asked: windows of work sent to the worker, and its answers, on the Unix socket."""

import logging
import time
from collections.abc import Callable
from typing import Any

import redis
from fastapi import APIRouter
from pydantic import BaseModel, Field

from soniquebay.api import models
from soniquebay.api.services import Shared
from soniquebay.library import enrichment
from soniquebay.library.database import Database
from soniquebay.library.enrichment import ArtistFacts, Item, ReleaseFacts, Service
from soniquebay.settings import Settings

log = logging.getLogger(__name__)

TASKS: dict[Service, tuple[str, str]] = {  # task and its queue
    "musicbrainz": ("enrich.musicbrainz", "deferred"),
    "coverart": ("covers.fetch", "covers"),
}
Answer = dict[str, Any]


class OnlineWork:
    """Sends one window of look-ups of each service at a time, while that service answers."""

    def __init__(
        self, settings: Settings, database: Database, send: Callable[..., bool], waiting: Callable[[str], int]
    ) -> None:
        self._settings, self._database, self._send, self._waiting = settings, database, send, waiting

    def refill(self) -> None:
        """Send the next window of each service that has none in hand; costs a look at the rows if there is no work."""
        if not self._settings.online:
            return
        try:
            for service, (task, queue) in TASKS.items():
                # What waits behind a long scan still stands for its lease that has run out.
                if not self._waiting(queue):
                    self._window(service, task)
        except redis.RedisError as error:
            log.warning("nothing is looked up, Redis is away: %s", error)

    def _window(self, service: Service, task: str) -> None:
        # The look that mostly finds nothing keeps no writer waiting.
        if not enrichment.next_window(self._database.reader(), service, time.time()):
            return
        with self._database.transaction() as db:
            items = enrichment.next_window(db, service, time.time())
            if items:
                enrichment.lease(db, service, time.time())
        if items:
            # What cannot be sent is free again when its lease ends.
            self._send(task, items=items)


class FactsIn(BaseModel):
    """What MusicBrainz says of an artist or a release; None if it knows no such thing."""

    item: Item
    facts: ArtistFacts | ReleaseFacts | None


class SearchIn(BaseModel):
    """Which release an album is; None if none is surely it."""

    item: Item
    mbid: str | None


class AwayIn(BaseModel):
    """Why a service does not answer, and the seconds it asks for."""

    reason: str
    retry_after: float = Field(ge=0)


public = APIRouter(prefix="/api", tags=["health"])
router = APIRouter(prefix="/internal/online")


@public.get("/online", response_model=models.OnlineState)
def online_state(services: Shared) -> Any:
    """Return how MusicBrainz and the Cover Art Archive are, and how much is still to be asked of them."""
    states = enrichment.states(services.database.reader(), time.time())
    return {"online": services.settings.online, "services": states}


@router.put("/facts")
def put_facts(services: Shared, answer: FactsIn) -> Answer:
    """Keep facts."""
    with services.database.transaction() as db:
        enrichment.answered(db, answer.item, answer.facts, time.time())
    return {}


@router.put("/search")
def put_search(services: Shared, answer: SearchIn) -> Answer:
    """Keep the outcome of a search."""
    with services.database.transaction() as db:
        enrichment.searched(db, answer.item, answer.mbid, time.time())
    return {}


@router.put("/no-cover")
def no_cover(services: Shared, item: Item) -> Answer:
    """Note that the archive has no front cover of a release."""
    with services.database.transaction() as db:
        enrichment.put_off(db, item, time.time() + enrichment.MISSING)
    return {}


@router.post("/put-off")
def put_off(services: Shared, items: list[Item]) -> Answer:
    """Look at items again tomorrow: what was answered was of no use, or the task of them failed."""
    with services.database.transaction() as db:
        for item in items:
            enrichment.put_off(db, item, time.time() + enrichment.PUT_OFF)
    return {}


@router.post("/services/{service}/back")
def back(services: Shared, service: Service) -> Answer:
    """End a window that went well, and send the next one."""
    with services.database.transaction() as db:
        was_away = enrichment.back(db, service)
    if was_away:
        log.info("%s answers again", service)
    services.online.refill()
    return {}


@router.post("/services/{service}/away")
def away(services: Shared, service: Service, trouble: AwayIn) -> Answer:
    """End a window that met trouble; nothing is sent until the service may be asked again."""
    with services.database.transaction() as db:
        failures = enrichment.away(db, service, trouble.reason, trouble.retry_after, time.time())
    if failures == 1:  # the further ones are no news
        log.warning("%s does not answer, it is tried again from time to time: %s", service, trouble.reason)
    return {}
