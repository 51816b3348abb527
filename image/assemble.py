"""Makes a card image of a root file system, by writing into files: no loop device, no mount."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import cache, partitions
from .build_root import BuildRoot
from .partitions import ALIGNMENT_BYTES, SECTOR_BYTES, Partition
from .profile import Profile
from .ui import Step

JOURNAL_MEBIBYTES = 64
BLOCK_BYTES = 4096
MIN_FREE_BYTES = 160 * 2**20  # enough to boot if the root file system could not be enlarged
INODE_BYTES = 256


@dataclass(frozen=True)
class Assembly:
    """What a card image is made of. The content of the root's /boot/firmware becomes the boot partition."""

    root: Path
    profile: Profile
    tools: BuildRoot
    epoch: int
    """The latest time of a file, in seconds since 1970."""
    label: str = "bootfs"
    """The label of the boot partition."""

    def write(self, image: Path, step: Step) -> None:
        """Write the image."""
        firmware = self.root.with_name("tmp-firmware")
        cache.remove(firmware)
        (self.root / "boot/firmware").rename(firmware)
        (self.root / "boot/firmware").mkdir()
        (self.root / "boot/firmware").chmod(0o755)  # whatever this user's umask
        try:
            for tree in (self.root, firmware):
                clamp_times(tree, self.epoch)
            boot = Partition(partitions.FAT32_LBA, ALIGNMENT_BYTES, self.profile.boot_mebibytes * 2**20)
            size = partitions.round_up(estimate_root_bytes(self.root))
            root = Partition(partitions.LINUX, boot.start + boot.size, size)
            with image.open("wb") as file:
                file.write(partitions.make_mbr(self.profile.disk_signature, [boot, root]))
                file.truncate(root.start + root.size)
            self._write_boot_partition(image, boot, firmware, step)
            self._write_root_partition(image, root, step)
        finally:
            cache.remove(firmware)

    def _write_boot_partition(self, image: Path, boot: Partition, content: Path, step: Step) -> None:
        sector = str(boot.start // SECTOR_BYTES)
        command = ["-F", "32", "-n", self.label, "-i", self.profile.fat_volume_id, "--invariant", "-h", sector]
        command += ["--offset", sector, str(image), str(boot.size // 1024)]
        self._run(step, "mkfs.vfat", *command)
        self._copy_folder(f"{image}@@{boot.start}", content, "::/", step)

    def _copy_folder(self, drive: str, folder: Path, target: str, step: Step) -> None:
        """Copy a folder in the order of its names; mcopy takes the order of the disk that it reads from."""
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if files:
            # p and m: with their attributes and times
            self._run(step, "mcopy", "-i", drive, "-pmQ", *map(str, files), target)
        for subfolder in sorted(path for path in folder.iterdir() if path.is_dir()):
            self._run(step, "mmd", "-i", drive, f"{target}{subfolder.name}")
            self._copy_folder(drive, subfolder, f"{target}{subfolder.name}/", step)

    def _write_root_partition(self, image: Path, root: Partition, step: Step) -> None:
        uuid = self.profile.root_uuid
        command = ["-q", "-F", "-t", "ext4", "-b", str(BLOCK_BYTES), "-L", "rootfs", "-U", uuid, "-m", "1"]
        command += ["-J", f"size={JOURNAL_MEBIBYTES}", "-E", f"offset={root.start},hash_seed={uuid},root_owner=0:0"]
        self._run(step, "mke2fs", *command, "-d", str(self.root), str(image), str(root.size // BLOCK_BYTES))

    def _run(self, step: Step, tool: str, *arguments: str) -> None:
        environment = self.tools.environment(SOURCE_DATE_EPOCH=str(self.epoch))
        step.run(self.tools.native(tool, *arguments), env=environment)


def clamp_times(root: Path, epoch: int) -> None:
    """Set files that are younger than `epoch` to it, so that equal sources give equal images."""
    for path in _walk(root):
        if path.lstat().st_mtime > epoch:
            os.utime(path, (epoch, epoch), follow_symlinks=False)


def estimate_root_bytes(root: Path) -> int:
    """Return the size of a file system with the files, the tables and the journal of ext4, and `MIN_FREE_BYTES`."""
    total = 0
    inodes: set[int] = set()
    for path in _walk(root):
        status = path.lstat()
        if status.st_ino not in inodes:
            inodes.add(status.st_ino)
            # the size of a folder depends on the file system that it is on here
            size = BLOCK_BYTES if path.is_dir() and not path.is_symlink() else status.st_size
            total += -(-size // BLOCK_BYTES) * BLOCK_BYTES + INODE_BYTES
    return int(total * 1.04) + JOURNAL_MEBIBYTES * 2**20 + MIN_FREE_BYTES


def _walk(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        for name in [*names, *files]:
            yield Path(folder) / name
    yield root
