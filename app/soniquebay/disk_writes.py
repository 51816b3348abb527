"""How much a disk was told to write, as the kernel counts it below ``/sys``."""

import os
from pathlib import Path

_SYS = Path("/sys")
_SECTOR_BYTES = 512  # of these counts, whatever the disk has
_WRITTEN_SECTORS_FIELD = 6  # of ``stat``, counted from 0


def written_bytes(folder: Path, sys: Path = _SYS) -> int | None:
    """Return what the whole disk below a folder was told to write since the machine started.

    None where the kernel does not tell, as for a network mount.
    """
    try:
        device = folder.stat().st_dev
        disk = (sys / "dev/block" / f"{os.major(device)}:{os.minor(device)}").resolve(strict=True)
    except OSError:
        return None
    return written_bytes_of(disk.parent if (disk / "partition").exists() else disk)


def written_bytes_of(disk: Path) -> int | None:
    """Return what a disk was told to write since the machine started, by its folder below ``/sys``, else None."""
    try:
        return int((disk / "stat").read_text().split()[_WRITTEN_SECTORS_FIELD]) * _SECTOR_BYTES
    except (OSError, IndexError, ValueError):
        return None
