"""Rules of the partitions and their file systems."""

from __future__ import annotations

from collections.abc import Iterable

from ..partitions import FAT32_LBA, LINUX
from .card import Card
from .rule import Rule

ALIGNMENT = 4 * 2**20  # the erase block of small cards; less wears them
FEWEST_CLUSTERS = 65525  # with fewer a reader takes it for FAT16
SPARE = 16 * 2**20


def table(card: Card) -> Iterable[str]:
    """Two partitions, in order, aligned, within the image, of the kinds the firmware and the kernel look for."""
    boot, root = card.partitions
    size = card.image.stat().st_size
    if boot.kind != FAT32_LBA:
        yield f"The first partition is of kind {boot.kind:#04x}; the boot loader looks for {FAT32_LBA:#04x}."
    if root.kind != LINUX:
        yield f"The second partition is of kind {root.kind:#04x}, not {LINUX:#04x}."
    if boot.start % ALIGNMENT or root.start % ALIGNMENT:
        yield "A partition does not begin at a multiple of 4 MiB."
    if root.start < boot.start + boot.size:
        yield "The partitions overlap."
    if root.start + root.size > size:
        yield f"The image has {size} bytes; its partitions end at {root.start + root.size}."
    if not card.signature:
        yield "The disk has no signature, so no PARTUUID."


def boot_file_system(card: Card) -> Iterable[str]:
    """FAT32 by its count of clusters too, with the label that the system mounts it by."""
    boot, fat = card.partitions[0], card.fat
    if fat.label != "bootfs":
        yield f"The boot partition's label is {fat.label!r}, not 'bootfs'."
    if fat.clusters < FEWEST_CLUSTERS:
        yield f"The boot partition has {fat.clusters} clusters; FAT32 has at least {FEWEST_CLUSTERS}."
    if fat.hidden != boot.start:
        yield "The boot partition's header gives another place on the disk than the partition table."
    if fat.size > boot.size:
        yield "The boot partition's file system is larger than the partition."


def root_file_system(card: Card) -> Iterable[str]:
    """A clean ext4 that fits its partition."""
    if card.ext4.size > card.partitions[1].size:
        yield "The root file system is larger than its partition."
    if not card.ext4.clean:
        yield "The root file system was not left clean."


def room(card: Card) -> Iterable[str]:
    """A kernel update writes the new kernel and initramfs beside the old ones."""
    fat = card.fat
    used = sum(-(-len(content) // fat.cluster) * fat.cluster for content in card.files.values())
    free = fat.clusters * fat.cluster - used
    config = card.config
    update = sum(len(card.files.get(name.lower(), b"")) for name in (config.kernel, config.initramfs))
    if free < update + SPARE:
        yield f"{free // 2**20} MiB free on the boot partition; a kernel update needs {(update + SPARE) // 2**20}."


def file_systems(card: Card) -> Iterable[str]:
    """Both file systems as their own checkers see them; takes seconds."""
    boot, root = card.partitions
    with card.alone(boot) as part:
        card.run("fsck.vfat", "-n", str(part))
    card.run("e2fsck", "-fn", f"{card.image}?offset={root.start}")
    return ()


RULES: tuple[Rule, ...] = (table, boot_file_system, root_file_system, room)
