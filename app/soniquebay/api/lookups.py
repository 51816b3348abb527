"""Windows of look-ups for the worker: what the internet is asked next."""

import logging
import time
from collections.abc import Callable

import redis

from soniquebay.library import enrichment
from soniquebay.library.database import Database
from soniquebay.library.enrichment import Service
from soniquebay.settings import Settings

log = logging.getLogger(__name__)

TASKS: dict[Service, tuple[str, str]] = {  # task and its queue
    "musicbrainz": ("enrich.musicbrainz", "deferred"),
    "coverart": ("covers.fetch", "covers"),
}


class Lookups:
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
            log.warning("nothing is looked up, Redis is unreachable: %s", error)

    def _window(self, service: Service, task: str) -> None:
        # The look that mostly finds nothing keeps no writer waiting.
        if not enrichment.next_lookups(self._database.reader(), service, time.time()):
            return
        with self._database.transaction() as db:
            items = enrichment.next_lookups(db, service, time.time())
            if items:
                enrichment.lease_lookups(db, service, time.time())
        if items:
            # What cannot be sent is free again when its lease ends.
            self._send(task, items=items)
