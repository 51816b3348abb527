"""Files that are being written: one is ready when it is closed, or when it has not grown for a while."""

import os
import time
from typing import NamedTuple

# Seconds without growth. Nobody tells the end of a file closed before its folder was watched, or of a hard link.
SETTLED = 10.0


class _Look(NamedTuple):
    size: int
    mtime_ns: int
    since: float  # monotonic


class Writing:
    """Files that began and have not ended."""

    def __init__(self) -> None:
        self._files: dict[str, _Look | None] = {}

    def __bool__(self) -> bool:
        return bool(self._files)

    def begun(self, path: str) -> None:
        """Note a new file."""
        self._files[path] = None

    def ended(self, path: str) -> None:
        """Forget a file that was closed, or is gone."""
        self._files.pop(path, None)

    def gone(self, folder: str) -> None:
        """Forget the files below a folder."""
        self._files = {path: look for path, look in self._files.items() if not path.startswith(f"{folder}/")}

    def folders(self) -> set[str]:
        """Return the folders that hold one."""
        return {path.rpartition("/")[0] for path in self._files}

    def settled(self) -> set[str]:
        """Look at each file; return the folders of those that are ready, which are forgotten."""
        ready = set()
        for path, before in list(self._files.items()):
            try:
                status = os.stat(path)  # noqa: PTH116 - there may be thousands
            except OSError:
                del self._files[path]
                continue
            now = time.monotonic()
            look = _Look(status.st_size, status.st_mtime_ns, now)
            if before is None:
                # Written long ago: nobody is at it.
                is_ready = abs(time.time() - status.st_mtime) > SETTLED
            else:
                if look[:2] == before[:2]:
                    look = before
                is_ready = now - look.since >= SETTLED
            self._files[path] = look
            if is_ready:
                del self._files[path]
                ready.add(path.rpartition("/")[0])
        return ready
