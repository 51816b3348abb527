"""Files that are being written. A file is complete when it is closed, or when it has not grown for a while."""

import os
import time
from typing import NamedTuple

# A file that has not grown for so long is complete. Nothing reports that a file is closed if that happened before its
# folder was watched, or if it is a hard link.
SETTLE_SECONDS = 10.0


class _Observation(NamedTuple):
    size: int
    mtime_ns: int
    since: float  # monotonic seconds


class GrowingFiles:
    """Files that were started and are not known to be complete."""

    def __init__(self) -> None:
        self._files: dict[str, _Observation | None] = {}

    def __bool__(self) -> bool:
        return bool(self._files)

    def started(self, path: str) -> None:
        """Note a new file."""
        self._files[path] = None

    def finished(self, path: str) -> None:
        """Forget a file that was closed or removed."""
        self._files.pop(path, None)

    def folder_removed(self, folder: str) -> None:
        """Forget the files below a folder."""
        self._files = {path: seen for path, seen in self._files.items() if not path.startswith(f"{folder}/")}

    def folders(self) -> set[str]:
        """Return the folders of the growing files."""
        return {path.rpartition("/")[0] for path in self._files}

    def pop_complete(self) -> set[str]:
        """Check each file, forget the ones that are complete, and return their folders."""
        folders = set()
        for path, previous in list(self._files.items()):
            try:
                status = os.stat(path)  # noqa: PTH116 - there may be thousands
            except OSError:
                del self._files[path]
                continue
            now = time.monotonic()
            current = _Observation(status.st_size, status.st_mtime_ns, now)
            if previous is None:
                # A file that was last modified long ago is not being written.
                is_complete = abs(time.time() - status.st_mtime) > SETTLE_SECONDS
            else:
                if current[:2] == previous[:2]:
                    current = previous
                is_complete = now - current.since >= SETTLE_SECONDS
            self._files[path] = current
            if is_complete:
                del self._files[path]
                folders.add(path.rpartition("/")[0])
        return folders
