"""What a card holds after its power was cut, from the log of all writes that QEMU's blklogwrites keeps.

The log has the format of Linux' dm-log-writes: a superblock, then for each request a header in a sector of its own and
the data behind it, everything little-endian and counted in the log's sectors. A card has a cache: what was written
before the last flush is on the card for good; of what came later each write may or may not have arrived, in any order.
"""

from __future__ import annotations

import os
import random
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..errors import ActionableError
from ..partitions import SECTOR_BYTES

MAGIC = 0x6A736677736872
VERSION = 1
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
KNOWN_FLAGS = FLUSH | FUA | DISCARD | MARK
SUPERBLOCK = struct.Struct("<QQQI")
HEADER = struct.Struct("<QQQQ")
# Share of the writes after the last flush that arrives: one for the whole cut, so that some cuts lose all of them.
SHARES = (0.0, 0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Entry:
    """A request: `size` bytes at `offset` of the disk, the data at `data` in the log."""

    offset: int
    size: int
    flags: int
    data: int


@dataclass(frozen=True)
class Outcome:
    """What became of the writes of a log."""

    flushed: int
    """Writes that were on the card for good."""
    kept: int
    """Later ones that arrived all the same."""
    lost: int
    torn: bool
    """Whether of the last kept one only the beginning arrived."""

    @property
    def written(self) -> int:
        """All of them."""
        return self.flushed + self.kept + self.lost

    def __str__(self) -> str:
        torn = ", the last one torn" if self.torn else ""
        return f"{self.flushed} writes flushed; of {self.kept + self.lost} later ones {self.lost} lost{torn}"


def entries(log: Path) -> Iterator[Entry]:
    """The requests in the order of their completion, up to the first that was not logged whole.

    The superblock's count is brought up to date now and then only, so the log is read to its end. QEMU takes a place
    in it before it writes there: after a kill there may be a hole, an empty header. What follows it is left out, which
    is a cut some milliseconds earlier.
    """
    end = log.stat().st_size
    with log.open("rb") as file:
        magic, version, _, sector = SUPERBLOCK.unpack(file.read(SUPERBLOCK.size).ljust(SUPERBLOCK.size, b"\0"))
        if magic == 0:  # killed before it was written for the first time
            sector = SECTOR_BYTES
        elif (magic, version) != (MAGIC, VERSION) or sector < SECTOR_BYTES or sector & (sector - 1):
            raise ActionableError(f"{log} is no log of writes.")
        place = sector
        while place + sector <= end:
            file.seek(place)
            start, count, flags, length = HEADER.unpack(file.read(HEADER.size))
            entry = Entry(start * sector, count * sector, flags, place + sector)
            if flags & ~KNOWN_FLAGS:
                raise ActionableError(f"{log} has an entry with unknown flags {flags:#x} at {place}.")
            if not (count or flags):
                return
            place = entry.data
            if flags & MARK:
                place += -(-length // sector) * sector
            elif not flags & DISCARD:
                place += entry.size
            if place > end:
                return
            yield entry


def replay(log: Path, disk: Path, chance: random.Random | None = None, count: int | None = None) -> Outcome:
    """Bring a disk, as it was when the log began, to where the power cut left it: after `count` requests, or all.

    Without `chance` nothing is lost: that is a machine that shut down.
    """
    found = [entry for entry in islice(entries(log), count) if not entry.flags & MARK]
    safe = 0
    for index, entry in enumerate(found):
        if entry.flags & FLUSH:
            safe = index  # data that came with the flush was written after it
    before, after = found[:safe], [entry for entry in found[safe:] if entry.size]
    share = 1.0 if chance is None else chance.choice(SHARES)
    kept = [e for e in after if e.flags & FUA or chance is None or chance.random() < share]
    torn = _tear(kept, chance)
    with log.open("rb") as source, disk.open("r+b") as target:
        for entry in (*before, *kept[:-1], *([torn or kept[-1]] if kept else [])):
            _apply(entry, source.fileno(), target.fileno())
    flushed = sum(1 for entry in before if entry.size)
    return Outcome(flushed, len(kept), len(after) - len(kept), torn is not None)


def _tear(kept: list[Entry], chance: random.Random | None) -> Entry | None:
    """The last of the writes with only its first sectors, every other time."""
    if chance is None or not kept or chance.random() < 0.5:
        return None
    last = kept[-1]
    if last.size <= SECTOR_BYTES or last.flags & (FUA | DISCARD):
        return None
    return Entry(last.offset, chance.randrange(SECTOR_BYTES, last.size, SECTOR_BYTES), last.flags, last.data)


def _apply(entry: Entry, source: int, target: int, chunk: int = 2**20) -> None:
    if entry.flags & DISCARD and entry.size:
        hole = ["fallocate", "--punch-hole", "-o", str(entry.offset), "-l", str(entry.size), f"/proc/self/fd/{target}"]
        subprocess.run(hole, check=True, pass_fds=(target,))
        return
    for done in range(0, entry.size, chunk):
        part = os.pread(source, min(chunk, entry.size - done), entry.data + done)
        os.pwrite(target, part, entry.offset + done)
