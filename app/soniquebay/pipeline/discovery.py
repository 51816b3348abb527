"""Stage 1, `scan.discovery`: find the files that are new or changed and put them into the ledger."""

import logging
import os
import stat
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from soniquebay.audio.formats import is_audio
from soniquebay.library.database import open_read_only
from soniquebay.library.entities import FailedFile, FileStamp
from soniquebay.library.paths import encode
from soniquebay.library.queries import handled_in, known_files
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import stage
from soniquebay.settings import settings

log = logging.getLogger(__name__)

FIRST_BATCH, LARGEST_BATCH = 10, 200  # files; small ones first, so that all processes soon have work
SIGN_OF_LIFE = 20.0  # seconds between two, while nothing new is found
# Not the listener's: a file system's own rescue folder (readable by root alone) and the bins of desktops.
IGNORED_FOLDERS = frozenset({"lost+found", "$RECYCLE.BIN", "System Volume Information"})
TRASH = ".Trash"
_NAMESPACE = uuid.UUID("7b0f9a53-4d0c-5a9e-8f0b-0c1f7a5a5b11")


@dataclass
class Walk:
    """A walk over the roots; iterate `files`, then read `failures`."""

    roots: tuple[Path, ...]
    failures: list[FailedFile] = field(default_factory=list)
    _entered: set[tuple[int, int]] = field(default_factory=set)

    def files(self) -> Iterator[FileStamp]:
        """Yield every audio file, folder by folder in the order of their names.

        Links are followed, each folder once, so a loop ends. What cannot be read becomes a failure and the walk goes
        on.
        """
        for root in self.roots:
            yield from self._folder(str(root))

    def _folder(self, top: str) -> Iterator[FileStamp]:
        waiting = [top]
        while waiting:  # a stack of our own: no depth of folders is too deep
            folder = waiting.pop()
            try:
                status = Path(folder).stat()
                if (status.st_dev, status.st_ino) in self._entered:
                    continue
                self._entered.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as entries:
                    listed = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                self._fail(folder, error)
                continue
            folders: list[str] = []
            for entry in listed:
                yield from self._entry(entry, folders)
            waiting.extend(reversed(folders))

    def _entry(self, entry: "os.DirEntry[str]", folders: list[str]) -> Iterator[FileStamp]:
        try:
            if entry.is_dir():
                if entry.name not in IGNORED_FOLDERS and not entry.name.startswith(TRASH):
                    folders.append(entry.path)
            elif is_audio(entry.name):
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):
                    # A damaged time stamp may lie centuries ahead, past what the database holds.
                    mtime_ns = min(status.st_mtime_ns, 2**63 - 1)
                    yield {"path": encode(entry.path), "size": status.st_size, "mtime_ns": mtime_ns}
                else:
                    self.failures.append({"path": encode(entry.path), "reason": "not a regular file"})
        except OSError as error:
            self._fail(entry.path, error)

    def _fail(self, path: str, error: OSError) -> None:
        self.failures.append({"path": encode(path), "reason": f"cannot be read: {error.strerror or error}"})


@stage("scan.discovery")
def discover(session_id: int) -> None:
    """Walk the roots and register batches; run again after a crash it goes on where it was."""
    with open_read_only(settings().database) as db:
        known = known_files(db)
        handled = handled_in(db, session_id)
    walk = Walk(settings().music)
    batch: list[FileStamp] = []
    size, unchanged, found, signed = FIRST_BATCH, 0, 0, time.monotonic()
    for file in walk.files():
        if time.monotonic() - signed > SIGN_OF_LIFE:
            library_api.post(f"/internal/sessions/{session_id}/alive", {})
            signed = time.monotonic()
        if file["path"] in handled:
            continue
        if known.get(file["path"]) == (file["size"], file["mtime_ns"]):
            unchanged += 1
            continue
        found += 1
        batch.append(file)
        if len(batch) >= size:
            _register(session_id, batch)
            batch, size, signed = [], min(2 * size, LARGEST_BATCH), time.monotonic()
    if batch:
        _register(session_id, batch)
    library_api.post(f"/internal/sessions/{session_id}/discovered", {"unchanged": unchanged, "failures": walk.failures})
    log.info(
        "session %d: %d files to read, %d unchanged, %d failures", session_id, found, unchanged, len(walk.failures)
    )


def _register(session_id: int, files: list[FileStamp]) -> None:
    # The same files in the same session give the same id, so a discovery that runs twice registers once.
    name = "\n".join(f"{f['path']}\t{f['size']}\t{f['mtime_ns']}" for f in files)
    batch_id = str(uuid.uuid5(_NAMESPACE, f"{session_id}\n{name}"))
    library_api.post(f"/internal/sessions/{session_id}/batches", {"batch_id": batch_id, "files": files})
