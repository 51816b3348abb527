"""Stage 1, `scan.discovery`: compare what lies there with what is known; new and changed files go into the ledger."""

import logging
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from soniquebay.library import reconcile
from soniquebay.library.database import open_read_only
from soniquebay.library.entities import FileStamp
from soniquebay.library.paths import decode, encode
from soniquebay.library.queries import KnownFile, handled_in, known_files, session
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import stage
from soniquebay.pipeline.walk import Seen, Walk
from soniquebay.settings import settings

log = logging.getLogger(__name__)

FIRST_BATCH, LARGEST_BATCH = 25, 200  # files; small ones first, so that all processes soon have work
KNOWN_AT_ONCE = 1000  # paths of known files told to the API in one request
SIGN_OF_LIFE = 20.0  # seconds between two, while nothing new is found
_NAMESPACE = uuid.UUID("7b0f9a53-4d0c-5a9e-8f0b-0c1f7a5a5b11")


class _Stopped(Exception):  # noqa: N818 - not an error
    """The session was paused or cancelled."""


@stage("scan.discovery")
def discover(session_id: int) -> None:
    """Walk the roots and register batches; run again after a crash, or a pause, it goes on where it was."""
    with open_read_only(settings().database) as db:
        scan = session(db, session_id)
        if scan is None or scan["status"] != "running":
            return
        configured = {encode(str(root)) for root in settings().music}
        roots = frozenset(configured | set(reconcile.roots(db)))
        walk, ledger = Walk(roots), _Ledger(session_id, handled_in(db, session_id))
        try:
            for folder in sorted(roots) if scan["folders"] is None else scan["folders"]:
                if reconcile.root_of(folder, roots - {folder}) and scan["folders"] is None:
                    continue  # below another root, whose walk comes by
                plain = decode(folder)
                # One of a scan's own folders that is gone is no root: what was in it belongs to the root it was below.
                here = folder in configured if scan["folders"] is None else folder in roots or os.path.lexists(plain)
                # What was a root once and is none any more has files that are known, and is not walked.
                found = walk.files(os.fsdecode(plain)) if here else iter(())
                ledger.compare(
                    found, known_files(db, folder), lambda path: reconcile.root_of(path, {*roots, *walk.found})
                )
            ledger.flush()
        except _Stopped:
            log.info("session %d is held", session_id)
            return
    found_in = dict.fromkeys(roots, 0) | walk.found if scan["folders"] is None else _whether_there(roots)
    end = {"unchanged": ledger.unchanged, "failures": walk.failures, "found": found_in}
    library_api.post(f"/internal/sessions/{session_id}/discovered", end)
    log.info(
        "session %d: %d files to read, %d unchanged, %d not met, %d failures",
        session_id, ledger.new, ledger.unchanged, ledger.not_met, len(walk.failures),
    )  # fmt: skip


def _whether_there(roots: Iterable[str]) -> dict[str, int]:
    """Return for a scan of some folders which roots hold anything at all.

    Few or no files in one folder say nothing; a root that has nothing in it is one whose drive is gone.
    """

    def holds_anything(root: str) -> int:
        try:
            with os.scandir(decode(root)) as entries:
                return int(any(True for _ in entries))
        except OSError:
            return 0

    return {root: holds_anything(root) for root in roots}


@dataclass
class _Ledger:
    """Compares a walk with what is known, and tells the API what is new, what was not met and what is back."""

    session_id: int
    handled: set[str]
    unchanged: int = 0
    new: int = 0
    not_met: int = 0
    _batch: list[FileStamp] = field(default_factory=list)
    _size: int = FIRST_BATCH
    _unseen: list[tuple[str, str]] = field(default_factory=list)
    _returned: list[str] = field(default_factory=list)
    _signed: float = field(default_factory=time.monotonic)

    def compare(self, found: Iterable[Seen], known: Iterator[KnownFile], root_of: Callable[[str], str | None]) -> None:
        """Merge two lists in the order of their paths; raises `_Stopped` when the session was held."""
        row, session_id, unchanged = next(known, None), self.session_id, 0
        for number, (path, size, mtime_ns) in enumerate(found):
            while row is not None and row[0] < path:
                self._not_met(row[0], root_of(row[0]))
                row = next(known, None)
            if number % 1000 == 0:
                self._sign()
            if size < 0:
                # Nothing is known of what lies there now.
                while row is not None and (row[0] == path or (path[-1] == "/" and row[0].startswith(path))):
                    row = next(known, None)
                continue
            if row is None or row[0] != path:
                self._add(path, size, mtime_ns)
                continue
            _, known_size, known_mtime_ns, read_session_id, was_gone = row
            if size != known_size or mtime_ns != known_mtime_ns:
                self._add(path, size, mtime_ns)
            elif read_session_id != session_id:
                unchanged += 1
                if was_gone:
                    self._returned.append(path)
                    if len(self._returned) >= KNOWN_AT_ONCE:
                        self._tell()
            row = next(known, None)
        self.unchanged += unchanged
        while row is not None:
            self._not_met(row[0], root_of(row[0]))
            row = next(known, None)

    def flush(self) -> None:
        """Send what is still held here."""
        if self._batch:
            self._register()
        self._tell()

    def _add(self, path: str, size: int, mtime_ns: int) -> None:
        if path in self.handled:
            return
        self.new += 1
        # A folder's files stay together where they can: what belongs to one album is told by its neighbours.
        same_folder = self._batch and self._batch[-1]["path"].rpartition("/")[0] == path.rpartition("/")[0]
        if len(self._batch) >= self._size and (not same_folder or len(self._batch) >= 2 * LARGEST_BATCH):
            self._register()
        self._batch.append({"path": path, "size": size, "mtime_ns": mtime_ns})

    def _not_met(self, path: str, root: str | None) -> None:
        self.not_met += 1
        self._unseen.append((root or "/", path))
        if len(self._unseen) >= KNOWN_AT_ONCE:
            self._tell()

    def _register(self) -> None:
        # The same files in the same session give the same id, so a discovery that runs twice registers once.
        name = "\n".join(f"{f['path']}\t{f['size']}\t{f['mtime_ns']}" for f in self._batch)
        batch_id = str(uuid.uuid5(_NAMESPACE, f"{self.session_id}\n{name}"))
        body = {"batch_id": batch_id, "files": self._batch}
        answer = library_api.post(f"/internal/sessions/{self.session_id}/batches", body)
        self._batch, self._size, self._signed = [], min(2 * self._size, LARGEST_BATCH), time.monotonic()
        if not answer["running"]:
            raise _Stopped

    def _tell(self) -> None:
        if not (self._unseen or self._returned):
            return
        unseen: dict[str, list[str]] = {}
        for root, path in self._unseen:
            unseen.setdefault(root, []).append(path)
        library_api.post(
            f"/internal/sessions/{self.session_id}/known-files", {"unseen": unseen, "returned": self._returned}
        )
        self._unseen, self._returned = [], []

    def _sign(self) -> None:
        if time.monotonic() - self._signed > SIGN_OF_LIFE:
            if not library_api.post(f"/internal/sessions/{self.session_id}/heartbeat", {})["running"]:
                raise _Stopped
            self._signed = time.monotonic()
