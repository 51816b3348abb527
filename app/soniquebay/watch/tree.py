"""The folders below the roots, watched with inotify(7). Folders that the kernel cannot watch have to be polled."""

import contextlib
import errno
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from inotify_simple import Event, INotify, flags

from soniquebay.audio.companions.names import is_companion
from soniquebay.audio.file_names import is_audio, is_playlist
from soniquebay.audio.picture_names import may_be_shown
from soniquebay.library.ignore_files import IGNORE_FILE_NAMES
from soniquebay.library.left_out import folder_reason
from soniquebay.library.paths import encode, is_within
from soniquebay.watch.growing_files import GrowingFiles
from soniquebay.watch.ignored import is_left_out, rules_above, rules_in
from soniquebay.watch.mounts import Mount, mount_of, parse_mountinfo

log = logging.getLogger(__name__)

MOUNTINFO = Path("/proc/self/mountinfo")
_ADDED = flags.CLOSE_WRITE | flags.MOVED_TO
_REMOVED = flags.DELETE | flags.MOVED_FROM
_FOLDER_MASK = _ADDED | _REMOVED | flags.CREATE | flags.ONLYDIR
_ROOT_MASK = _FOLDER_MASK | flags.MOVE_SELF | flags.DELETE_SELF


class Change(NamedTuple):
    """A change of music or of a cover in a folder (Python's file-system string), or of anything anywhere."""

    what: Literal["music", "cover", "everything"]
    folder: str = ""


EVERYTHING = Change("everything")


class RootState(NamedTuple):
    """How a root is watched, and how many of its folders are."""

    path: str
    mode: Literal["notify", "poll", "absent"]
    folders: int


@dataclass(slots=True)
class _Listing:
    """What counts in a folder: paths, and the names of its ignore files."""

    subfolders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    scanned_files: list[str] = field(default_factory=list)
    ignore_files: list[str] = field(default_factory=list)
    has_pictures: bool = False


def _listing(folder: str) -> _Listing:
    found = _Listing()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    if folder_reason(entry.name) is None:
                        found.subfolders.append(entry.path)
                        if entry.is_symlink():
                            found.links.append(entry.path)
                elif entry.name in IGNORE_FILE_NAMES:
                    found.ignore_files.append(entry.name)
                elif is_audio(entry.name) or is_playlist(entry.name):
                    found.scanned_files.append(entry.path)
                elif may_be_shown(entry.name):
                    found.has_pictures = True
    except OSError:
        return _Listing()  # removed meanwhile, or not readable, which the scan reports
    return found


class WatchedTree:
    """The watched folders below some roots.

    Only `states` and `stop` may be called from another thread. With `poll_only` no folder is watched, so every root has
    to be polled. `read_mountinfo` returns the content of ``/proc/self/mountinfo``.
    """

    def __init__(
        self,
        roots: Sequence[str],
        *,
        poll_only: bool = False,
        read_mountinfo: Callable[[], bytes] = MOUNTINFO.read_bytes,
    ) -> None:
        self._roots = [root.rstrip("/") or "/" for root in roots]
        self._poll_only, self._read_mountinfo = poll_only, read_mountinfo
        self._mounts: dict[str, Mount] = {}
        self._folders: dict[int, str] = {}  # by watch descriptor
        self._polled: set[str] = set()
        self._links: set[str] = set()
        self._watches_are_used_up = self._is_stopped = False
        self.growing_files = GrowingFiles()
        self._inotify = INotify()

    def fileno(self) -> int:
        """Return the file descriptor that is readable after a change; `watch_all` replaces it."""
        return int(self._inotify.fileno())

    def close(self) -> None:
        """Release all watches."""
        self._inotify.close()

    def stop(self) -> None:
        """End `watch_all` early; from any thread."""
        self._is_stopped = True

    def watch_all(self) -> None:
        """Watch every folder below the roots, from scratch."""
        self._inotify.close()
        self._inotify = INotify()
        self._folders, self._polled, self._links, self._watches_are_used_up = {}, set(), set(), False
        self._mounts = self._mounts_by_path()
        for root in self._roots:
            self._watch_below(root)

    def watch_absent(self) -> bool:
        """Watch the roots that were absent and are there now; return whether there is one."""
        absent = [state.path for state in self.states() if state.mode == "absent" and Path(state.path).is_dir()]
        for root in absent:
            self._watch_below(root)
        return any(state.path in absent and state.mode != "absent" for state in self.states())

    def states(self) -> list[RootState]:
        """Return how each root is watched."""
        folders = list(self._folders.values())
        states = []
        for root in self._roots:
            count = sum(is_within(folder, root) for folder in folders)
            polled = self._watches_are_used_up or any(is_within(folder, root) for folder in list(self._polled))
            states.append(RootState(root, "poll" if polled else "notify" if count else "absent", count))
        return states

    @property
    def has_links(self) -> bool:
        """Whether a watched folder was reached by a symbolic link. A folder may then have two paths."""
        return bool(self._links)

    @property
    def needs_polling(self) -> bool:
        """Whether there is a folder whose changes are not reported."""
        return self._watches_are_used_up or bool(self._polled)

    def read_changes(self) -> list[Change]:
        """Return the changes since the last call, each once."""
        changes: dict[Change, None] = {}
        for event in self._inotify.read(timeout=0):
            changes.update(dict.fromkeys(self._changes_of(event)))
        return list(changes)

    def update_mounts(self) -> list[Change]:
        """Watch what was mounted and stop watching what was unmounted, and return the changes.

        An unmounted drive is no change: its files are unavailable, not deleted.
        """
        before, self._mounts = self._mounts, self._mounts_by_path()
        unmounted = [path for path, mount in before.items() if mount != self._mounts.get(path)]
        mounted = [path for path, mount in self._mounts.items() if mount != before.get(path)]
        for path in sorted({*unmounted, *mounted}):
            self._unwatch_below(path)
            self._watch_below(path)
        for path in mounted:
            log.info("%s is mounted", path)
        for path in unmounted:
            log.info("%s is unmounted", path)
        return [EVERYTHING] if mounted else []

    def _changes_of(self, event: Event) -> Iterator[Change]:
        if event.mask & flags.Q_OVERFLOW:
            log.warning("too many changes at once: all folders are watched again from scratch, and scanned")
            self.watch_all()
            yield EVERYTHING
            return
        folder = self._folders.get(event.wd)
        if folder is None:
            return
        if event.mask & (flags.IGNORED | flags.UNMOUNT):
            self._folders.pop(event.wd)
        elif event.mask & (flags.MOVE_SELF | flags.DELETE_SELF):
            self._unwatch_below(folder)
            yield EVERYTHING
        elif event.mask & flags.ISDIR:
            if folder_reason(event.name) is None:
                yield from self._folder_changes(f"{folder}/{event.name}", event.mask)
        else:
            yield from self._file_changes(folder, event.name, event.mask)

    def _file_changes(self, folder: str, name: str, mask: int) -> Iterator[Change]:
        if is_audio(name) or is_playlist(name):
            if mask & flags.CREATE:
                self.growing_files.started(f"{folder}/{name}")
            else:
                self.growing_files.finished(f"{folder}/{name}")
                yield Change("music", folder)
        elif name in IGNORE_FILE_NAMES:
            self._follow_ignore_files(folder)
            yield Change("music", folder)
        elif is_companion(name):
            if mask & (_ADDED | _REMOVED):
                yield Change("music", folder)
        elif may_be_shown(name):
            if mask & (_ADDED | _REMOVED):
                yield Change("cover", folder)
        else:
            yield from self._link_changes(f"{folder}/{name}", mask)

    def _folder_changes(self, path: str, mask: int) -> Iterator[Change]:
        if mask & _REMOVED:
            self._unwatch_below(path)
        if mask & flags.MOVED_FROM:
            yield Change("music", path)
        if mask & (flags.CREATE | flags.MOVED_TO):
            # No event reports the files that were there before the folder was watched; they may still grow.
            with_pictures: list[str] = []
            self._watch_below(path, with_pictures)
            yield from (Change("cover", folder) for folder in with_pictures)
        if mask & flags.MOVED_TO:
            yield Change("music", path)

    def _link_changes(self, path: str, mask: int) -> Iterator[Change]:
        # The event of a symbolic link to a folder does not say that it is a folder.
        if mask & _REMOVED and path in self._links:
            self._unwatch_below(path)
            yield Change("music", path)
        elif mask & (flags.CREATE | flags.MOVED_TO) and Path(path).is_symlink() and Path(path).is_dir():
            self._links.add(path)
            self._watch_below(path)
            yield Change("music", path)

    def _follow_ignore_files(self, top: str) -> None:
        """Watch the folders below one whose ignore files have changed, and no others there."""
        self._polled = {folder for folder in self._polled if not is_within(folder, top)}
        wanted = self._watch_below(top)
        if self._is_stopped:
            return
        for watch, folder in list(self._folders.items()):
            if is_within(folder, top) and folder not in wanted:
                self._unwatch(watch)
                self._links.discard(folder)
                self.growing_files.folder_removed(folder)

    def _watch_below(self, top: str, with_pictures: list[str] | None = None) -> set[str]:
        """Watch a folder and the folders below it, and return those that are watched.

        What an ignore file leaves out is not watched, but the folder of that file is. If `with_pictures` is given, the
        folders are new: those with pictures are added to it, and files of music may grow.
        """
        watched: set[str] = set()
        rules = rules_above(top, self._roots)
        stack = [(top, rules)] if rules is not None else []
        while stack and not self._is_stopped:
            folder, rules = stack.pop()
            if self._must_be_polled(folder):
                self._polled.add(folder)
                continue
            if not self._watch_folder(folder):
                continue
            watched.add(folder)
            listing = _listing(folder)
            inside = rules_in(folder, rules, listing.ignore_files) if listing.ignore_files else rules
            if inside is None:
                continue
            self._links.update(link for link in listing.links if not is_left_out(link, inside))
            if with_pictures is not None:
                for path in listing.scanned_files:
                    self.growing_files.started(path)
                if listing.has_pictures:
                    with_pictures.append(folder)
            # In the order of a scan's walk, so that a folder with two paths is known by the same one.
            subfolders = sorted(listing.subfolders, key=lambda path: encode(path) + "/", reverse=True)
            stack += [(path, inside) for path in subfolders if not is_left_out(path, inside)]
        return watched

    def _watch_folder(self, folder: str) -> bool:
        """Watch one folder; return False if that failed, or if it is watched by another path already."""
        try:
            watch = self._inotify.add_watch(folder, _ROOT_MASK if folder in self._roots else _FOLDER_MASK)
        except OSError as error:
            if error.errno == errno.ENOSPC and not self._watches_are_used_up:
                self._watches_are_used_up = True
                log.warning(
                    "the limit of watches is reached (fs.inotify.max_user_watches): the other folders are polled"
                )
            return False
        return self._folders.setdefault(watch, folder) == folder

    def _unwatch_below(self, top: str) -> None:
        for watch, folder in list(self._folders.items()):
            if is_within(folder, top):
                self._unwatch(watch)
        self._polled = {folder for folder in self._polled if not is_within(folder, top)}
        self._links = {folder for folder in self._links if not is_within(folder, top)}
        self.growing_files.folder_removed(top)

    def _unwatch(self, watch: int) -> None:
        del self._folders[watch]
        with contextlib.suppress(OSError):  # the kernel has removed it with its folder
            self._inotify.rm_watch(watch)

    def _must_be_polled(self, folder: str) -> bool:
        if self._poll_only and Path(folder).is_dir():
            return True
        mount = self._mounts.get(folder)
        if mount is None and folder in self._links:
            mount = mount_of(parse_mountinfo(self._read_mountinfo()), os.fsencode(os.path.realpath(folder)))
        return mount is not None and mount.needs_polling

    def _mounts_by_path(self) -> dict[str, Mount]:
        """Return the mounts at and below each root, by the path that leads there from the root."""
        mounts = parse_mountinfo(self._read_mountinfo())
        by_path: dict[str, Mount] = {}
        for root in self._roots:
            real_root = os.fsencode(os.path.realpath(root))
            root_mount = mount_of(mounts, real_root)
            if root_mount is not None:
                by_path[root] = root_mount
            for mount in mounts:
                point = mount.mount_point
                if point != real_root and is_within(point, real_root):
                    by_path[root.rstrip("/") + os.fsdecode(point[len(real_root.rstrip(b"/")) :])] = mount
        return by_path
