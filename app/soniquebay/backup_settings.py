"""The settings of backups."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Get = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """How many backups are kept where, and when one is made."""

    keep: int
    """How many are kept in each place, at least one."""
    max_mb: int
    """MiB that they may have in each place. 0: a tenth of the file system."""
    folder: Path | None
    """A second place, on another drive. None: the data folder alone."""
    hour: int
    """Hour of the day, in local time, in which one is made."""


def read(get: Get) -> BackupSettings:
    """Return the settings; `get` returns the text of a setting, or a default.

    Raises ``ValueError`` with the variable's name when one is wrong.
    """

    def number(name: str, default: int, low: int, high: int) -> int:
        text = get(name, str(default))
        if not (text.isascii() and text.isdecimal()) or not low <= int(text) <= high:
            raise ValueError(f"SONIQUEBAY_{name} is {text!r}: it must be a number from {low} to {high}")
        return int(text)

    folder = get("BACKUP_FOLDER", "")
    if folder and not Path(folder).is_absolute():
        raise ValueError(f"SONIQUEBAY_BACKUP_FOLDER is {folder!r}: it must be an absolute path")
    return BackupSettings(
        keep=number("BACKUPS", 3, 1, 100),
        max_mb=number("BACKUP_MAX_MB", 0, 0, 10_000_000),
        folder=Path(folder) if folder else None,
        hour=number("BACKUP_HOUR", 3, 0, 23),
    )
