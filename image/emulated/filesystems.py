"""Checks the file systems of a card that is not in use, with the tools that would repair them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .. import partitions
from ..build_root import BuildRoot
from ..errors import ActionableError
from ..partitions import Partition

_CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class CheckResult:
    """The exit status and the output of a tool that was run on a file system."""

    tool: str
    status: int
    output: str

    def __str__(self) -> str:
        return f"{self.tool} ended with {self.status}:\n{self.output}"


def extract(image: Path, partition: Partition, target: Path) -> Path:
    """Copy a partition to `target`, sparse where the image is, and return that path."""
    with image.open("rb") as source, target.open("wb") as copy:
        copy.truncate(partition.size)
        for start, end in _data_extents(source.fileno(), partition.start, partition.start + partition.size):
            for offset in range(start, end, _CHUNK_BYTES):
                chunk = os.pread(source.fileno(), min(_CHUNK_BYTES, end - offset), offset)
                os.pwrite(copy.fileno(), chunk, offset - partition.start)
    return target


@dataclass(frozen=True)
class Root:
    """A copy of a root file system in the state in which a mount would leave it."""

    path: Path
    tools: BuildRoot
    faults: tuple[CheckResult, ...]
    """Checks that found a fault which the journal does not repair."""

    def size(self, file: str) -> int | None:
        """Return the size of a file in bytes, or None when there is no such file.

        Raises `ActionableError` when debugfs fails, which its exit status does not show.
        """
        stat = _run(self.tools, "debugfs", "-R", f"stat {file}", str(self.path))
        if "File not found by ext2_lookup" in stat.output:
            return None
        size = re.search(r"Size: (\d+)", stat.output)
        if size is None:
            raise ActionableError(str(stat))
        return int(size[1])

    def copy_out(self, file: str, target: Path) -> None:
        """Copy a file to `target`."""
        _run(self.tools, "debugfs", "-R", f"dump {file} {target}", str(self.path))


@contextmanager
def recovered_root(image: Path, tools: BuildRoot, scratch: Path) -> Iterator[Root]:
    """Give a copy of the root file system after the journal replay and the release of deleted files that were open.

    A mount does both. After them a sound file system needs no repair.
    """
    copy = extract(image, partitions.read(image)[1], scratch / "root.img")
    try:
        replayed = _run(tools, "e2fsck", "-E", "journal_only", "-y", str(copy))
        state = _run(tools, "dumpe2fs", "-h", str(copy))
        clean = any(line.split(":", 1)[1].strip() == "clean" for line in _lines_with_prefix(state, "Filesystem state:"))
        released = _run(tools, "e2fsck", "-p", str(copy))
        full_check = _run(tools, "e2fsck", "-fn", str(copy))
        faults = [] if clean else [replayed, state]
        if released.status not in (0, 1):  # 1: it has corrected all faults
            faults.append(released)
        if full_check.status != 0:
            faults.append(full_check)
        yield Root(copy, tools, tuple(faults))
    finally:
        copy.unlink()


def boot_partition_faults(image: Path, tools: BuildRoot, scratch: Path) -> list[CheckResult]:
    """Return the faults of the boot partition; the dirty bit is none.

    The kernel sets that bit while the partition is mounted for writing. After a power cut it says only that it was
    mounted, and fsck clears it in the next boot.
    """
    copy = extract(image, partitions.read(image)[0], scratch / "boot.img")
    try:
        result = _run(tools, "fsck.vfat", "-n", str(copy))
    finally:
        copy.unlink()
    only_dirty = result.status == 1 and not vfat_findings(result.output)
    return [] if result.status == 0 or only_dirty else [result]


def vfat_findings(text: str) -> list[str]:
    """Return the lines of fsck.vfat's output that report a fault, without those about the dirty bit (byte 65)."""
    backup = r"There are differences .*\n *This is mostly harmless.*\n  65:01/00\n  Not automatically fixing this\.\n"
    dirty = r"Dirty bit is set\. .*\n Automatically removing dirty bit\.\n"
    text = re.sub(dirty, "", re.sub(backup, "", text + "\n"))
    no_findings = ("fsck.fat ", "Leaving filesystem unchanged.")
    return [line for line in text.splitlines() if line and not line.startswith(no_findings) and " files, " not in line]


def _data_extents(file: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Give start and end of each range of a file that is not a hole."""
    while start < end:
        try:
            start = os.lseek(file, start, os.SEEK_DATA)
        except OSError:  # only a hole up to the end
            return
        stop = min(os.lseek(file, start, os.SEEK_HOLE), end)
        if start < stop:
            yield start, stop
        start = stop


def _lines_with_prefix(result: CheckResult, prefix: str) -> list[str]:
    return [line for line in result.output.splitlines() if line.startswith(prefix)]


def _run(tools: BuildRoot, tool: str, *arguments: str) -> CheckResult:
    process = subprocess.run(
        tools.native(tool, *arguments),
        env=tools.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return CheckResult(f"{tool} {' '.join(arguments[:-1])}", process.returncode, process.stdout.strip())
