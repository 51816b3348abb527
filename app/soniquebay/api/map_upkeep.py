"""Have the worker place new tracks on the map, while that takes a small share of its time."""

import logging
import time

import redis

from soniquebay.api.dispatcher import Dispatcher
from soniquebay.library.database import Database
from soniquebay.library.similarity import map_places
from soniquebay.worker.app import describe_broker_error

log = logging.getLogger(__name__)

TASK, QUEUE = "maintenance.lay_out_map", "maintenance"
_MIN_PAUSE_SECONDS = 5.0
_PAUSE_FACTOR = 10  # the pause after a task is this many times as long as the processor time of the task
_CHECK_PAUSE_FACTOR = 200  # the same for a check that found nothing to do
_FIRST_RETRY_SECONDS = 60.0  # after a task that did not report its end; each following one waits twice as long
_MAX_RETRY_SECONDS = 86_400.0


class MapUpkeep:
    """Sends the task that brings the map up to date. Safe to use from several threads."""

    def __init__(self, database: Database, dispatcher: Dispatcher) -> None:
        self._database, self._dispatcher = database, dispatcher
        self._is_outdated = True  # vectors may have been stored before this start
        self._next_at = 0.0  # monotonic seconds
        self._unreported = 0  # tasks sent since the last one that reported its end
        self.progress: float | None = None
        """Share of a new layout that is computed, from 0 to 1; None while none is."""

    def mark_outdated(self) -> None:
        """Have it checked whether tracks are to be placed: some were analysed, or came back."""
        self._is_outdated = True

    def finished(self, cpu_seconds: float) -> None:
        """Note that a task has ended, and how much processor time it took: on a busy machine it lasts longer."""
        self._unreported, self.progress = 0, None
        self._next_at = time.monotonic() + max(_MIN_PAUSE_SECONDS, _PAUSE_FACTOR * cpu_seconds)

    def run(self) -> None:
        """Send the task if it is due, and no task of its queue waits or runs."""
        started = time.monotonic()
        if not self._is_outdated or started < self._next_at:
            return
        db = self._database.reader()
        try:
            if self._dispatcher.analysis_is_delayed(db) or self._dispatcher.has_messages(QUEUE):
                return
        except redis.RedisError as error:
            log.warning("the map is not brought up to date. %s", describe_broker_error(error))
            return
        self._is_outdated = False
        plan = map_places.plan(db)
        now = time.monotonic()
        if not plan.unplaced and not plan.is_new_layout_due:
            self._next_at = now + max(_MIN_PAUSE_SECONDS, _CHECK_PAUSE_FACTOR * (now - started))
            return
        self._is_outdated, self.progress = True, None
        if self._dispatcher.send(TASK):
            self._next_at = now + min(_FIRST_RETRY_SECONDS * 2**self._unreported, _MAX_RETRY_SECONDS)
            self._unreported += 1
