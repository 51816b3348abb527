"""Which folders have other pictures than the last scan saw: their stamps, compared during the walk."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from soniquebay.pipeline import library_api

FOLDERS_PER_REQUEST = 1000

FolderStamp = tuple[str, int]  # encoded folder with a slash at its end, and the stamp of its pictures


def stamp_of(files: "Iterable[os.DirEntry[str]]", other_names: Iterable[str] = ()) -> int:
    """Return 63 bits of the names, sizes and modification times of files in a folder, and of other names alone."""
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(other_names):
        digest.update(os.fsencode(name) + b"\0\0")
    for file in sorted(files, key=lambda entry: entry.name):
        digest.update(os.fsencode(file.name) + b"\0")
        try:
            status = file.stat()
        except OSError:  # removed meanwhile, or a broken link
            continue
        digest.update(b"%d %d\0" % (status.st_size, status.st_mtime_ns))
    return int.from_bytes(digest.digest(), "big") >> 1


@dataclass
class FolderPictures:
    """Compares the stamps of a walk with the known ones, both in the order of their folders, and reports changes.

    `is_there`: whether the root that holds an encoded folder is there. The folders of an unplugged drive are not
    without pictures.
    """

    is_there: Callable[[str], bool]
    _known: Iterator[FolderStamp] = field(default_factory=lambda: iter(()))
    _next: FolderStamp | None = None
    _unsent: dict[str, int | None] = field(default_factory=dict)

    def begin(self, known: Iterator[FolderStamp]) -> None:
        """Begin with a folder that is walked; `known` are the stamps in it and below it."""
        self._known = known
        self._next = next(known, None)

    def compare(self, folder: str, stamp: int) -> None:
        """Compare the stamp of the next folder of the walk; -1 if it could not be read, then nothing is known of it."""
        while self._next is not None and self._next[0] < folder:
            self._add_gone()
        if stamp < 0:
            while self._next is not None and self._next[0].startswith(folder):
                self._next = next(self._known, None)
        elif self._next is not None and self._next[0] == folder:
            if self._next[1] != stamp:
                self._add(folder, stamp)
            self._next = next(self._known, None)
        else:
            self._add(folder, stamp)

    def end(self) -> None:
        """End the folder that was begun: its other known folders have no pictures any more."""
        while self._next is not None:
            self._add_gone()

    def flush(self) -> None:
        """Send the last changes."""
        if self._unsent:
            library_api.post("/internal/folder-pictures", {"stamps": self._unsent})
            self._unsent = {}

    def _add_gone(self) -> None:
        if self._next is not None and self.is_there(self._next[0]):
            self._add(self._next[0], None)
        self._next = next(self._known, None)

    def _add(self, folder: str, stamp: int | None) -> None:
        self._unsent[folder] = stamp
        if len(self._unsent) >= FOLDERS_PER_REQUEST:
            self.flush()
