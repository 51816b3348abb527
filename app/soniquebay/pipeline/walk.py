"""Walking a root: every audio file in the order of its encoded path, which is the order of the database."""

import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter, itemgetter
from typing import NamedTuple

from soniquebay.library.entities import FailedFile, LeftOut
from soniquebay.library.ignore_files import (
    IGNORE_FILE_NAMES,
    IgnoreFile,
    IgnoreFileError,
    IgnoreRules,
    load_ignore_file,
    rules_inside,
)
from soniquebay.library.left_out import folder_reason
from soniquebay.library.paths import decode, encode, is_within
from soniquebay.pipeline.companions import Companions, FolderCompanions
from soniquebay.pipeline.folder_entries import Beside, Entry, sort_out
from soniquebay.pipeline.folder_pictures import stamp_of

MAX_MTIME_NS = 2**63 - 1  # SQLite's largest integer; a damaged timestamp may lie centuries ahead


# Encoded path, size, mtime_ns and companions of a file. A size of -1 means a file or folder that could not be read; the
# path of a folder ends with a slash. Plain tuples, because a walk yields a hundred thousand of them in half a second.
WalkedFile = tuple[str, int, int, Companions | None]


class _Folder(NamedTuple):
    entries: Iterator[Entry]
    encoded: str  # ends with a slash
    root: str
    device: int
    rules: IgnoreRules
    companions: FolderCompanions | None


@dataclass
class Walk:
    """Walks roots, one after another. Read `failures`, `left_out`, `playlist_files` and the like afterwards.

    `roots`: encoded paths of folders that are roots, in addition to mount points.
    """

    roots: frozenset[str] = frozenset()
    failures: list[FailedFile] = field(default_factory=list)
    files_by_root: dict[str, int] = field(default_factory=dict)
    """Number of files by encoded root; a mount point below a root is a root too. What an ignore file leaves out counts
    as well: a drive of which the listener wants nothing is not an unplugged one."""
    playlist_files: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Size and mtime_ns of each playlist file, by its encoded path."""
    unreadable: list[str] = field(default_factory=list)
    """Encoded paths of what could not be read; that of a folder ends with a slash."""
    _left_out: dict[str, LeftOut] = field(default_factory=dict)
    on_pictures: Callable[[str, int], None] | None = None
    """Called with each folder that has pictures, in the order of the walk: its encoded path with a slash at its end,
    and the stamp of its pictures; -1 for a folder that could not be read."""
    _entered: set[tuple[int, int]] = field(default_factory=set)

    @property
    def left_out(self) -> list[LeftOut]:
        """What the walks have left out, by reason."""
        return [self._left_out[reason] for reason in sorted(self._left_out)]

    def files(self, top: str) -> Iterator[WalkedFile]:
        """Yield every audio file below a folder (Python's file-system string), which counts as a root.

        Links are followed and each folder is entered once, so loops end. What cannot be read is recorded as a failure
        and yielded with a size of -1, and the walk continues. A folder that does not exist has no files, and neither
        has one that a walk from the root above it would not enter.
        """
        root = encode(top)
        self.files_by_root.setdefault(root, 0)
        try:
            rules = self._rules_above(root)
            first = None if rules is None else self._enter(top, root, root, rules)
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
                        subfolder = self._enter(entry.path, path[:-1], folder.root, folder.rules, folder.device)
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
                    companions = folder.companions.of(entry.name) if folder.companions else None
                    yield path, status.st_size, min(status.st_mtime_ns, MAX_MTIME_NS), companions
                else:
                    self.failures.append({"path": path, "reason": "not a regular file"})
            else:
                stack.pop()
            self.files_by_root[folder.root] += file_count

    def _enter(
        self, folder: str, encoded: str, root: str, rules: IgnoreRules, device: int | None = None
    ) -> _Folder | None:
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
        is_root = is_mount_point or encoded in self.roots or (device is None and not self._roots_above(encoded))
        with os.scandir(folder) as entries:
            beside = Beside([], [], [])
            found, ignore_files, left_out = sort_out(entries, beside, is_root=is_root)
        found.sort(key=itemgetter(0))
        encoded += "/"
        companions = beside.companions
        if ignore_files:
            inside = self._with_ignore_files(rules, folder, encoded, ignore_files)
            if inside is None:
                self._count_ignored(encoded, root)
                return None
            rules = inside
        if rules.files:
            found = self._not_ignored(found, encoded, root, rules)
            companions = [
                entry for entry in companions if rules.reason(encoded + encode(entry.name), is_folder=False) is None
            ]
            # What would not be read anyway is not told of when the listener does not want it.
            left_out = [told for told in left_out if rules.reason(encoded + told[1], is_folder=told[2]) is None]
        if beside.pictures and self.on_pictures:
            self.on_pictures(encoded, stamp_of(beside.pictures))
        for playlist in sorted(beside.playlists, key=attrgetter("name")):
            self._add_playlist_file(encoded, playlist, rules)
        for reason, name, is_folder in sorted(left_out):
            self.tell(reason, encoded + name, is_folder=is_folder)
        audio = [entry.name for _, entry, is_folder in found if not is_folder] if companions else []
        of_files = FolderCompanions(companions, audio) if audio else None
        return _Folder(iter(found), encoded, root, status.st_dev, rules, of_files)

    def _roots_above(self, folder: str) -> list[str]:
        return sorted((root for root in self.roots if root != folder and is_within(folder, root)), key=len)

    def _rules_above(self, top: str) -> IgnoreRules | None:
        """Return the rules for a folder; None if a walk from the outermost root above it would not enter the folder."""
        rules = IgnoreRules()
        outermost = next(iter(self._roots_above(top)), top)
        above = outermost.rstrip("/")
        for name in top[len(above) + 1 :].split("/") if top != outermost else ():
            inside = self._with_ignore_files(rules, os.fsdecode(decode(above)), f"{above}/", IGNORE_FILE_NAMES)
            if inside is None:
                return None
            rules, is_root, above = inside, above in self.roots, f"{above}/{name}"
            reason = folder_reason(os.fsdecode(decode(name)), is_in_root=is_root) or rules.reason(above, is_folder=True)
            if reason is not None:
                self.tell(reason, above, is_folder=True)
                return None
        return rules

    def _with_ignore_files(
        self, rules: IgnoreRules, folder: str, encoded: str, names: Collection[str]
    ) -> IgnoreRules | None:
        """Return the rules in a folder with its ignore files of these names; None if one of them leaves it all out.

        Raises ``OSError`` when one is there and cannot be read: then nobody knows what it leaves out.
        """
        inside = rules_inside(rules, folder, encoded, names, partial(self._ignore_file, folder, encoded))
        if isinstance(inside, str):
            self.tell(f"ignored by {inside}", encoded[:-1], is_folder=True)
            return None
        return inside

    def _ignore_file(self, folder: str, encoded: str, name: str) -> IgnoreFile | None:
        try:
            return load_ignore_file(folder, name)
        except IgnoreFileError as error:
            self.failures.append({"path": encoded + name, "reason": f"is not followed: {error}"})
            return None
        except OSError as error:
            raise OSError(error.errno, f"{name}: {error.strerror or error}") from error

    def _not_ignored(self, found: list[Entry], folder: str, root: str, rules: IgnoreRules) -> list[Entry]:
        """Return the entries of a folder that no ignore file leaves out, and tell of the others."""
        kept = []
        for encoded, entry, is_folder in found:
            path = folder + encoded.removesuffix("/")
            reason = rules.reason(path, is_folder=is_folder)
            if reason is None:
                kept.append((encoded, entry, is_folder))
            else:
                self.tell(reason, path, is_folder=is_folder)
                self._count_ignored(path, root)
        return kept

    def _add_playlist_file(self, folder: str, entry: "os.DirEntry[str]", rules: IgnoreRules) -> None:
        path = folder + encode(entry.name)
        reason = rules.reason(path, is_folder=False) if rules.files else None
        if reason is not None:
            self.tell(reason, path)
            return
        try:
            status = entry.stat()
        except OSError as error:
            self._add_failure(path, error)
            return
        if stat.S_ISREG(status.st_mode):
            self.playlist_files[path] = (status.st_size, min(status.st_mtime_ns, MAX_MTIME_NS))
        else:
            self.failures.append({"path": path, "reason": "not a regular file"})

    def tell(self, reason: str, path: str, *, is_folder: bool = False) -> None:
        """Count a file or folder, by its encoded path, as left out for a reason."""
        told = self._left_out.setdefault(reason, {"reason": reason, "files": 0, "folders": 0, "example": path})
        told["folders" if is_folder else "files"] += 1

    def _count_ignored(self, path: str, root: str) -> None:
        """Count what an ignore file leaves out as found in its root, and in the roots below it."""
        for counted in {root, *(below for below in self.roots if is_within(below, path))}:
            self.files_by_root[counted] = self.files_by_root.get(counted, 0) + 1

    def _add_failure(self, path: str, error: OSError) -> WalkedFile:
        self.unreadable.append(path)
        if path.endswith("/") and self.on_pictures:
            self.on_pictures(path, -1)
        self.failures.append({"path": path.removesuffix("/"), "reason": f"cannot be read: {error.strerror or error}"})
        return path, -1, 0, None
