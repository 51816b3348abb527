"""Stage 1, `scan.discovery`: walk the roots, compare with the known files, and register new and changed ones."""

import logging
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field

from soniquebay.library import reconcile, unreadable_files
from soniquebay.library.database import open_read_only
from soniquebay.library.entities import FileStamp
from soniquebay.library.paths import decode, encode, has_entries, outermost
from soniquebay.library.queries import KnownFile, known_files, known_folder_pictures, queued_or_failed_paths, session
from soniquebay.pipeline import library_api, playlist_files
from soniquebay.pipeline.companions import Companions
from soniquebay.pipeline.folder_pictures import FolderPictures
from soniquebay.pipeline.task import give_back, stage
from soniquebay.pipeline.walk import Walk, WalkedFile
from soniquebay.settings import settings

log = logging.getLogger(__name__)

# The first batches are small, so that all processes soon have work; each is twice as large as the one before.
INITIAL_BATCH_FILES, FULL_BATCH_FILES = 25, 400
MAX_BATCH_FILES = 500  # only to keep the files of one folder together
KNOWN_FILES_PER_REQUEST = 1000
DISCOVERY_HEARTBEAT_SECONDS = 20.0  # a registered batch counts as a heartbeat
_FILES_PER_HEARTBEAT_CHECK = 1000
_BATCH_ID_NAMESPACE = uuid.UUID("7b0f9a53-4d0c-5a9e-8f0b-0c1f7a5a5b11")


class _SessionStopped(Exception):  # noqa: N818 - not an error
    """The session was paused or cancelled."""


@stage("scan.discovery")
def discover(session_id: int) -> None:
    """Walk the roots and register batches; after a crash or a pause, register only those that are not registered."""
    with open_read_only(settings().database) as db:
        scan = session(db, session_id)
        if scan is None or scan["status"] != "running":
            _give_back(session_id)
            return
        configured = {encode(str(root)) for root in settings().music}
        with_music = set(reconcile.known_roots(db))
        roots = frozenset(configured | with_music)
        live = frozenset(root for root in roots if reconcile.innermost_root(root, configured))
        walk = Walk(live)
        unreadable = {} if scan["full"] else unreadable_files.stamps(db)
        comparison = _Comparison(
            session_id, queued_or_failed_paths(db, session_id), reads_unchanged=scan["full"], unreadable=unreadable
        )
        pictures = FolderPictures(lambda path: has_entries(reconcile.innermost_root(path[:-1], live)))
        walk.on_pictures = pictures.compare
        try:
            for folder in outermost(configured) if scan["folders"] is None else scan["folders"]:
                plain = decode(folder)
                # A folder of a partial scan that was deleted is not walked: it is no root, so its files belong to the
                # root above it.
                is_walked = folder in live or os.path.lexists(plain)
                walked = walk.files(os.fsdecode(plain)) if is_walked else iter(())
                pictures.begin(known_folder_pictures(db, folder))
                comparison.compare(
                    walked,
                    known_files(db, folder),
                    lambda path: reconcile.innermost_root(path, {*roots, *walk.files_by_root}),
                )
                pictures.end()
            pictures.flush()
            former = outermost(roots - live) if scan["folders"] is None else ()
            left = {folder for folder in former if _add_outside(comparison, db, folder, configured, roots)}
            comparison.flush()
        except _SessionStopped:
            _give_back(session_id)
            return
    if scan["folders"] is None:
        kept = {root for root in roots if root in live or reconcile.innermost_root(root, left)}
        files_by_root = dict.fromkeys(kept, 0) | walk.files_by_root
        for root in live - configured:
            if files_by_root[root] and not os.path.ismount(decode(root)):
                del files_by_root[root]  # it was configured itself, and is a folder of a wider root now
    else:
        files_by_root = _nonempty_roots(roots)
    # A root in which no scan has found music yet may hold playlists alone.
    present = {
        root: count or int(root not in with_music and has_entries(root)) for root, count in files_by_root.items()
    }
    try:
        playlist_files.report(session_id, walk, scan["folders"], present, comparison.send_heartbeat_if_due)
    except _SessionStopped:
        _give_back(session_id)
        return
    body = {
        "unchanged": comparison.unchanged,
        "failures": walk.failures,
        "found": files_by_root,
        "left_out": walk.left_out,
        "unreadable": comparison.still_unreadable,
    }
    library_api.post(f"/internal/sessions/{session_id}/discovered", body)
    log.info(
        "session %d: %d files to read, %d unchanged, %d unreadable as before, %d unseen, %d failures",
        session_id, comparison.to_read, comparison.unchanged, len(comparison.still_unreadable), comparison.unseen,
        len(walk.failures),
    )  # fmt: skip


def _give_back(session_id: int) -> None:
    """Tell the API that this discovery has not ended, so that resuming the session sends another."""
    give_back(f"/internal/sessions/{session_id}/return")
    log.info("session %d was paused or cancelled", session_id)


def _add_outside(
    comparison: "_Comparison", db: sqlite3.Connection, folder: str, configured: Set[str], roots: Set[str]
) -> bool:
    """Add the known files of a root that is no longer configured as unseen; return whether there are any.

    Files below a root that is configured now are not among them.
    """
    before = comparison.unseen
    outside = (known for known in known_files(db, folder) if reconcile.innermost_root(known[0], configured) is None)
    comparison.compare(iter(()), outside, lambda path: reconcile.innermost_root(path, roots))
    return comparison.unseen > before


def _nonempty_roots(roots: Iterable[str]) -> dict[str, int]:
    """Return 1 for each root that has any entry, else 0: a root without one is an unplugged drive.

    This takes the place of counted files after a partial scan, which has not walked the whole of any root.
    """
    return {root: int(has_entries(root)) for root in roots}


@dataclass
class _Comparison:
    """Compares walked files with known ones, and reports new, changed, unseen and returned files to the API."""

    session_id: int
    queued_or_failed: set[str]
    reads_unchanged: bool = False
    """Whether a file with an unchanged stamp is read again, unless this session has read it."""
    unreadable: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Size and mtime of files that hold no readable audio: they are read again once they differ."""
    unchanged: int = 0
    to_read: int = 0
    unseen: int = 0
    still_unreadable: list[str] = field(default_factory=list)
    _batch: list[FileStamp] = field(default_factory=list)
    _batch_size: int = INITIAL_BATCH_FILES
    _unsent_unseen: list[tuple[str, str]] = field(default_factory=list)  # root and path
    _unsent_returned: list[str] = field(default_factory=list)
    _heartbeat_at: float = field(default_factory=time.monotonic)

    def compare(
        self,
        walked: Iterable[WalkedFile],
        known: Iterator[KnownFile],
        root_of: Callable[[str], str | None],
    ) -> None:
        """Merge walked and known files, both in the order of their paths.

        Raises `_SessionStopped` when the session was paused or cancelled.
        """
        row, session_id, unchanged = next(known, None), self.session_id, 0
        reads_unchanged = self.reads_unchanged
        for number, (path, size, mtime_ns, companions) in enumerate(walked):
            while row is not None and row[0] < path:
                self._add_unseen(row[0], root_of(row[0]))
                row = next(known, None)
            if number % _FILES_PER_HEARTBEAT_CHECK == 0:
                self.send_heartbeat_if_due()
            if size < 0:
                # The file, or all files of the folder, could not be read: they may be there or not.
                while row is not None and (row[0] == path or (path[-1] == "/" and row[0].startswith(path))):
                    row = next(known, None)
                continue
            if row is None or row[0] != path:
                self._add_to_batch(path, size, mtime_ns, companions)
                continue
            _, known_size, known_mtime_ns, read_session_id, is_missing_or_retried, companion_stamp = row
            if (
                size != known_size
                or mtime_ns != known_mtime_ns
                or companion_stamp != (companions.stamp if companions else 0)
            ):
                self._add_to_batch(path, size, mtime_ns, companions)
            elif read_session_id != session_id:
                if is_missing_or_retried:
                    self._add_returned(path)
                if reads_unchanged:
                    self._add_to_batch(path, size, mtime_ns, companions)
                else:
                    unchanged += 1
            row = next(known, None)
        self.unchanged += unchanged
        while row is not None:
            self._add_unseen(row[0], root_of(row[0]))
            row = next(known, None)

    def flush(self) -> None:
        """Send the last batch and the last known files."""
        if self._batch:
            self._register_batch()
        self._send_known_files()

    def _add_to_batch(self, path: str, size: int, mtime_ns: int, companions: Companions | None) -> None:
        if path in self.queued_or_failed:
            return
        if self.unreadable.get(path) == (size, mtime_ns) and companions is None:
            self.still_unreadable.append(path)
            return
        self.to_read += 1
        # The files of a folder stay in one batch if possible: an untagged compilation is recognised by all its files.
        same_folder = self._batch and self._batch[-1]["path"].rpartition("/")[0] == path.rpartition("/")[0]
        if len(self._batch) >= self._batch_size and (not same_folder or len(self._batch) >= MAX_BATCH_FILES):
            self._register_batch()
        file: FileStamp = {"path": path, "size": size, "mtime_ns": mtime_ns}
        if companions:
            file["companions"], file["companion_stamp"] = list(map(encode, companions.names)), companions.stamp
        self._batch.append(file)

    def _add_unseen(self, path: str, root: str | None) -> None:
        self.unseen += 1
        self._unsent_unseen.append((root or "/", path))
        if len(self._unsent_unseen) >= KNOWN_FILES_PER_REQUEST:
            self._send_known_files()

    def _add_returned(self, path: str) -> None:
        self._unsent_returned.append(path)
        if len(self._unsent_returned) >= KNOWN_FILES_PER_REQUEST:
            self._send_known_files()

    def _register_batch(self) -> None:
        # The id depends only on the session and the files, so a discovery that runs twice registers a batch once.
        stamps = "\n".join(
            f"{f['path']}\t{f['size']}\t{f['mtime_ns']}\t{f.get('companion_stamp', '')}" for f in self._batch
        )
        batch_id = str(uuid.uuid5(_BATCH_ID_NAMESPACE, f"{self.session_id}\n{stamps}"))
        body = {"batch_id": batch_id, "files": self._batch}
        answer = library_api.post(f"/internal/sessions/{self.session_id}/batches", body)
        self._batch, self._batch_size = [], min(2 * self._batch_size, FULL_BATCH_FILES)
        self._heartbeat_at = time.monotonic()
        if not answer["running"]:
            raise _SessionStopped

    def _send_known_files(self) -> None:
        if not (self._unsent_unseen or self._unsent_returned):
            return
        unseen: dict[str, list[str]] = {}
        for root, path in self._unsent_unseen:
            unseen.setdefault(root, []).append(path)
        body = {"unseen": unseen, "returned": self._unsent_returned}
        library_api.post(f"/internal/sessions/{self.session_id}/known-files", body)
        self._unsent_unseen, self._unsent_returned = [], []

    def send_heartbeat_if_due(self) -> None:
        """Tell the API now and then that the discovery is alive. Raises `_SessionStopped`."""
        if time.monotonic() - self._heartbeat_at > DISCOVERY_HEARTBEAT_SECONDS:
            if not library_api.post(f"/internal/sessions/{self.session_id}/heartbeat", {})["running"]:
                raise _SessionStopped
            self._heartbeat_at = time.monotonic()
