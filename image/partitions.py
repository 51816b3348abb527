"""The partition table of the card: two primary partitions in a master boot record."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from .errors import ActionableError

SECTOR = 512
ALIGNMENT = 8 * 2**20  # SD cards erase in blocks of up to 4 or 8 MiB
FAT32_LBA = 0x0C
LINUX = 0x83


@dataclass(frozen=True)
class Partition:
    """A partition, in bytes."""

    kind: int
    start: int
    size: int


def aligned(size: int) -> int:
    """Rounded up to the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def record(signature: int, partitions: list[Partition]) -> bytes:
    """The first sector. Cylinders and heads are given as beyond counting, which makes every reader use sectors."""
    table = b""
    for one in partitions:
        beyond = b"\xfe\xff\xff"
        table += struct.pack("<B3sB3sII", 0, beyond, one.kind, beyond, one.start // SECTOR, one.size // SECTOR)
    return b"\0" * 440 + struct.pack("<IH", signature, 0) + table.ljust(64, b"\0") + b"\x55\xaa"


def read(image: Path) -> list[Partition]:
    """The partitions of an image."""
    with image.open("rb") as file:
        sector = file.read(SECTOR)
    if sector[510:] != b"\x55\xaa":
        raise ActionableError(f"{image} has no partition table.")
    found = []
    for index in range(4):
        _, _, kind, _, start, size = struct.unpack_from("<B3sB3sII", sector, 446 + 16 * index)
        if kind:
            found.append(Partition(kind, start * SECTOR, size * SECTOR))
    return found
