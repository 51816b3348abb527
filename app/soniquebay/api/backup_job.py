"""The background job that makes backups: at night, after a large scan, and on request; never while a scan runs."""

import asyncio
import logging
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from soniquebay import __version__
from soniquebay.api.backup_schedule import MIN_INTERVAL_SECONDS, Moment, Reason, Schedule
from soniquebay.backup import BackupError, making, manifest
from soniquebay.backup.making import Places
from soniquebay.backup.manifest import Backup
from soniquebay.library import sessions
from soniquebay.library.database import Database
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.settings import Settings
from soniquebay.worker.process_priority import lower_priority

log = logging.getLogger(__name__)

CHECK_INTERVAL_SECONDS = 60.0
_NICENESS = 10


class BackupJob:
    """Makes backups in one thread of low priority, one after another. Safe from any thread."""

    def __init__(self, settings: Settings, library: Database, listeners: ListenersDatabase) -> None:
        chosen = settings.backup
        self.places = Places(settings.data, chosen.folder, chosen.keep, chosen.max_mb)
        self.problem: str | None = None
        """Why the last attempt has failed."""
        self.second_problem: str | None = None
        """Why the last backup is not in the second place."""
        self._library, self._databases = library, (library, listeners)
        self._schedule = Schedule(chosen.hour, time.monotonic())
        # Threads of its own: their priority cannot be raised again.
        self._thread = ThreadPoolExecutor(1, "backup", initializer=lower_priority, initargs=(_NICENESS,))
        self._lock = threading.Lock()
        self._running_since: float | None = None
        self._stopping = threading.Event()
        self._commits: int | None = None
        self._session_id: int | None = None
        self._counted: tuple[int, int] = 0, 0

    @property
    def is_running(self) -> bool:
        """Whether a backup is being made, or waits for the thread."""
        return self._running_since is not None

    def backups(self) -> list[Backup]:
        """Return the backups on the card, the newest first. Raises ``OSError``."""
        return manifest.backups_in(self.places.folder)

    def warnings(self) -> list[str]:
        """Return what the owner has to know, in sentences. It reads no disk, which may hang."""
        running = self._running_since
        stuck = running is not None and time.monotonic() - running > MIN_INTERVAL_SECONDS
        return [
            *([f"Backup: {self.problem}."] if self.problem else []),
            *([f"Backup: {self.second_problem}."] if self.second_problem else []),
            *(["Backup: it takes hours. Does the drive of SONIQUEBAY_BACKUP_FOLDER answer?"] if stuck else []),
        ]

    def request(self) -> None:
        """Have a backup made now. Raises `BackupError` in a sentence while one, or a scan, is running."""
        if self._scan_is_running():
            raise BackupError("a scan is running: try it again when that has ended")
        if not self._begin():
            raise BackupError("a backup is being made already")
        self._thread.submit(self._make, "request")

    def _begin(self) -> bool:
        with self._lock:
            if self._running_since is not None:
                return False
            self._running_since = time.monotonic()
            return True

    async def run(self) -> None:
        """Make backups when they are due, until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await loop.run_in_executor(self._thread, self.check)
                await asyncio.sleep(CHECK_INTERVAL_SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        """Stop the backup that is being made; it leaves nothing."""
        self._stopping.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def check(self) -> None:
        """Make a backup if it is due. An error is logged, and not raised."""
        try:
            reason = None if self.is_running or self._scan_is_running() else self._schedule.reason(self._now())
            if reason and (reason == "scan" or self._has_news()) and self._begin():
                self._make(reason)
        except (sqlite3.Error, OSError) as error:
            self._note_problem(str(error))

    def _scan_is_running(self) -> bool:
        session = sessions.active_session(self._library.reader())
        return session is not None and session["status"] == "running"

    def _now(self) -> Moment:
        newest = manifest.newest(self.backups())
        age = time.time() - newest.manifest.made_at if newest and newest.manifest else None
        return Moment(time.monotonic(), time.localtime().tm_hour, self._changed_tracks(), age)

    def _changed_tracks(self) -> int:
        """Return how many tracks were read, moved or lost by scans since the last backup."""
        db = self._library.reader()
        newest = sessions.newest_session_id(db)
        if self._session_id is None:
            self._session_id = newest
        if newest != self._counted[0]:  # counting looks at every track
            self._counted = newest, sessions.changed_tracks(db, self._session_id)
        return self._counted[1]

    def _has_news(self) -> bool:
        """Tell whether anything was written since the last backup; one more would only wear the card."""
        return self._commits != self._count_commits() or manifest.newest(self.backups()) is None

    def _count_commits(self) -> int:
        return sum(database.commits for database in self._databases)

    def _make(self, reason: Reason) -> None:
        try:
            commits, session_id = self._count_commits(), sessions.newest_session_id(self._library.reader())
            made = making.make(self.places, reason, __version__, self._stopping.is_set)
            self._commits, self._session_id, self._counted = commits, session_id, (session_id, 0)
            self.problem = None
            if made.second_problem and made.second_problem != self.second_problem:
                log.warning("backup: %s", made.second_problem)
            self.second_problem = made.second_problem
        except Exception as error:  # whatever it is, the API goes on
            if not self._stopping.is_set():
                self._note_problem(str(error))
        finally:
            self._schedule.note_attempt(time.monotonic())
            self._running_since = None

    def _note_problem(self, problem: str) -> None:
        if problem != self.problem:
            log.error("backup: %s", problem)
        self.problem = problem
