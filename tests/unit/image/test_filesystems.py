"""Copies of a card's partitions, and what counts as a fault of a file system."""

import struct
from pathlib import Path

import pytest

from image.build_root import BuildRoot
from image.emulated.filesystems import Root, boot_partition_faults, extract, vfat_findings
from image.errors import ActionableError
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


class FakeTools(BuildRoot):
    """Shell scripts in the place of the tools of the build root."""

    def write(self, tool: str, script: str) -> None:
        program = self.root / tool
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def native(self, tool: str, *arguments: str) -> list[str]:
        return [str(self.root / tool), *arguments]


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    return FakeTools(tmp_path)


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


def test_the_size_of_a_file_is_none_only_when_the_file_does_not_exist(tools: FakeTools, tmp_path: Path) -> None:
    root = Root(tmp_path / "root.img", tools, ())
    tools.write("debugfs", 'echo "Inode: 14   Type: regular"; echo "User: 0   Group: 0   Project: 0   Size: 25"')
    assert root.size("/etc/machine-id") == 25
    tools.write("debugfs", 'echo "/etc/none: File not found by ext2_lookup" >&2')
    assert root.size("/etc/none") is None
    tools.write("debugfs", 'echo "stat: Filesystem not open" >&2')
    with pytest.raises(ActionableError, match="Filesystem not open"):
        root.size("/etc/machine-id")


@pytest.mark.parametrize(
    ("status", "output", "has_fault"),
    [
        (0, "", False),
        (1, DIRTY_BIT_OUTPUT, False),
        (1, "Reclaimed 3 unused clusters (6144 bytes).", True),
        (2, "", True),
        (127, "", True),
    ],
)
def test_a_check_of_the_boot_partition_that_fails_is_a_fault(
    tools: FakeTools, tmp_path: Path, status: int, output: str, has_fault: bool
) -> None:
    image = tmp_path / "card.img"
    partition = struct.pack("<B3xB3xII", 0, FAT32_LBA, 1, 1)  # the second sector
    image.write_bytes(bytes(446) + partition.ljust(64, b"\0") + b"\x55\xaa" + bytes(512))
    (tmp_path / "output").write_text(output)
    tools.write("fsck.vfat", f"cat {tmp_path}/output; exit {status}")
    assert bool(boot_partition_faults(image, tools, tmp_path)) is has_fault
