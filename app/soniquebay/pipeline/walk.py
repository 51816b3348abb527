"""Walking a root: every audio file in the order of its encoded path, which is the order of the database."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from soniquebay.audio.file_names import is_audio, is_scanned_folder
from soniquebay.library.entities import FailedFile
from soniquebay.library.paths import encode

LATEST = 2**63 - 1  # ns: a damaged time stamp may lie centuries ahead, past what the database holds


# A file as it lies there: encoded path, size and mtime_ns; or, with a size of -1, one that could not be looked at: a
# folder ends with a slash. Plain tuples, for there are a hundred thousand of them in half a second.
Seen = tuple[str, int, int]


class _Folder(NamedTuple):
    entries: Iterator["tuple[str, os.DirEntry[str], bool]"]
    encoded: str  # ends with a slash
    root: str
    device: int


@dataclass
class Walk:
    """Walks over roots, one after another; read `failures` and `found` after them.

    `roots`: encoded paths known to be roots of their own, beside the mount points that are met.
    """

    roots: frozenset[str] = frozenset()
    failures: list[FailedFile] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)
    """Files met by encoded root; a mount point below a root is a root of its own."""
    _entered: set[tuple[int, int]] = field(default_factory=set)

    def files(self, top: str) -> Iterator[Seen]:
        """Yield every audio file below a folder (Python's file-system string), which counts as a root.

        Links are followed, each folder once, so a loop ends. What cannot be read becomes a failure, is yielded as one
        that could not be looked at, and the walk goes on. A folder that is not there has no files.
        """
        root = encode(top)
        self.found.setdefault(root, 0)
        try:
            first = self._open(top, root, root)
        except (FileNotFoundError, NotADirectoryError) as error:
            if root in self.roots:  # any other folder may be gone, as what was in it
                self._fail(f"{root}/", error)
            return
        except OSError as error:
            yield self._fail(f"{root}/", error)
            return
        stack = [first] if first else []  # of our own: no depth of folders is too deep
        while stack:
            folder = stack[-1]
            met = 0
            for encoded, entry, is_folder in folder.entries:
                path = folder.encoded + encoded
                try:
                    if is_folder:
                        below = self._open(entry.path, path[:-1], folder.root, folder.device)
                        if below:
                            stack.append(below)
                            break
                        continue
                    status = entry.stat()
                except OSError as error:
                    yield self._fail(path, error)
                    continue
                if stat.S_ISREG(status.st_mode):
                    met += 1
                    yield path, status.st_size, min(status.st_mtime_ns, LATEST)
                else:
                    self.failures.append({"path": path, "reason": "not a regular file"})
            else:
                stack.pop()
            self.found[folder.root] += met

    def _open(self, folder: str, encoded: str, root: str, device: int | None = None) -> _Folder | None:
        status = os.stat(folder)  # noqa: PTH116 - a Path of each folder costs more than the look
        here = (status.st_dev, status.st_ino)
        if here in self._entered:
            return None
        self._entered.add(here)
        mounted = device is not None and status.st_dev != device and os.path.ismount(folder)
        if mounted or encoded in self.roots:
            root = encoded
            self.found.setdefault(root, 0)
        with os.scandir(folder) as entries:
            listed = _listed(entries)
        return _Folder(iter(listed), f"{encoded}/", root, status.st_dev)

    def _fail(self, path: str, error: OSError) -> Seen:
        self.failures.append({"path": path.removesuffix("/"), "reason": f"cannot be read: {error.strerror or error}"})
        return path, -1, 0


def _listed(entries: "Iterator[os.DirEntry[str]]") -> "list[tuple[str, os.DirEntry[str], bool]]":
    """Return what matters to a music library, sorted: encoded name, entry, and whether it is a folder.

    A folder sorts as its path does, with the slash that follows its name, and has it here.
    """
    listed = []
    for entry in entries:
        name = entry.name
        try:
            is_folder = entry.is_dir()
        except OSError:  # a link that leads nowhere: its own look at it will say so
            is_folder = False
        if is_scanned_folder(name) if is_folder else is_audio(name):
            plain = name if name.isascii() and "\\" not in name else encode(name)
            listed.append((plain + "/" if is_folder else plain, entry, is_folder))
    listed.sort(key=itemgetter(0))
    return listed
