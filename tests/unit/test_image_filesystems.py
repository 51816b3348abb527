"""Copies of a card's partitions, and what counts as a fault of a file system."""

from pathlib import Path

from image.emulated.filesystems import extract, vfat_findings
from image.partitions import FAT32_LBA, Partition

DIRTY_BIT_OUTPUT = """fsck.fat 4.2 (2021-01-31)
There are differences between boot sector and its backup.
This is mostly harmless. Differences: (offset:original/backup)
  65:01/00
  Not automatically fixing this.
Dirty bit is set. Fs was not properly unmounted and some data may be corrupt.
 Automatically removing dirty bit.

Leaving filesystem unchanged.
/tmp/boot.img: 38 files, 23646/130811 clusters"""


def test_a_copied_partition_is_sparse_like_the_image(tmp_path: Path) -> None:
    image, size = tmp_path / "card.img", 64 * 2**20
    with image.open("wb") as file:
        file.truncate(size)
        for offset, letter in ((2**20 - 4096, b"a"), (2**20, b"b"), (9 * 2**20, b"c"), (20 * 2**20, b"d")):
            file.seek(offset)
            file.write(letter * 4096)
    copy = extract(image, Partition(FAT32_LBA, 2**20, 16 * 2**20), tmp_path / "boot.img")
    assert copy.read_bytes() == image.read_bytes()[2**20 : 17 * 2**20]
    assert copy.stat().st_blocks * 512 < 2**20


def test_an_empty_partition_is_copied(tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    image.touch()
    copy = extract(image, Partition(FAT32_LBA, 0, 2**20), tmp_path / "boot.img")
    assert copy.read_bytes() == bytes(2**20)


def test_the_dirty_bit_alone_is_not_a_fault() -> None:
    assert vfat_findings(DIRTY_BIT_OUTPUT) == []


def test_any_other_finding_is_a_fault() -> None:
    reclaimed = "Reclaimed 3 unused clusters (6144 bytes)."
    assert vfat_findings(DIRTY_BIT_OUTPUT.replace("\nLeaving", f"{reclaimed}\nLeaving")) == [reclaimed]
    findings = vfat_findings(DIRTY_BIT_OUTPUT.replace("65:01/00", "65:01/00, 71:41/42"))
    assert any("71:41/42" in line for line in findings)
