"""Every folder below the roots, watched by the kernel (inotify(7)); for those it cannot watch, a look now and then."""

import contextlib
import errno
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from inotify_simple import Event, INotify, flags

from soniquebay.audio.file_names import is_audio, is_cover, is_scanned_folder
from soniquebay.library.paths import encode, is_within
from soniquebay.watch import mounts
from soniquebay.watch.growing_files import Writing
from soniquebay.watch.mounts import Mount

log = logging.getLogger(__name__)

MOUNTINFO = Path("/proc/self/mountinfo")
_COME = flags.CLOSE_WRITE | flags.MOVED_TO
_GONE = flags.DELETE | flags.MOVED_FROM
_MASK = _COME | _GONE | flags.CREATE | flags.ONLYDIR
_ROOT_MASK = _MASK | flags.MOVE_SELF | flags.DELETE_SELF


class Change(NamedTuple):
    """Music or a cover has changed in a folder (Python's file-system string), or no one knows what has changed."""

    what: Literal["music", "cover", "everything"]
    folder: str = ""


EVERYTHING = Change("everything")


class RootState(NamedTuple):
    """How a root is watched, and how many folders of it are."""

    path: str
    mode: Literal["notify", "poll", "absent"]
    folders: int


class Tree:
    """The watched folders of some roots. Of one thread alone, but for `states` and `stop`.

    `poll`: watch nothing, each root has to be looked at.
    """

    def __init__(
        self, roots: Sequence[str], *, poll: bool = False, read_mounts: Callable[[], bytes] = MOUNTINFO.read_bytes
    ) -> None:
        self._roots = [root.rstrip("/") or "/" for root in roots]
        self._poll, self._read_mounts = poll, read_mounts
        self._mounts: dict[str, Mount] = {}
        self._folders: dict[int, str] = {}
        self._polled: set[str] = set()
        self._links: set[str] = set()
        self._full = self._stopped = False
        self.writing = Writing()
        self._inotify = INotify()

    def fileno(self) -> int:
        """Return what is readable when something has changed; another one after `watch_all`."""
        return int(self._inotify.fileno())

    def close(self) -> None:
        """Give all watches back."""
        self._inotify.close()

    def stop(self) -> None:
        """End `watch_all` early; from any thread."""
        self._stopped = True

    def watch_all(self) -> None:
        """Watch every folder there is, from the beginning."""
        self._inotify.close()
        self._inotify = INotify()
        self._folders, self._polled, self._links, self._full = {}, set(), set(), False
        self._mounts = self._places()
        for root in self._roots:
            self._add(root)

    def watch_absent(self) -> bool:
        """Watch the roots that were not there before; True when one is now."""
        absent = [state.path for state in self.states() if state.mode == "absent" and Path(state.path).is_dir()]
        for root in absent:
            self._add(root)
        return any(state.path in absent and state.mode != "absent" for state in self.states())

    def states(self) -> list[RootState]:
        """Return how each root is watched."""
        folders = list(self._folders.values())
        answer = []
        for root in self._roots:
            below = sum(is_within(folder, root) for folder in folders)
            polled = self._full or any(is_within(folder, root) for folder in list(self._polled))
            answer.append(RootState(root, "poll" if polled else "notify" if below else "absent", below))
        return answer

    @property
    def has_links(self) -> bool:
        """Tell whether a folder was come to by a link: one folder may then have two paths."""
        return bool(self._links)

    @property
    def must_poll(self) -> bool:
        """Tell whether there is a folder that nothing is told of."""
        return self._full or bool(self._polled)

    def read(self) -> list[Change]:
        """Return what has changed since the last look, each once."""
        changes: dict[Change, None] = {}
        for event in self._inotify.read(timeout=0):
            changes.update(dict.fromkeys(self._changes(event)))
        return list(changes)

    def mounts_changed(self) -> list[Change]:
        """Follow what was mounted and unmounted. A drive that is gone is no deletion."""
        before, self._mounts = self._mounts, self._places()
        gone = [path for path, mount in before.items() if mount != self._mounts.get(path)]
        come = [path for path, mount in self._mounts.items() if mount != before.get(path)]
        for path in sorted({*gone, *come}):
            self._drop(path)
            self._add(path)
        for path in come:
            log.info("%s is mounted", path)
        for path in gone:
            log.info("%s is unmounted", path)
        return [EVERYTHING] if come else []

    def _changes(self, event: Event) -> Iterator[Change]:
        if event.mask & flags.Q_OVERFLOW:
            log.warning("too much has changed at once: everything is watched anew, and scanned")
            self.watch_all()
            yield EVERYTHING
            return
        folder = self._folders.get(event.wd)
        if folder is None:
            return
        if event.mask & (flags.IGNORED | flags.UNMOUNT):
            self._folders.pop(event.wd)
        elif event.mask & (flags.MOVE_SELF | flags.DELETE_SELF):
            self._drop(folder)
            yield EVERYTHING
        elif event.mask & flags.ISDIR:
            if is_scanned_folder(event.name):
                yield from self._folder_changed(f"{folder}/{event.name}", event.mask)
        elif is_audio(event.name):
            path = f"{folder}/{event.name}"
            if event.mask & flags.CREATE:
                self.writing.begun(path)
            else:
                self.writing.ended(path)
                yield Change("music", folder)
        elif is_cover(event.name):
            if event.mask & _COME:
                yield Change("cover", folder)
        else:
            yield from self._link_changed(f"{folder}/{event.name}", event.mask)

    def _folder_changed(self, path: str, mask: int) -> Iterator[Change]:
        if mask & _GONE:
            self._drop(path)
        if mask & flags.MOVED_FROM:
            yield Change("music", path)
        if mask & (flags.CREATE | flags.MOVED_TO):
            # What was in it before it was watched is told by nobody; a file may still grow.
            self._add(path, self.writing.begun)
        if mask & flags.MOVED_TO:
            yield Change("music", path)

    def _link_changed(self, path: str, mask: int) -> Iterator[Change]:
        # Of a link to a folder no more is told than of a file.
        if mask & _GONE and path in self._links:
            self._drop(path)
            yield Change("music", path)
        elif mask & (flags.CREATE | flags.MOVED_TO) and Path(path).is_symlink() and Path(path).is_dir():
            self._links.add(path)
            self._add(path)
            yield Change("music", path)

    def _add(self, top: str, met: Callable[[str], None] | None = None) -> None:
        """Watch a folder and all below it; `met` is told of each audio file there."""
        stack = [top]
        while stack and not self._stopped:
            folder = stack.pop()
            if self._is_silent(folder):
                self._polled.add(folder)
                continue
            if not self._watch(folder):
                continue
            below = []
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir():
                            if is_scanned_folder(entry.name):
                                below.append(entry.path)
                                if entry.is_symlink():
                                    self._links.add(entry.path)
                        elif met and is_audio(entry.name):
                            met(entry.path)
            except OSError:
                continue  # gone meanwhile, or not to be read: the scan will say so
            # In the order of a walk: a folder with two paths is known by the same one.
            below.sort(key=lambda path: encode(path) + "/", reverse=True)
            stack += below

    def _watch(self, folder: str) -> bool:
        try:
            watch = self._inotify.add_watch(folder, _ROOT_MASK if folder in self._roots else _MASK)
        except OSError as error:
            if error.errno == errno.ENOSPC and not self._full:
                self._full = True
                log.warning(
                    "the kernel watches no more folders for one user (fs.inotify.max_user_watches): the rest is polled"
                )
            return False
        # A folder that was come to by another path has its watch.
        return self._folders.setdefault(watch, folder) == folder

    def _drop(self, top: str) -> None:
        for watch, folder in list(self._folders.items()):
            if is_within(folder, top):
                del self._folders[watch]
                with contextlib.suppress(OSError):  # gone with its folder
                    self._inotify.rm_watch(watch)
        self._polled = {folder for folder in self._polled if not is_within(folder, top)}
        self._links = {folder for folder in self._links if not is_within(folder, top)}
        self.writing.gone(top)

    def _is_silent(self, folder: str) -> bool:
        if self._poll and Path(folder).is_dir():
            return True
        mount = self._mounts.get(folder)
        if mount is None and folder in self._links:
            mount = mounts.holding(mounts.parse(self._read_mounts()), os.fsencode(os.path.realpath(folder)))
        return mount is not None and mount.is_silent

    def _places(self) -> dict[str, Mount]:
        """Return what is mounted at each root and below it, by the path that leads there from the root."""
        table = mounts.parse(self._read_mounts())
        places: dict[str, Mount] = {}
        for root in self._roots:
            real = os.fsencode(os.path.realpath(root))
            holding = mounts.holding(table, real)
            if holding is not None:
                places[root] = holding
            for mount in table:
                if mount.point != real and is_within(mount.point, real):
                    places[root.rstrip("/") + os.fsdecode(mount.point[len(real.rstrip(b"/")) :])] = mount
        return places
