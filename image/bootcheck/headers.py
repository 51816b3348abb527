"""The headers of the two file systems of a card.

docs/decisions/0104-file-system-headers.md says why minfo and debugfs do not read them.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass

from ..errors import ActionableError
from ..partitions import SECTOR_BYTES

SUPERBLOCK_OFFSET = SUPERBLOCK_BYTES = 1024
_EXT4_CLEAN = 1  # EXT4_VALID_FS


@dataclass(frozen=True)
class Fat32:
    """The boot sector of a FAT32 file system; sizes and places in bytes."""

    label: str
    cluster_bytes: int
    cluster_count: int
    hidden_bytes: int
    """What lies before the partition on its disk."""
    size_bytes: int
    reserved_bytes: int
    """What lies before the first allocation table."""
    table_count: int
    table_bytes: int

    @property
    def data_start(self) -> int:
        """Return where the data begins: cluster 2, the first one."""
        return self.reserved_bytes + self.table_count * self.table_bytes


@dataclass(frozen=True)
class Ext4:
    """The superblock of an ext4 file system."""

    label: str
    uuid: str
    size_bytes: int
    clean: bool


def parse_fat32(sector: bytes) -> Fat32:
    """Return the header in the first sector of a FAT32 file system.

    The layout is that of Microsoft's "FAT32 File System Specification" (fatgen103), section "Boot Sector and BPB".
    Raises `ActionableError` when it is no FAT32, or when its values are impossible.
    """
    if sector[510:] != b"\x55\xaa" or sector[82:90] != b"FAT32   ":
        raise ActionableError("The boot partition is not FAT32.")
    sector_bytes, cluster_sectors, reserved_sectors, table_count = struct.unpack_from("<HBHB", sector, 11)
    hidden_sectors, sectors, table_sectors = struct.unpack_from("<III", sector, 28)
    if sector_bytes != SECTOR_BYTES or not cluster_sectors or not table_count:
        raise ActionableError("The boot partition's header makes no sense.")
    return Fat32(
        label=sector[71:82].decode("ascii", "replace").strip(),
        cluster_bytes=cluster_sectors * SECTOR_BYTES,
        cluster_count=(sectors - reserved_sectors - table_count * table_sectors) // cluster_sectors,
        hidden_bytes=hidden_sectors * SECTOR_BYTES,
        size_bytes=sectors * SECTOR_BYTES,
        reserved_bytes=reserved_sectors * SECTOR_BYTES,
        table_count=table_count,
        table_bytes=table_sectors * SECTOR_BYTES,
    )


def parse_ext4(superblock: bytes) -> Ext4:
    """Return the header in a superblock of ext4.

    The layout is that of the kernel's Documentation/filesystems/ext4/super.rst.
    Raises `ActionableError` when it is none.
    """
    if superblock[56:58] != b"\x53\xef":
        raise ActionableError("The root partition is not ext4.")
    blocks, log_block_kibibytes = struct.unpack_from("<I16xI", superblock, 4)
    return Ext4(
        label=superblock[120:136].rstrip(b"\0").decode("utf-8", "replace"),
        uuid=str(uuid.UUID(bytes=superblock[104:120])),
        size_bytes=blocks * (1024 << log_block_kibibytes),
        clean=struct.unpack_from("<H", superblock, 58)[0] == _EXT4_CLEAN,
    )
