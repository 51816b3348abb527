"""The partition table of the card: two primary partitions in a master boot record (MBR)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from .errors import ActionableError

SECTOR_BYTES = 512
ALIGNMENT_BYTES = 8 * 2**20  # SD cards erase in blocks of up to 4 or 8 MiB
FAT32_LBA, LINUX = 0x0C, 0x83  # partition types
_TABLE_OFFSET, _ENTRY_BYTES = 446, 16
_ENTRY = "<B3sB3sII"  # status, first sector as cylinder/head/sector, type, last sector, first sector, count of sectors
_BEYOND_CHS = b"\xfe\xff\xff"  # no such cylinder, which makes every reader use the numbers of sectors
_BOOT_SIGNATURE = b"\x55\xaa"


@dataclass(frozen=True)
class Partition:
    """A partition; start and size in bytes."""

    type: int
    start: int
    size: int


def round_up(size: int) -> int:
    """Return a size rounded up to the alignment of partitions."""
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def make_mbr(signature: int, partitions: list[Partition]) -> bytes:
    """Return the first sector of a disk with this signature and these partitions."""
    table = b""
    for partition in partitions:
        start, count = partition.start // SECTOR_BYTES, partition.size // SECTOR_BYTES
        table += struct.pack(_ENTRY, 0, _BEYOND_CHS, partition.type, _BEYOND_CHS, start, count)
    return b"\0" * 440 + struct.pack("<IH", signature, 0) + table.ljust(4 * _ENTRY_BYTES, b"\0") + _BOOT_SIGNATURE


def read(image: Path) -> list[Partition]:
    """Return the partitions of an image.

    Raises `ActionableError` when it has no partition table.
    """
    with image.open("rb") as file:
        sector = file.read(SECTOR_BYTES)
    if sector[510:] != _BOOT_SIGNATURE:
        raise ActionableError(f"{image} has no partition table.")
    found = []
    for index in range(4):
        _, _, kind, _, start, count = struct.unpack_from(_ENTRY, sector, _TABLE_OFFSET + _ENTRY_BYTES * index)
        if kind:
            found.append(Partition(kind, start * SECTOR_BYTES, count * SECTOR_BYTES))
    return found
