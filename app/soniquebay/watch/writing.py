"""Files that are being written: one is ready when it is closed, or when it has not grown for a while."""

import os
import time

SETTLED = (
    10.0  # seconds without growth; of a file closed before its folder was watched, and of a hard link, no end is told
)


class Writing:
    """Files that began and have not ended."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[tuple[int, int], float]] = {}

    def __bool__(self) -> bool:
        return bool(self._files)

    def begun(self, path: str) -> None:
        """Note a new file."""
        self._files[path] = ((-1, 0), time.monotonic())

    def ended(self, path: str) -> None:
        """Forget a file that was closed, or is gone."""
        self._files.pop(path, None)

    def gone(self, folder: str) -> None:
        """Forget the files below a folder."""
        self._files = {path: seen for path, seen in self._files.items() if not path.startswith(f"{folder}/")}

    def folders(self) -> set[str]:
        """Return the folders that hold one."""
        return {os.path.dirname(path) for path in self._files}

    def settled(self) -> set[str]:
        """Look at each file; return the folders of those that are ready, which are forgotten."""
        ready = set()
        for path, (stamp, since) in list(self._files.items()):
            try:
                status = os.stat(path)
            except OSError:
                del self._files[path]
                continue
            now = time.monotonic()
            if (status.st_size, status.st_mtime_ns) != stamp:
                # Written long ago: nobody is at it.
                if stamp[0] < 0 and abs(time.time() - status.st_mtime) > SETTLED:
                    since -= SETTLED
                else:
                    since = now
                self._files[path] = ((status.st_size, status.st_mtime_ns), since)
            if now - since >= SETTLED:
                del self._files[path]
                ready.add(os.path.dirname(path))
        return ready
