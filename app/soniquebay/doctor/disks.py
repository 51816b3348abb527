"""The disk of the data: space, inodes, and whether it can be written."""

import os
from collections.abc import Iterator

from soniquebay.doctor.finding import Finding, ok, unknown, wrong
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.procfs import MIB

FULL_BYTES = 1 * MIB  # below this the API writes nothing
LOW_BYTES = 500 * MIB
LOW_SHARE = 0.05
MIN_FREE_INODES_SHARE = 0.02
_FREE_SPACE = "See what takes the space: sudo du -xh --max-depth=2 / | sort -h | tail"


def space(around: Surroundings) -> Iterator[Finding]:
    """Check the free space."""
    status = _status(around)
    if status is None:
        yield unknown(
            f"{around.settings.data} is not there.", "Start the appliance: sudo systemctl start soniquebay.target"
        )
        return
    free, total = status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize
    what = f"The disk of {around.settings.data} has {free / MIB:.0f} of {total / MIB:.0f} MiB free"
    if free < FULL_BYTES:
        yield wrong(f"{what}: it is full, so nothing can be written and no scan goes on.", _FREE_SPACE)
    elif free < min(LOW_BYTES, LOW_SHARE * total):
        yield wrong(f"{what}: it is nearly full.", _FREE_SPACE)
    else:
        yield ok(f"{what}.")


def inodes(around: Surroundings) -> Iterator[Finding]:
    """Check the free inodes. File systems without a fixed number of them have none to run out of."""
    status = _status(around)
    if status is None or not status.f_files:
        yield ok("The disk of the data has no fixed number of files.") if status else unknown("The data is not there.")
    elif status.f_favail < MIN_FREE_INODES_SHARE * status.f_files:
        yield wrong(
            f"The disk of {around.settings.data} has {status.f_favail} of {status.f_files} inodes free: "
            "soon no file can be made.",
            "Find the folder with very many files: sudo du -x --inodes --max-depth=3 / | sort -n | tail",
        )
    else:
        yield ok(f"The disk of {around.settings.data} has {status.f_favail} inodes free.")


def read_only(around: Surroundings) -> Iterator[Finding]:
    """Check that the file system of the data can be written: the kernel makes it read-only after an error."""
    status = _status(around)
    if status is None:
        yield unknown("The data is not there.")
    elif status.f_flag & os.ST_RDONLY:
        yield wrong(
            f"The file system of {around.settings.data} is read-only: the kernel makes it so when a card fails.",
            "Restart. If it is read-only again, replace the card; copy what can still be read of the data first.",
        )
    else:
        yield ok(f"The file system of {around.settings.data} can be written.")


def _status(around: Surroundings) -> os.statvfs_result | None:
    try:
        return os.statvfs(around.settings.data)
    except OSError:
        return None
