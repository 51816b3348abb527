"""The manifest of a backup: what it holds, and the hashes by which damage is noticed."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from soniquebay.backup import DATABASES, FILES, BackupError

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20
_NAME = re.compile(r"\d{8}T\d{6}Z(-\d+)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. It is written last, so a folder with one is complete."""

    sequence: int
    """Grows by one with each backup. The order of backups: the clock may have been wrong."""
    made_at: float
    """Unix seconds, by the clock of the machine."""
    reason: str
    version: str
    """Of the program that has made it."""
    schemas: dict[str, int] = field(default_factory=dict)
    """Schema version by database."""
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    """Number of rows by database and table."""
    device_key: str = ""
    """Fingerprint of the key with which the secrets in `listeners.db` are encrypted. Empty: there was no key."""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of each file its `bytes` and its `sha256`."""
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file["bytes"] for file in self.files.values())

    def without(self, name: str) -> "Manifest":
        """Return the manifest of a copy that lacks a file."""
        return replace(self, files={key: value for key, value in self.files.items() if key != name})


@dataclass(frozen=True, slots=True)
class Backup:
    """A folder that is a backup, or looks like one."""

    folder: Path
    manifest: Manifest | None
    problem: str | None = None
    """Why it cannot be used."""

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def sequence(self) -> int:
        """Its place in the order of backups; 0 if it cannot be used."""
        return self.manifest.sequence if self.manifest else 0


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a backup that is being made, synced. Raises ``OSError``."""
    # Without fchmod, which FAT refuses.
    descriptor = os.open(folder / MANIFEST, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(descriptor)


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup. Raises `BackupError` when there is none that this release understands."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            fields = json.loads(file.read(MAX_MANIFEST_BYTES))
        if fields["format"] != FORMAT:
            raise BackupError(
                f"{folder} has the format {fields['format']}, and this release knows {FORMAT}: use the release "
                f"{fields.get('version')} that has made it"
            )
        manifest = Manifest(**fields)
        _check(manifest)
    except FileNotFoundError:
        raise BackupError(f"{folder} is no backup: it has no {MANIFEST}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise BackupError(f"the manifest of {folder} is damaged: {error}") from error
    return manifest


def _check(manifest: Manifest) -> None:
    if unknown := set(manifest.files) - set(FILES):
        raise ValueError(f"it names the unknown file {min(unknown)!r}")
    if missing := set(DATABASES) - set(manifest.files):
        raise ValueError(f"it does not name {min(missing)}")
    for name, file in manifest.files.items():
        if not isinstance(file["bytes"], int) or not _SHA256.fullmatch(file["sha256"]):
            raise ValueError(f"it does not describe {name}")
    for name in DATABASES:
        if not isinstance(manifest.schemas[name], int) or not isinstance(manifest.rows[name], dict):
            raise TypeError(f"it does not describe {name}")
    if not isinstance(manifest.sequence, int) or not isinstance(manifest.made_at, int | float):
        raise TypeError("its number or its time is none")


def look_at(folder: Path) -> Backup:
    """Return a folder as a backup. Only the sizes of its files are compared, not their hashes."""
    try:
        manifest = read(folder)
        for name, file in manifest.files.items():
            size = (folder / name).stat().st_size
            if size != file["bytes"]:
                raise BackupError(f"{folder / name} is damaged: it has {size} bytes in place of {file['bytes']}")
    except BackupError as error:
        return Backup(folder, None, str(error))
    except OSError as error:
        return Backup(folder, None, f"{folder} cannot be read: {error.strerror or error}")
    return Backup(folder, manifest)


def backups_in(folder: Path) -> list[Backup]:
    """Return the backups in a folder, the newest first, and last those that cannot be used.

    Other names than those of backups are not looked at. Raises ``OSError``.
    """
    try:
        found = [look_at(path) for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir()]
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda backup: (backup.sequence, backup.name), reverse=True)


def newest(backups: list[Backup]) -> Backup | None:
    """Return the newest backup that can be used, of what `backups_in` has returned."""
    return next((backup for backup in backups if backup.manifest), None)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal. Raises ``OSError``."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def free_name(folder: Path, wanted: str, separator: str = "-") -> str:
    """Return a name that nothing in a folder has: `wanted`, or that with a number behind it."""
    return next(name for name in _numbered(wanted, separator) if not os.path.lexists(folder / name))


def _numbered(name: str, separator: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}{separator}{number}"
        number += 1
