"""Send lookups to the worker, a few at a time."""

import logging
import time
from collections.abc import Callable

import redis

from soniquebay.library import enrichment
from soniquebay.library.database import Database
from soniquebay.library.enrichment import Service
from soniquebay.settings import Settings

log = logging.getLogger(__name__)

TASKS: dict[Service, tuple[str, str]] = {  # the task of a service, and its queue
    "musicbrainz": ("enrich.musicbrainz", "deferred"),
    "coverart": ("covers.fetch", "covers"),
}


class Lookups:
    """Sends a few lookups of each service at a time, while that service answers."""

    def __init__(
        self, settings: Settings, database: Database, send: Callable[..., bool], queue_length: Callable[[str], int]
    ) -> None:
        """Make it from the dispatcher's functions: `send` sends a task, `queue_length` counts waiting messages."""
        self._settings, self._database, self._send, self._queue_length = settings, database, send, queue_length

    def refill(self) -> None:
        """Send the next lookups of each service that has none under way; one query a service when none is due."""
        if not self._settings.online:
            return
        try:
            for service, (task, queue) in TASKS.items():
                # Behind a long scan the lease of a task may end while its message still waits.
                if not self._queue_length(queue):
                    self._send_lookups(service, task)
        except redis.RedisError as error:
            log.warning("no lookups sent, Redis is unreachable: %s", error)

    def _send_lookups(self, service: Service, task: str) -> None:
        # Most often there is nothing to send, so the first query takes no write lock.
        if not enrichment.next_window(self._database.reader(), service, time.time()):
            return
        with self._database.transaction() as db:
            items = enrichment.next_window(db, service, time.time())
            if items:
                enrichment.lease(db, service, time.time())
        if items:
            # If this fails the items are due again when their lease ends.
            self._send(task, items=items)
