"""A root filesystem made into a card image, as plain file work: no loop device, no mount."""

from __future__ import annotations

import os
from pathlib import Path

from . import cache, partitions
from .partitions import ALIGNMENT, Partition
from .profile import Profile
from .toolbox import Toolbox
from .ui import Step

JOURNAL_MEBIBYTES = 64
BLOCK = 4096
SLACK = 160 * 2**20  # enough to boot should growing fail


def card(root: Path, image: Path, profile: Profile, tools: Toolbox, epoch: int, current: Step) -> None:
    """Write the image of the root; what is under /boot/firmware becomes the boot partition."""
    clamp_times(root, epoch)
    boot = Partition(partitions.FAT32_LBA, ALIGNMENT, profile.boot_mebibytes * 2**20)
    start = boot.start + boot.size
    firmware = root.with_name("tmp-firmware")
    cache.remove(firmware)
    (root / "boot/firmware").rename(firmware)
    (root / "boot/firmware").mkdir(mode=0o755)
    clamp_times(root / "boot", epoch)
    system = Partition(partitions.LINUX, start, partitions.aligned(root_size(root)))
    try:
        with image.open("wb") as file:
            file.write(partitions.record(profile.disk_signature, [boot, system]))
            file.truncate(system.start + system.size)
        environment = tools.environment(SOURCE_DATE_EPOCH=str(epoch))
        _boot_partition(image, boot, firmware, profile, tools, environment, current)
        options = f"offset={system.start},hash_seed={profile.root_uuid},root_owner=0:0"
        command = ["-q", "-F", "-t", "ext4", "-b", str(BLOCK), "-L", "rootfs", "-U", profile.root_uuid]
        command += ["-J", f"size={JOURNAL_MEBIBYTES}", "-m", "1", "-E", options, "-d", str(root), str(image)]
        current.run([*tools.native("mke2fs", *command), str(system.size // BLOCK)], env=environment)
    finally:
        cache.remove(firmware)


def _boot_partition(
    image: Path,
    boot: Partition,
    content: Path,
    profile: Profile,
    tools: Toolbox,
    environment: dict[str, str],
    current: Step,
) -> None:
    sector = str(boot.start // partitions.SECTOR)
    command = ["-F", "32", "-n", "bootfs", "-i", profile.fat_volume_id, "--invariant", "-h", sector]
    command += ["--offset", sector, str(image), str(boot.size // 1024)]
    current.run(tools.native("mkfs.vfat", *command), env=environment)
    names = [str(path) for path in sorted(content.iterdir())]
    # -m: the times of the files; -s: whole folders
    current.run(tools.native("mcopy", "-i", f"{image}@@{boot.start}", "-spmQ", *names, "::/"), env=environment)


def clamp_times(root: Path, epoch: int) -> None:
    """No file younger than the source: equal sources give equal images."""
    for folder, names, files in os.walk(root):
        for name in [*names, *files, "."]:
            path = os.path.join(folder, name)
            if os.lstat(path).st_mtime > epoch:
                os.utime(path, (epoch, epoch), follow_symlinks=False)


def root_size(root: Path) -> int:
    """Room for the files, the tables of ext4, its journal, and a little more."""
    total = 0
    seen: set[int] = set()
    for folder, names, files in os.walk(root):
        for name in [*names, *files]:
            facts = os.lstat(os.path.join(folder, name))
            if facts.st_ino not in seen:
                seen.add(facts.st_ino)
                total += -(-facts.st_size // BLOCK) * BLOCK + 256
    return int(total * 1.04) + JOURNAL_MEBIBYTES * 2**20 + SLACK
