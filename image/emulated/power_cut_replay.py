"""Makes the card that a power cut would leave, from the log of all writes that QEMU's blklogwrites driver keeps.

The log has the format of Linux's dm-log-writes: a superblock, then for each request a header in a sector of its own and
the data after it, all numbers little-endian and in units of the log's sector size. A card has a write cache: writes
before the last flush are on the card for good. Each later write may or may not have arrived, in any order.
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
# Probability that a write after the last flush arrives. A cut has one of these, so that some cuts lose all such writes.
ARRIVAL_PROBABILITIES = (0.0, 0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Entry:
    """A request: `size` bytes at byte `offset` of the disk, whose data is at byte `data_offset` of the log."""

    offset: int
    size: int
    flags: int
    data_offset: int


@dataclass(frozen=True)
class ReplayResult:
    """How many writes of a log a replay kept and lost."""

    flushed: int
    """Writes before the last flush, which are on the card for good."""
    arrived: int
    """Later writes that are on the card."""
    lost: int
    """Later writes that are not."""
    torn: bool
    """Whether only the first sectors of the last arrived write are on the card."""

    @property
    def written(self) -> int:
        """Return the number of all writes."""
        return self.flushed + self.arrived + self.lost

    def __str__(self) -> str:
        torn = ", the last one torn" if self.torn else ""
        return f"{self.flushed} writes flushed; of {self.arrived + self.lost} later ones {self.lost} lost{torn}"


def entries(log: Path) -> Iterator[Entry]:
    """Give the requests in the order of their completion, up to the first that the log does not hold completely.

    QEMU updates the superblock's count only now and then, so the log is read to its end. QEMU reserves space in the log
    before it writes there, so a kill can leave a hole, which reads as an empty header. Requests after a hole are
    ignored; this amounts to a power cut some milliseconds earlier. Raises `ActionableError` when the file is no log.
    """
    end = log.stat().st_size
    with log.open("rb") as file:
        magic, version, _, sector = SUPERBLOCK.unpack(file.read(SUPERBLOCK.size).ljust(SUPERBLOCK.size, b"\0"))
        if magic == 0:  # QEMU was killed before it first wrote the superblock
            sector = SECTOR_BYTES
        elif (magic, version) != (MAGIC, VERSION) or sector < SECTOR_BYTES or sector & (sector - 1):
            raise ActionableError(f"{log} is no log of writes.")
        position = sector
        while position + sector <= end:
            file.seek(position)
            start, count, flags, length = HEADER.unpack(file.read(HEADER.size))
            entry = Entry(start * sector, count * sector, flags, position + sector)
            if flags & ~KNOWN_FLAGS:
                raise ActionableError(f"{log} has an entry with unknown flags {flags:#x} at {position}.")
            if not (count or flags):
                return
            position = entry.data_offset
            if flags & MARK:
                position += -(-length // sector) * sector
            elif not flags & DISCARD:
                position += entry.size
            if position > end:
                return
            yield entry


def replay(log: Path, disk: Path, rng: random.Random | None = None, count: int | None = None) -> ReplayResult:
    """Bring a disk from its state at the log's beginning to its state after a power cut.

    The cut comes after the first `count` requests, or after all. `rng` chooses which writes are lost. Without it no
    write is lost, as after a shutdown.
    """
    requests = [entry for entry in islice(entries(log), count) if not entry.flags & MARK]
    last_flush = 0
    for index, entry in enumerate(requests):
        if entry.flags & FLUSH:
            last_flush = index  # the flush does not cover the data of its own request, which is written after it
    before, after = requests[:last_flush], [entry for entry in requests[last_flush:] if entry.size]
    probability = 1.0 if rng is None else rng.choice(ARRIVAL_PROBABILITIES)
    arrived = [entry for entry in after if entry.flags & FUA or rng is None or rng.random() < probability]
    torn = _tear(arrived, rng)
    with log.open("rb") as source, disk.open("r+b") as target:
        for entry in (*before, *arrived[:-1], *([torn or arrived[-1]] if arrived else [])):
            _apply(entry, source.fileno(), target.fileno())
    flushed = sum(1 for entry in before if entry.size)
    return ReplayResult(flushed, len(arrived), len(after) - len(arrived), torn is not None)


def _tear(arrived: list[Entry], rng: random.Random | None) -> Entry | None:
    """Return the last write cut to its first sectors, or None: half of the time, and when it cannot be torn."""
    if rng is None or not arrived or rng.random() < 0.5:
        return None
    last = arrived[-1]
    if last.size <= SECTOR_BYTES or last.flags & (FUA | DISCARD):
        return None
    return Entry(last.offset, rng.randrange(SECTOR_BYTES, last.size, SECTOR_BYTES), last.flags, last.data_offset)


def _apply(entry: Entry, source: int, target: int, chunk_bytes: int = 2**20) -> None:
    if entry.flags & DISCARD and entry.size:
        hole = ["fallocate", "--punch-hole", "-o", str(entry.offset), "-l", str(entry.size), f"/proc/self/fd/{target}"]
        subprocess.run(hole, check=True, pass_fds=(target,))
        return
    for done in range(0, entry.size, chunk_bytes):
        chunk = os.pread(source, min(chunk_bytes, entry.size - done), entry.data_offset + done)
        os.pwrite(target, chunk, entry.offset + done)
