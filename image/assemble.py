"""A root filesystem made into a card image, as plain file work: no loop device, no mount."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import cache, partitions
from .build_root import BuildRoot
from .partitions import ALIGNMENT, Partition
from .profile import Profile
from .ui import Step

JOURNAL_MEBIBYTES = 64
BLOCK = 4096
SLACK = 160 * 2**20  # enough to boot should growing fail


@dataclass(frozen=True)
class Assembly:
    """What a card image is made of. What is under the root's /boot/firmware becomes the boot partition."""

    root: Path
    profile: Profile
    tools: BuildRoot
    epoch: int
    label: str = "bootfs"
    """Of the boot partition."""

    def write(self, image: Path, current: Step) -> None:
        """Write the image."""
        firmware = self.root.with_name("tmp-firmware")
        cache.remove(firmware)
        (self.root / "boot/firmware").rename(firmware)
        (self.root / "boot/firmware").mkdir()
        (self.root / "boot/firmware").chmod(0o755)  # whatever this user's umask
        try:
            for tree in (self.root, firmware):
                clamp_times(tree, self.epoch)
            boot = Partition(partitions.FAT32_LBA, ALIGNMENT, self.profile.boot_mebibytes * 2**20)
            system = Partition(partitions.LINUX, boot.start + boot.size, partitions.aligned(root_size(self.root)))
            with image.open("wb") as file:
                file.write(partitions.record(self.profile.disk_signature, [boot, system]))
                file.truncate(system.start + system.size)
            self._boot_partition(image, boot, firmware, current)
            self._root_partition(image, system, current)
        finally:
            cache.remove(firmware)

    def _boot_partition(self, image: Path, boot: Partition, content: Path, current: Step) -> None:
        sector = str(boot.start // partitions.SECTOR)
        command = ["-F", "32", "-n", self.label, "-i", self.profile.fat_volume_id, "--invariant", "-h", sector]
        command += ["--offset", sector, str(image), str(boot.size // 1024)]
        self._run(current, "mkfs.vfat", *command)
        self._copy(f"{image}@@{boot.start}", content, "::/", current)

    def _copy(self, place: str, folder: Path, target: str, current: Step) -> None:
        """A folder in the order of its names; mcopy's own order is that of the disk it reads from."""
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if files:
            # p and m: with their attributes and times
            self._run(current, "mcopy", "-i", place, "-pmQ", *map(str, files), target)
        for one in sorted(path for path in folder.iterdir() if path.is_dir()):
            self._run(current, "mmd", "-i", place, f"{target}{one.name}")
            self._copy(place, one, f"{target}{one.name}/", current)

    def _root_partition(self, image: Path, system: Partition, current: Step) -> None:
        uuid = self.profile.root_uuid
        command = ["-q", "-F", "-t", "ext4", "-b", str(BLOCK), "-L", "rootfs", "-U", uuid, "-m", "1"]
        command += ["-J", f"size={JOURNAL_MEBIBYTES}", "-E", f"offset={system.start},hash_seed={uuid},root_owner=0:0"]
        self._run(current, "mke2fs", *command, "-d", str(self.root), str(image), str(system.size // BLOCK))

    def _run(self, current: Step, tool: str, *arguments: str) -> None:
        environment = self.tools.environment(SOURCE_DATE_EPOCH=str(self.epoch))
        current.run(self.tools.native(tool, *arguments), env=environment)


def clamp_times(root: Path, epoch: int) -> None:
    """No file younger than the source: equal sources give equal images."""
    for path in _everything(root):
        if path.lstat().st_mtime > epoch:
            os.utime(path, (epoch, epoch), follow_symlinks=False)


def root_size(root: Path) -> int:
    """Room for the files, the tables of ext4, its journal, and a little more."""
    total = 0
    seen: set[int] = set()
    for path in _everything(root):
        facts = path.lstat()
        if facts.st_ino not in seen:
            seen.add(facts.st_ino)
            # how large a folder is depends on the disk it is on
            size = BLOCK if path.is_dir() and not path.is_symlink() else facts.st_size
            total += -(-size // BLOCK) * BLOCK + 256
    return int(total * 1.04) + JOURNAL_MEBIBYTES * 2**20 + SLACK


def _everything(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        for name in [*names, *files]:
            yield Path(folder) / name
    yield root
