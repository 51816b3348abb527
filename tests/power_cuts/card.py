"""Checks of a card after a power cut, before the machine boots from it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from image.build_root import BuildRoot
from image.emulated import filesystems
from image.emulated.filesystems import Root

# Files that are either complete or do not exist, with their smallest complete size in bytes.
MIN_FILE_BYTES = {
    "/etc/machine-id": 14,
    "/etc/ssh/ssh_host_ed25519_key": 300,
    "/var/lib/soniquebay/device.key": 32,
}
# The first boot writes a mark when cloud-init's work is on the card. With the mark, the files of the customisation are
# complete. Without it the next boot runs cloud-init again, which needs the sign that cloud-init had begun.
FIRST_BOOT_MARK = "/var/lib/cloud/instance/soniquebay-kept"
CLOUD_INIT_BEGUN = "/var/lib/cloud/instance"
SEMAPHORES = tuple(
    f"/var/lib/cloud/instances/soniquebay/sem/config_{name}" for name in ("users_groups", "set_hostname")
)
CUSTOMISATION = (
    "/home/pi/.ssh/authorized_keys",
    "/etc/sudoers.d/90-cloud-init-users",
    "/etc/netplan/50-cloud-init.yaml",
    "/etc/hostname",
    "/etc/hosts",
)
DATABASE = "/var/lib/soniquebay/library.db"


def faults(card: Path, tools: BuildRoot, scratch: Path) -> list[str]:
    """Return all faults of a card; `scratch` is a folder for copies of its partitions."""
    found = [str(result) for result in filesystems.boot_partition_faults(card, tools, scratch)]
    with filesystems.recovered_root(card, tools, scratch) as root:
        found += [str(result) for result in root.faults]
        for file, min_bytes in MIN_FILE_BYTES.items():
            size = root.size(file)
            if size is not None and size < min_bytes:
                found.append(f"{file} has {size} bytes")
        if root.size(FIRST_BOOT_MARK) is not None:
            found += [f"{file} is empty or does not exist" for file in CUSTOMISATION if not root.size(file)]
        elif root.size(CLOUD_INIT_BEGUN) is None:
            found += [
                f"{semaphore} says that the module has run, so it will not run again"
                for semaphore in SEMAPHORES
                if root.size(semaphore) is not None
            ]
        return found + _library_faults(root, scratch)


def _library_faults(root: Root, scratch: Path) -> list[str]:
    if not root.size(DATABASE):
        return []
    copy = scratch / "library.db"
    files = {f"{DATABASE}{suffix}": copy.with_name(f"{copy.name}{suffix}") for suffix in ("", "-wal")}
    try:
        for file, target in files.items():
            if root.size(file) is not None:
                root.copy_out(file, target)
        with sqlite3.connect(copy) as database:
            return [f"library.db: {row[0]}" for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
    except sqlite3.DatabaseError as error:
        return [f"library.db: {error}"]
    finally:
        for target in scratch.glob("library.db*"):
            target.unlink()
