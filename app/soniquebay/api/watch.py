"""Watching: a thread that starts a scan when something has changed in the folders of music."""

import logging
import os
import select
import sqlite3
import threading
import time
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter

from soniquebay.api import scans
from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.watching import WatchState
from soniquebay.api.services import Services, Shared
from soniquebay.library import folder_pictures, sessions
from soniquebay.library.paths import encode
from soniquebay.watch.changes import PendingChanges
from soniquebay.watch.tree import EVERYTHING, MOUNTINFO, Change, WatchedTree

log = logging.getLogger(__name__)

SCAN_RETRY_SECONDS = 2.0  # while another scan is under way
ERROR_RETRY_SECONDS = 10.0
COVER_DELAY_SECONDS = 2.0  # after the first picture, so that the pictures of one copy are one change
GROWING_FILES_INTERVAL_SECONDS = 1.0  # between two checks of files that are being written
ABSENT_ROOTS_INTERVAL_SECONDS = 10.0  # between two checks for roots that are absent
_STOP_TIMEOUT_SECONDS = 5

router = APIRouter(prefix="/api", tags=["scans"], responses=REFUSALS)


@router.get("/watch", dependencies=[Manager], response_model=WatchState)
def watch_state(services: Shared) -> Any:
    """Return how the folders of music are watched."""
    return {"watch": services.settings.watch, **services.watch_state()}


class Watcher:
    """A thread that sleeps until something has changed, and starts scans."""

    def __init__(self, services: Services) -> None:
        self._services = services
        settings = services.settings
        self._tree = WatchedTree([str(root) for root in settings.music], poll_only=settings.watch == "poll")
        self._changes = PendingChanges()
        self._cover_changes: dict[str, float] = {}  # by folder: when its picture changed
        self._stop_event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._is_ready = False
        # Monotonic seconds.
        self._not_before = 0.0  # of the next scan or check for covers
        self._poll_at = self._check_absent_at = float("inf")
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Start the thread; return at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread. One that hangs on a dead drive is left to end with the process."""
        self._tree.stop()
        os.eventfd_write(self._stop_event, 1)
        self._thread.join(_STOP_TIMEOUT_SECONDS)

    def state(self) -> dict[str, Any]:
        """Return the fields of `models.watching.WatchState` except the setting; from any thread."""
        roots = [{**root._asdict(), "path": encode(root.path)} for root in self._tree.states()]
        waiting = len(self._changes) + len(self._cover_changes)
        return {"ready": self._is_ready, "waiting": waiting, "roots": roots}

    def _run(self) -> None:
        try:
            # Opened before the folders are watched, so that no mount in the meantime is missed.
            with MOUNTINFO.open("rb") as mountinfo:
                started = time.monotonic()
                self._tree.watch_all()
                folders = sum(root.folders for root in self._tree.states())
                log.info("watching %d folders, after %.1f s", folders, time.monotonic() - started)
                self._set_timers()
                if sessions.newest_session_id(self._services.database.reader()):
                    self._note([EVERYTHING])  # nothing was watched while the API was down
                self._is_ready = True
                while self._wait(mountinfo.fileno()):
                    self._act()
        except Exception:
            log.exception("watching has failed: changes are found only by a scan that is started by hand")
        finally:
            self._is_ready = False
            self._tree.close()

    def _wait(self, mountinfo: int) -> bool:
        """Sleep until there is something to do, and note the changes; return False when the thread has to end."""
        poll = select.poll()
        poll.register(self._stop_event, select.POLLIN)
        poll.register(mountinfo, select.POLLPRI)
        poll.register(self._tree.fileno(), select.POLLIN)
        timeout = self._timeout()
        ready = {fd for fd, _ in poll.poll(None if timeout is None else max(0.0, timeout) * 1000 + 1)}
        if self._stop_event in ready:
            return False
        changes = self._tree.update_mounts() if mountinfo in ready else []
        changes += self._tree.read_changes()
        if self._tree.growing_files:
            changes += [Change("music", folder) for folder in self._tree.growing_files.pop_complete()]
        now = time.monotonic()
        if now >= self._poll_at:
            if not self._changes.includes_everything:  # else each poll would delay the scan for the one before
                changes.append(EVERYTHING)
            self._set_timers()
        if now >= self._check_absent_at and self._tree.watch_absent():
            changes.append(EVERYTHING)
        if changes or now >= self._check_absent_at:
            self._note(changes)
            self._set_timers()  # the changes may concern a root, or a folder that needs polling
        return True

    def _timeout(self) -> float | None:
        """Return the seconds until something has to be done; None if nothing has to."""
        now = time.monotonic()
        scan_at = self._changes.due_at(files_are_growing=bool(self._tree.growing_files))
        covers_at = min(self._cover_changes.values()) + COVER_DELAY_SECONDS if self._cover_changes else None
        wake_at = min(
            self._poll_at,
            self._check_absent_at,
            now + GROWING_FILES_INTERVAL_SECONDS if self._tree.growing_files else float("inf"),
            max(scan_at, self._not_before) if scan_at is not None else float("inf"),
            max(covers_at, self._not_before) if covers_at is not None else float("inf"),
        )
        return wake_at - now if wake_at < float("inf") else None

    def _set_timers(self) -> None:
        now, minutes = time.monotonic(), self._services.settings.poll_minutes
        if not (minutes and self._tree.needs_polling):
            self._poll_at = float("inf")
        elif not now < self._poll_at < float("inf"):
            self._poll_at = now + minutes * 60
        is_any_absent = any(root.mode == "absent" for root in self._tree.states())
        self._check_absent_at = now + ABSENT_ROOTS_INTERVAL_SECONDS if is_any_absent else float("inf")

    def _note(self, changes: Iterable[Change]) -> None:
        now, session_id = time.monotonic(), sessions.newest_session_id(self._services.database.reader())
        for change in changes:
            if change.what == "cover":
                self._cover_changes.setdefault(encode(change.folder), now)
            elif change.what == "everything":
                self._changes.add_everything(now, session_id)
            else:
                self._changes.add_folder(encode(change.folder), now, session_id)

    def _act(self) -> None:
        now = time.monotonic()
        if now < self._not_before:
            return
        try:
            self._recheck_covers(now)
            self._start_scan(now)
        except sqlite3.Error as error:
            log.warning("the changes are scanned later: %s", error)
            self._not_before = now + ERROR_RETRY_SECONDS

    def _recheck_covers(self, now: float) -> None:
        if not self._cover_changes or now < min(self._cover_changes.values()) + COVER_DELAY_SECONDS:
            return
        with self._services.database.transaction() as db:
            unknown = folder_pictures.note_changes(db, self._cover_changes)
            session_id = sessions.newest_session_id(db)
        for folder in unknown:
            self._changes.add_folder(folder, self._cover_changes[folder], session_id)
        self._cover_changes.clear()
        self._services.request_refill()

    def _start_scan(self, now: float) -> None:
        growing_folders = {encode(folder) for folder in self._tree.growing_files.folders()}
        if not self._changes.due(now, growing_folders):
            return
        db = self._services.database.reader()
        if sessions.active_session(db) is not None:
            self._not_before = now + SCAN_RETRY_SECONDS
            return
        self._changes.remove_seen_by(sessions.newest_scan_of_everything_id(db))
        due = self._changes.due(now, growing_folders)
        if not due:
            return
        # With symbolic links a folder may have two paths; only a walk from the roots knows which one a scan uses.
        folders = None if due.everything or self._tree.has_links else due.folders
        try:
            session_id = scans.start(self._services, folders)
        except sessions.ScanRunningError:
            self._not_before = now + SCAN_RETRY_SECONDS
            return
        self._changes.mark_scanned(due)
        changed = "anything may have" if folders is None else f"{len(folders)} folders have"
        log.info("session %d: %s changed", session_id, changed)
