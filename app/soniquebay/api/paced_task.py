"""Send a task of the worker when there is something to do, while that takes a small share of the worker's time."""

import logging
import sqlite3
import time
from collections.abc import Callable

import redis

from soniquebay.api.dispatcher import Dispatcher
from soniquebay.library import queries
from soniquebay.library.database import Database
from soniquebay.worker.app import describe_broker_error

log = logging.getLogger(__name__)

QUEUE = "maintenance"
_MIN_PAUSE_SECONDS = 5.0
_MAX_QUICK_CPU_SECONDS = 60.0
_CHECK_PAUSE_FACTOR = 200  # the pause after a check that found nothing to do is this many times as long as the check
_FIRST_RETRY_SECONDS = 60.0  # after a task that did not report its end; each following one waits twice as long
_MAX_RETRY_SECONDS = 86_400.0


class PacedTask:
    """A task without arguments that reports its end. Safe to use from several threads.

    The pause after a task is `pause_factor` times as long as its processor time. Once no track waits for its analysis,
    it is as long as that time, so that the last tracks need not wait: unless the task takes long, for tracks may come
    one by one. `is_due` reads in the database whether there is something to do.
    """

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        task: str,
        pause_factor: float,
        is_due: Callable[[sqlite3.Connection], bool],
    ) -> None:
        self._database, self._dispatcher = database, dispatcher
        self._task, self._pause_factor, self._is_due = task, pause_factor, is_due
        self._is_outdated = True  # vectors may have been stored before this start
        self._next_at = self._next_beside_analysis_at = 0.0  # monotonic seconds
        self._unreported = 0  # tasks sent since the last one that reported its end

    def mark_outdated(self) -> None:
        """Have it checked whether there is something to do: some tracks were analysed, or came back."""
        self._is_outdated = True

    def finished(self, cpu_seconds: float) -> None:
        """Note that a task has ended, and how much processor time it took: on a busy machine it lasts longer."""
        self._unreported = 0
        now, pause_seconds = time.monotonic(), self._pause_factor * cpu_seconds
        self._next_beside_analysis_at = now + pause_seconds
        quick_seconds = cpu_seconds if cpu_seconds <= _MAX_QUICK_CPU_SECONDS else pause_seconds
        self._next_at = now + max(_MIN_PAUSE_SECONDS, quick_seconds)

    def run(self) -> None:
        """Send the task if it is due, and no task of its queue waits or runs."""
        started = time.monotonic()
        if not self._is_outdated or started < self._next_at:
            return
        db = self._database.reader()
        if started < self._next_beside_analysis_at and queries.unanalysed_tracks(db, 1):
            return
        try:
            if self._dispatcher.analysis_is_delayed(db) or self._dispatcher.has_messages(QUEUE):
                return
        except redis.RedisError as error:
            log.warning("%s is not sent. %s", self._task, describe_broker_error(error))
            return
        self._is_outdated = False
        is_due = self._is_due(db)
        now = time.monotonic()
        if not is_due:
            self._next_at = now + max(_MIN_PAUSE_SECONDS, _CHECK_PAUSE_FACTOR * (now - started))
            return
        self._is_outdated = True
        if self._dispatcher.send(self._task):
            self._next_at = now + min(_FIRST_RETRY_SECONDS * 2**self._unreported, _MAX_RETRY_SECONDS)
            self._unreported += 1
