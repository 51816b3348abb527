"""The file systems of a card that is off, judged from outside by the tools a repair would use."""

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
from ..partitions import Partition

_CHUNK = 2**20


@dataclass(frozen=True)
class Check:
    """What a tool said of a file system."""

    tool: str
    status: int
    text: str

    def __str__(self) -> str:
        return f"{self.tool} ended with {self.status}:\n{self.text}"


def extract(image: Path, partition: Partition, target: Path) -> Path:
    """A partition copied out into a file of its own, holes kept."""
    with image.open("rb") as source, target.open("wb") as copy:
        copy.truncate(partition.size)
        for start, end in _data(source.fileno(), partition.start, partition.start + partition.size):
            for place in range(start, end, _CHUNK):
                part = os.pread(source.fileno(), min(_CHUNK, end - place), place)
                os.pwrite(copy.fileno(), part, place - partition.start)
    return target


@dataclass(frozen=True)
class Root:
    """A root file system as a mount would find it, in a file of its own."""

    path: Path
    tools: BuildRoot
    faults: tuple[Check, ...]
    """What is wrong with it beyond what its journal repairs."""

    def size(self, file: str) -> int | None:
        """Bytes in a file, or None when there is no such file."""
        found = re.search(r"Size: (\d+)", _run(self.tools, "debugfs", "-R", f"stat {file}", str(self.path)).text)
        return int(found[1]) if found else None

    def copy_out(self, file: str, target: Path) -> None:
        """A file, copied out."""
        _run(self.tools, "debugfs", "-R", f"dump {file} {target}", str(self.path))


@contextmanager
def recovered_root(image: Path, tools: BuildRoot, scratch: Path) -> Iterator[Root]:
    """A copy of the root file system: the journal is replayed and what was open but deleted is released, as a mount
    does both. Then nothing may be left to repair.
    """
    copy = extract(image, partitions.read(image)[1], scratch / "root.img")
    try:
        replayed = _run(tools, "e2fsck", "-E", "journal_only", "-y", str(copy))
        state = _run(tools, "dumpe2fs", "-h", str(copy))
        clean = any(line.split(":", 1)[1].strip() == "clean" for line in _lines(state, "Filesystem state:"))
        released = _run(tools, "e2fsck", "-p", str(copy))
        whole = _run(tools, "e2fsck", "-fn", str(copy))
        faults = [] if clean else [replayed, state]
        faults += [check for check, worst in ((released, 1), (whole, 0)) if check.status > worst]
        yield Root(copy, tools, tuple(faults))
    finally:
        copy.unlink()


def boot_faults(image: Path, tools: BuildRoot, scratch: Path) -> list[Check]:
    """What is wrong with the boot partition beyond its dirty bit.

    That bit is set while the partition is mounted for writing: after a cut it says that there was one and no more, and
    the next boot's fsck takes it back.
    """
    copy = extract(image, partitions.read(image)[0], scratch / "boot.img")
    try:
        check = _run(tools, "fsck.vfat", "-n", str(copy))
    finally:
        copy.unlink()
    return [check] if check.status and vfat_findings(check.text) else []


def vfat_findings(text: str) -> list[str]:
    """The lines of fsck.vfat that tell of a fault, those on the dirty bit (at offset 65 of its sector) left out."""
    backup = r"There are differences .*\n *This is mostly harmless.*\n  65:01/00\n  Not automatically fixing this\.\n"
    dirty = r"Dirty bit is set\. .*\n Automatically removing dirty bit\.\n"
    rest = re.sub(dirty, "", re.sub(backup, "", text + "\n"))
    frame = ("fsck.fat ", "Leaving filesystem unchanged.")
    return [line for line in rest.splitlines() if line and not line.startswith(frame) and " files, " not in line]


def _data(file: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches of a file that are not holes."""
    while start < end:
        try:
            start = os.lseek(file, start, os.SEEK_DATA)
        except OSError:  # nothing but a hole
            return
        stop = min(os.lseek(file, start, os.SEEK_HOLE), end)
        if start < stop:
            yield start, stop
        start = stop


def _lines(check: Check, beginning: str) -> list[str]:
    return [line for line in check.text.splitlines() if line.startswith(beginning)]


def _run(tools: BuildRoot, tool: str, *arguments: str) -> Check:
    done = subprocess.run(
        tools.native(tool, *arguments),
        env=tools.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Check(f"{tool} {' '.join(arguments[:-1])}", done.returncode, done.stdout.strip())
