"""How many backups are kept: up to a number and a budget, and always the newest good one."""

import logging
import os
import shutil
from pathlib import Path

from soniquebay.atomic_file import replace_file
from soniquebay.backup.manifest import Backup, backups_in, newest

log = logging.getLogger(__name__)

DEFAULT_BUDGET_PERCENT = 10  # of the file system, when no budget is set
MIN_FREE_BYTES = 64 << 20  # left to the databases, whose writes would fail
PARTIAL = ".partial"
_SEQUENCE = ".sequence"


def lowest_sequence(folder: Path) -> int:
    """Return the number after which the next backup comes, beside those that are in the folder."""
    try:
        return int((folder / _SEQUENCE).read_text())
    except (OSError, ValueError):
        return 0


def raise_sequence(folder: Path, sequence: int) -> None:
    """Have the next backup come after a number. Raises ``OSError``."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if sequence > lowest_sequence(folder):
        replace_file(folder / _SEQUENCE, f"{sequence}\n".encode())


def budget_bytes(folder: Path, max_mb: int) -> int:
    """Return how many bytes the backups in a folder may have; `max_mb` 0 is a share of its file system."""
    return max_mb << 20 if max_mb else shutil.disk_usage(folder).total * DEFAULT_BUDGET_PERCENT // 100


def remove_partial(folder: Path) -> None:
    """Remove what a backup has left that was killed, or whose power failed."""
    for path in folder.glob(f"*{PARTIAL}"):
        shutil.rmtree(path)


def prune(folder: Path, keep: int, budget: int, made: str) -> list[str]:
    """Delete the oldest backups beyond a number and a budget in bytes; return their names.

    The newest good one, and the one that was just `made`, stay, even if they alone are beyond the budget. Raises
    ``OSError``.
    """
    backups = backups_in(folder)
    protected = newest(backups)
    kept_bytes = kept = 0
    removed = []
    for backup in backups:
        size = size_of(backup.folder)
        if backup is protected or backup.name == made or (protected and kept < keep and kept_bytes + size <= budget):
            kept, kept_bytes = kept + 1, kept_bytes + size
        elif protected:
            removed.append(remove(backup))
    return removed


def make_room(folder: Path, needed: int) -> bool:
    """Delete old backups, never the newest good one, until so many bytes are free; tell whether they are.

    Where deleting all of them would not do, none is deleted.
    """
    backups = backups_in(folder)
    protected = newest(backups)
    removable = [backup for backup in reversed(backups) if protected and backup is not protected]
    if free_bytes(folder) + sum(size_of(backup.folder) for backup in removable) < needed:
        return False
    for backup in removable:
        if free_bytes(folder) >= needed:
            break
        remove(backup)
    return free_bytes(folder) >= needed


def remove(backup: Backup) -> str:
    """Delete a backup; return its name. A power cut leaves it whole, or as a partial one. Raises ``OSError``."""
    partial = backup.folder.with_name(f"{backup.name}{PARTIAL}")
    backup.folder.rename(partial)
    shutil.rmtree(partial)
    log.info("the backup %s is deleted%s", backup.name, f": {backup.problem}" if backup.problem else "")
    return backup.name


def size_of(folder: Path) -> int:
    """Return how many bytes the files of a folder have."""
    return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))


def free_bytes(folder: Path) -> int:
    """Return how many bytes are free on the file system of a folder."""
    return shutil.disk_usage(folder).free
