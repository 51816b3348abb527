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

MAX_MTIME_NS = 2**63 - 1  # SQLite's largest integer; a damaged timestamp may lie centuries ahead


# Encoded path, size and mtime_ns of a file. A size of -1 means a file or folder that could not be read; the path of a
# folder ends with a slash. Plain tuples, because a walk yields a hundred thousand of them in half a second.
WalkedFile = tuple[str, int, int]


class _Folder(NamedTuple):
    entries: Iterator["tuple[str, os.DirEntry[str], bool]"]
    encoded: str  # ends with a slash
    root: str
    device: int


@dataclass
class Walk:
    """Walks roots, one after another. Read `failures` and `files_by_root` afterwards.

    `roots`: encoded paths of folders that are roots, in addition to mount points.
    """

    roots: frozenset[str] = frozenset()
    failures: list[FailedFile] = field(default_factory=list)
    files_by_root: dict[str, int] = field(default_factory=dict)
    """Number of files by encoded root; a mount point below a root is a root too."""
    _entered: set[tuple[int, int]] = field(default_factory=set)

    def files(self, top: str) -> Iterator[WalkedFile]:
        """Yield every audio file below a folder (Python's file-system string), which counts as a root.

        Links are followed and each folder is entered once, so loops end. What cannot be read is recorded as a failure
        and yielded with a size of -1, and the walk continues. A folder that does not exist has no files.
        """
        root = encode(top)
        self.files_by_root.setdefault(root, 0)
        try:
            first = self._enter(top, root, root)
        except (FileNotFoundError, NotADirectoryError) as error:
            if root in self.roots:  # any other folder may have been deleted
                self._add_failure(f"{root}/", error)
            return
        except OSError as error:
            yield self._add_failure(f"{root}/", error)
            return
        stack = [first] if first else []  # instead of recursion: folders may be nested deeper than its limit
        while stack:
            folder = stack[-1]
            file_count = 0
            for encoded, entry, is_folder in folder.entries:
                path = folder.encoded + encoded
                try:
                    if is_folder:
                        subfolder = self._enter(entry.path, path[:-1], folder.root, folder.device)
                        if subfolder:
                            stack.append(subfolder)
                            break
                        continue
                    status = entry.stat()
                except OSError as error:
                    yield self._add_failure(path, error)
                    continue
                if stat.S_ISREG(status.st_mode):
                    file_count += 1
                    yield path, status.st_size, min(status.st_mtime_ns, MAX_MTIME_NS)
                else:
                    self.failures.append({"path": path, "reason": "not a regular file"})
            else:
                stack.pop()
            self.files_by_root[folder.root] += file_count

    def _enter(self, folder: str, encoded: str, root: str, device: int | None = None) -> _Folder | None:
        """List a folder; None if it was entered before."""
        status = os.stat(folder)  # noqa: PTH116 - a Path of each folder costs more than the system call
        inode = (status.st_dev, status.st_ino)
        if inode in self._entered:
            return None
        self._entered.add(inode)
        is_mount_point = device is not None and status.st_dev != device and os.path.ismount(folder)
        if is_mount_point or encoded in self.roots:
            root = encoded
            self.files_by_root.setdefault(root, 0)
        with os.scandir(folder) as entries:
            sorted_entries = _sorted_entries(entries)
        return _Folder(iter(sorted_entries), f"{encoded}/", root, status.st_dev)

    def _add_failure(self, path: str, error: OSError) -> WalkedFile:
        self.failures.append({"path": path.removesuffix("/"), "reason": f"cannot be read: {error.strerror or error}"})
        return path, -1, 0


def _sorted_entries(entries: "Iterator[os.DirEntry[str]]") -> "list[tuple[str, os.DirEntry[str], bool]]":
    """Return the audio files and the folders to scan, sorted: encoded name, entry, and whether it is a folder.

    The name of a folder ends with a slash here, so that it sorts as the paths below it do.
    """
    result = []
    for entry in entries:
        name = entry.name
        try:
            is_folder = entry.is_dir()
        except OSError:  # a broken link; its stat() fails later and is recorded then
            is_folder = False
        if is_scanned_folder(name) if is_folder else is_audio(name):
            encoded = name if name.isascii() and "\\" not in name else encode(name)
            result.append((encoded + "/" if is_folder else encoded, entry, is_folder))
    result.sort(key=itemgetter(0))
    return result
