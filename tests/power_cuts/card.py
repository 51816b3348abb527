"""What has to be true of a card after a power cut, seen from outside before anything is booted from it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from image.build_root import BuildRoot
from image.emulated import filesystems
from image.emulated.filesystems import Root

# Whole or not there at all: the bytes each has at least.
WHOLE = {
    "/etc/machine-id": 14,
    "/etc/ssh/ssh_host_ed25519_key": 300,
    "/var/lib/soniquebay-secrets/flower-password": 25,
}
# What cloud-init makes, whole once its work counts; until then it is done again, which needs the sign that it began.
BEGUN = "/var/lib/cloud/instance"
NOTES = tuple(f"/var/lib/cloud/instances/soniquebay/sem/config_{name}" for name in ("users_groups", "set_hostname"))
COUNTS = "/var/lib/cloud/instance/soniquebay-kept"
CUSTOMISATION = (
    "/home/pi/.ssh/authorized_keys",
    "/etc/sudoers.d/90-cloud-init-users",
    "/etc/netplan/50-cloud-init.yaml",
    "/etc/hostname",
    "/etc/hosts",
)
DATABASE = "/var/lib/soniquebay/library.db"


def faults(card: Path, tools: BuildRoot, scratch: Path) -> list[str]:
    """All that is wrong."""
    found = [str(check) for check in filesystems.boot_partition_faults(card, tools, scratch)]
    with filesystems.recovered_root(card, tools, scratch) as root:
        found += [str(check) for check in root.faults]
        for file, least in WHOLE.items():
            size = root.size(file)
            if size is not None and size < least:
                found.append(f"{file} has {size} bytes")
        if root.size(COUNTS) is not None:
            found += [f"{file} is empty or not there" for file in CUSTOMISATION if not root.size(file)]
        elif root.size(BEGUN) is None:
            found += [
                f"{note} is noted as done, and will not be done again" for note in NOTES if root.size(note) is not None
            ]
        return found + _library(root, scratch)


def _library(root: Root, scratch: Path) -> list[str]:
    if not root.size(DATABASE):
        return []
    copy = scratch / "library.db"
    files = {f"{DATABASE}{end}": copy.with_name(f"{copy.name}{end}") for end in ("", "-wal")}
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
