"""The drives on which the music and the data lie. One that does not answer holds up nothing else."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from soniquebay.api.drive_look import DriveLook
from soniquebay.library.paths import encode, is_within
from soniquebay.settings import Settings
from soniquebay.watch.mounts import Mount, mount_of, parse_mountinfo, read_only_ids

TIMEOUT_SECONDS = 1.0  # a local drive answers within milliseconds
_MOUNTINFO = Path("/proc/self/mountinfo")


class Drives:
    """Looks at drives, each in a thread of its own. Not safe from several threads."""

    def __init__(self, read_mountinfo: Callable[[], bytes] = _MOUNTINFO.read_bytes) -> None:
        self._read_mountinfo = read_mountinfo
        self._looks: dict[bytes, DriveLook[os.statvfs_result]] = {}

    def states(self, settings: Settings) -> list[dict[str, Any]]:
        """Return the drives of the music and the data, as `models.machine.Drive` has them."""
        mountinfo = self._read_mountinfo()
        mounts, read_only = parse_mountinfo(mountinfo), read_only_ids(mountinfo)
        folders = [(os.fsencode(root), "music") for root in settings.music]
        folders += [(os.fsencode(settings.data), "data")]
        wanted = list(dict.fromkeys(found for folder, use in folders for found in _drives(folder, use, mounts)))
        points = {point for _, _, point in wanted}
        self._looks = {point: look for point, look in self._looks.items() if point in points or not look.is_done}
        for point in points:
            look = self._looks.get(point)
            if look is None or look.is_done:  # else the thread of the last time still waits for the drive
                self._looks[point] = DriveLook(partial(os.statvfs, point))
        return [self._state(path, use, mount_of(mounts, point), point, read_only) for path, use, point in wanted]

    def _state(self, path: bytes, use: str, mount: Mount | None, point: bytes, read_only: set[int]) -> dict[str, Any]:
        look = self._looks[point]
        status = look.result(TIMEOUT_SECONDS)
        state = "silent" if not look.is_done else "absent" if status is None else "ok"
        return {
            "path": encode(path),
            "use": use,
            "mount_point": encode(mount.mount_point) if mount else None,
            "file_system": mount.fs_type if mount else None,
            "state": state,
            "total_bytes": status.f_blocks * status.f_frsize if status else None,
            "free_bytes": status.f_bavail * status.f_frsize if status else None,
            "read_only": mount is not None and mount.mount_id in read_only,
        }


def _drives(folder: bytes, use: str, mounts: Iterable[Mount]) -> list[tuple[bytes, str, bytes]]:
    """Return a folder, and each mount point below it, with its use and the real path to look at."""
    real = os.path.realpath(folder)
    below = [mount.mount_point for mount in mounts if mount.mount_point != real and is_within(mount.mount_point, real)]
    return [(folder, use, real), *((point, use, point) for point in sorted(set(below)) if use == "music")]
