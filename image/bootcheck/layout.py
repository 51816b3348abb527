"""Rules for the partitions and their file systems."""

from __future__ import annotations

from collections.abc import Iterable

from ..partitions import FAT32_LBA, LINUX
from .card import Card
from .rule import Rule

ERASE_BLOCK_BYTES = 4 * 2**20  # of small cards; a partition that begins within one wears the card
MIN_FAT32_CLUSTERS = 65525  # a reader takes a file system with fewer clusters for FAT16
MIN_FREE_BYTES_AFTER_UPDATE = 16 * 2**20


def check_partition_table(card: Card) -> Iterable[str]:
    """Require two aligned partitions in order, within the image, of the types that firmware and kernel look for."""
    boot, root = card.partitions
    size = card.image.stat().st_size
    if boot.type != FAT32_LBA:
        yield f"The first partition is of type {boot.type:#04x}; the boot loader looks for {FAT32_LBA:#04x}."
    if root.type != LINUX:
        yield f"The second partition is of type {root.type:#04x}, not {LINUX:#04x}."
    if boot.start % ERASE_BLOCK_BYTES or root.start % ERASE_BLOCK_BYTES:
        yield f"A partition does not begin at a multiple of {ERASE_BLOCK_BYTES // 2**20} MiB."
    if root.start < boot.start + boot.size:
        yield "The partitions overlap."
    if root.start + root.size > size:
        yield f"The image has {size} bytes; its partitions end at {root.start + root.size}."
    if not card.signature:
        yield "The disk has no signature, so no PARTUUID."


def check_boot_file_system(card: Card) -> Iterable[str]:
    """Require a FAT32 of its own partition, with enough clusters and with the label that the system mounts it by."""
    boot, fat = card.partitions[0], card.fat
    if fat.label != "bootfs":
        yield f"The boot partition's label is {fat.label!r}, not 'bootfs'."
    if fat.cluster_count < MIN_FAT32_CLUSTERS:
        yield f"The boot partition has {fat.cluster_count} clusters; FAT32 has at least {MIN_FAT32_CLUSTERS}."
    if fat.hidden_bytes != boot.start:
        yield "The boot partition's header gives another place on the disk than the partition table."
    if fat.size_bytes > boot.size:
        yield "The boot partition's file system is larger than the partition."


def check_root_file_system(card: Card) -> Iterable[str]:
    """Require a clean ext4 that fits its partition."""
    if card.ext4.size_bytes > card.partitions[1].size:
        yield "The root file system is larger than its partition."
    if not card.ext4.clean:
        yield "The root file system was not left clean."


def check_space_for_update(card: Card) -> Iterable[str]:
    """Require space on the boot partition for a kernel update, which writes the new files beside the old ones."""
    fat = card.fat
    used = sum(-(-len(content) // fat.cluster_bytes) * fat.cluster_bytes for content in card.boot_files.values())
    free = fat.cluster_count * fat.cluster_bytes - used
    config = card.config
    update = sum(len(card.boot_files.get(name.lower(), b"")) for name in (config.kernel, config.initramfs))
    needed = update + MIN_FREE_BYTES_AFTER_UPDATE
    if free < needed:
        yield f"{free // 2**20} MiB free on the boot partition; a kernel update needs {needed // 2**20}."


def check_file_systems(card: Card) -> Iterable[str]:
    """Require that fsck finds nothing wrong with either file system; takes seconds."""
    boot, root = card.partitions
    with card.extracted(boot) as file:
        card.run("fsck.vfat", "-n", str(file))
    card.run("e2fsck", "-fn", f"{card.image}?offset={root.start}")
    return ()


RULES: tuple[Rule, ...] = (
    check_partition_table,
    check_boot_file_system,
    check_root_file_system,
    check_space_for_update,
)
