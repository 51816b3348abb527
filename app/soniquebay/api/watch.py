"""What changes in the folders of music is scanned by itself."""

import logging
import os
import select
import sqlite3
import threading
import time
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter

from soniquebay.api import models, scans
from soniquebay.api.services import Services, Shared
from soniquebay.library import covers, sessions
from soniquebay.library.paths import encode
from soniquebay.watch.changes import Changes
from soniquebay.watch.tree import EVERYTHING, MOUNTINFO, Change, Tree

log = logging.getLogger(__name__)

AGAIN = 2.0  # seconds until the next try while another scan is under way
GROWING = 1.0  # seconds between two looks at files that are being written
ABSENT = 10.0  # seconds between two looks for a root that is not there

router = APIRouter(prefix="/api", tags=["scans"])


@router.get("/watch", response_model=models.WatchState)
def watch_state(services: Shared) -> Any:
    """Return how the folders of music are watched."""
    return {"watch": services.settings.watch, **services.watch_state()}


class Watcher:
    """A thread that sleeps until something has changed, and starts scans of it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        settings = services.settings
        self._tree = Tree([str(root) for root in settings.music], poll=settings.watch == "poll")
        self._changes = Changes()
        self._covers: dict[str, float] = {}  # folder: when its picture changed
        self._stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._ready = False
        self._try_at = 0.0  # not before
        self._poll_at = self._look_at = float("inf")
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._tree.stop()
        os.eventfd_write(self._stop, 1)
        self._thread.join(5)  # one that hangs in a dead drive goes with the process

    def state(self) -> dict[str, Any]:
        """Return what `models.WatchState` tells of it; from any thread."""
        roots = [{**root._asdict(), "path": encode(root.path)} for root in self._tree.states()]
        return {"ready": self._ready, "waiting": len(self._changes) + len(self._covers), "roots": roots}

    def _run(self) -> None:
        try:
            # Opened before the folders are looked at: nothing mounted meanwhile is overlooked.
            with MOUNTINFO.open("rb") as mounted:
                began = time.monotonic()
                self._tree.watch_all()
                folders = sum(root.folders for root in self._tree.states())
                log.info("%d folders are watched, after %.1f s", folders, time.monotonic() - began)
                self._set_clocks()
                if sessions.newest_session_id(self._services.database.reader()):
                    self._note([EVERYTHING])  # nobody watched until now
                self._ready = True
                while self._wait(mounted.fileno()):
                    self._act()
        except Exception:
            log.exception("changes are no longer noticed; a scan by hand finds them")
        finally:
            self._ready = False
            self._tree.close()

    def _wait(self, mounted: int) -> bool:
        """Sleep until there is something to do, and note it; False when it is time to stop."""
        poll = select.poll()
        poll.register(self._stop, select.POLLIN)
        poll.register(mounted, select.POLLPRI)
        poll.register(self._tree.fileno(), select.POLLIN)
        timeout = self._timeout()
        ready = {fd for fd, _ in poll.poll(None if timeout is None else max(0.0, timeout) * 1000 + 1)}
        if self._stop in ready:
            return False
        changes = self._tree.mounts_changed() if mounted in ready else []
        changes += self._tree.read()
        if self._tree.writing:
            changes += [Change("music", folder) for folder in self._tree.writing.settled()]
        now = time.monotonic()
        if now >= self._poll_at:
            if not self._changes.are_everything:  # else one look would put off the other
                changes.append(EVERYTHING)
            self._set_clocks()
        if now >= self._look_at and self._tree.watch_absent():
            changes.append(EVERYTHING)
        if changes or now >= self._look_at:
            self._note(changes)
            self._set_clocks()  # a root, or a folder to be polled, may have come or gone
        return True

    def _timeout(self) -> float | None:
        """Return the seconds until something has to be done; None while nothing has."""
        now = time.monotonic()
        due = self._changes.due_at(writing=bool(self._tree.writing))
        times = [
            self._poll_at,
            self._look_at,
            now + GROWING if self._tree.writing else float("inf"),
            max(due, self._try_at) if due is not None else float("inf"),
            max(min(self._covers.values()) + AGAIN, self._try_at) if self._covers else float("inf"),
        ]
        return min(times) - now if min(times) < float("inf") else None

    def _set_clocks(self) -> None:
        now, minutes = time.monotonic(), self._services.settings.poll_minutes
        if not (minutes and self._tree.must_poll):
            self._poll_at = float("inf")
        elif not now < self._poll_at < float("inf"):
            self._poll_at = now + minutes * 60
        absent = any(root.mode == "absent" for root in self._tree.states())
        self._look_at = now + ABSENT if absent else float("inf")

    def _note(self, changes: Iterable[Change]) -> None:
        now, session = time.monotonic(), sessions.newest_session_id(self._services.database.reader())
        for change in changes:
            if change.what == "cover":
                self._covers.setdefault(encode(change.folder), now)
            elif change.what == "everything":
                self._changes.everything(now, session)
            else:
                self._changes.folder(encode(change.folder), now, session)

    def _act(self) -> None:
        now = time.monotonic()
        if now < self._try_at:
            return
        try:
            self._look_for_covers(now)
            self._scan(now)
        except sqlite3.Error as error:
            log.warning("what has changed is scanned later: %s", error)
            self._try_at = now + ABSENT

    def _look_for_covers(self, now: float) -> None:
        # A moment later, so that the pictures of one copy are one change.
        if not self._covers or now < min(self._covers.values()) + AGAIN:
            return
        with self._services.database.transaction() as db:
            albums = sum(covers.mark_unchecked(db, folder) for folder in self._covers)
        self._covers.clear()
        if albums:
            self._services.request_refill()

    def _scan(self, now: float) -> None:
        due = self._changes.due(now, {encode(folder) for folder in self._tree.writing.folders()})
        if not due:
            return
        db = self._services.database.reader()
        if sessions.active_session(db) is not None:
            self._try_at = now + AGAIN
            return
        self._changes.seen_by(sessions.newest_full_scan_id(db))
        due = self._changes.due(now, {encode(folder) for folder in self._tree.writing.folders()})
        if not due:
            return
        # A folder that two paths lead to is known by one of them, which a scan of everything alone can tell.
        scope = None if due.everything or self._tree.has_links else due.folders
        try:
            session_id = scans.start(self._services, scope)
        except sessions.ScanRunningError:
            self._try_at = now + AGAIN
            return
        self._changes.done(due)
        log.info(
            "session %d: %s changed", session_id, "no one knows what" if scope is None else f"{len(scope)} folders"
        )
