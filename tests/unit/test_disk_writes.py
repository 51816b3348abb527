"""What the kernel says of a disk's writes."""

import os
from pathlib import Path

from soniquebay.disk_writes import written_bytes

STAT = "    5290      170   342830    3405     1234       56 {sectors}     2203        0     4040     5608\n"


def disk(sys: Path, folder: Path, name: str, sectors: int) -> Path:
    """Make the files of the disk on which a folder lies."""
    device = folder.stat().st_dev
    node = sys / "devices" / name
    node.mkdir(parents=True)
    (node / "stat").write_text(STAT.format(sectors=sectors))
    (sys / "dev/block").mkdir(parents=True)
    (sys / "dev/block" / f"{os.major(device)}:{os.minor(device)}").symlink_to(node)
    return node


def test_a_disk_counts_its_sectors(tmp_path: Path) -> None:
    disk(tmp_path, tmp_path, "mmcblk0", 2_000)
    assert written_bytes(tmp_path, tmp_path) == 1_024_000


def test_the_whole_disk_counts_for_a_partition(tmp_path: Path) -> None:
    partition = disk(tmp_path, tmp_path, "mmcblk0/mmcblk0p2", 2_000)
    (partition / "partition").write_text("2\n")
    (partition.parent / "stat").write_text(STAT.format(sectors=3_000))
    assert written_bytes(tmp_path, tmp_path) == 1_536_000


def test_what_is_on_no_disk_tells_nothing(tmp_path: Path) -> None:
    assert written_bytes(tmp_path, tmp_path) is None
    assert written_bytes(tmp_path / "none", tmp_path) is None
    disk(tmp_path, tmp_path, "sda", 1)
    (tmp_path / "devices/sda/stat").write_text("1 2 3\n")
    assert written_bytes(tmp_path, tmp_path) is None
