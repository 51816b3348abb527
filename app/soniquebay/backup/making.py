"""Making a backup: a folder is filled aside, checked, synced, and renamed."""

import fcntl
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from soniquebay.backup import DATABASES, EXPORT, KEY, BackupError, copying, exporting, keeping, manifest
from soniquebay.backup.copying import Stop
from soniquebay.backup.manifest import Backup, Manifest
from soniquebay.listeners.device_key import KEY_BYTES, DeviceKey

log = logging.getLogger(__name__)

FOLDER = "backups"  # in the data folder
MACHINE_PREFIX = "soniquebay-"  # of the folders in a second place
_LOCK = ".lock"
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Places:
    """Where backups are, and how much of it they may take."""

    data: Path
    second: Path | None = None
    """A folder on another file system, to which each backup is copied, without the device key."""
    keep: int = 3
    max_mb: int = 0
    """MiB in each place; 0: a tenth of the file system."""

    @property
    def folder(self) -> Path:
        """The folder of the backups on this machine's card."""
        return self.data / FOLDER


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    backup: Backup
    second_problem: str | None
    """Why it is not in the second place as well."""


def make(places: Places, reason: str, version: str, stop: Stop = copying.never) -> Made:
    """Make a backup of both databases as they are now, and delete those beyond the number and the budget.

    `version`: of this program. Others may write to the databases meanwhile. Raises `BackupError`; then the older
    backups are as they were.
    """
    try:
        with _locked(places.folder):
            keeping.remove_partial(places.folder)
            backup = _make(places, reason, version, stop)
            budget = keeping.budget_bytes(places.folder, places.max_mb)
            keeping.prune(places.folder, places.keep, budget, backup.name)
            return Made(backup, copy_to_second_place(places, backup) if places.second else None)
    except OSError as error:
        raise BackupError(f"the backup was not made: {error.strerror or error} ({error.filename})") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise BackupError("a backup is being made already") from error
    finally:
        os.close(lock)


def _make(places: Places, reason: str, version: str, stop: Stop) -> Backup:
    folder = places.folder
    _check_space(places, stop)
    known = [backup.sequence for backup in _all_backups(places)]
    sequence = 1 + max(*known, keeping.lowest_sequence(folder), 0)
    now = time.time()
    name = manifest.free_name(folder, _name_of(now))
    partial = folder / f"{name}{keeping.PARTIAL}"
    partial.mkdir(mode=0o700)
    try:
        made = _fill(partial, places.data, Manifest(sequence, now, reason, version), stop)
        copying.sync(partial)
        partial.rename(folder / name)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    copying.sync(folder)
    log.info("the backup %s is made: %d MB", name, made.bytes // _MIB)
    return Backup(folder / name, made)


def _name_of(now: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", _utc(now))


def iso_time(seconds: float) -> str:
    """Return a Unix time in words: 2026-05-01 03:00 UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", _utc(seconds))


def _utc(seconds: float) -> time.struct_time:
    """Return the UTC time, within the years of four digits: the clock may be far off."""
    return time.gmtime(min(max(seconds, 0.0), 253_402_300_799.0))


def _all_backups(places: Places) -> list[Backup]:
    """Return the backups of this machine; on a new card those of the second place, which may hang."""
    return manifest.backups_in(places.folder) or second_backups(places)


def _check_space(places: Places, stop: Stop) -> None:
    files = [places.data / f"{name}{suffix}" for name in DATABASES for suffix in ("", "-wal")]
    needed = sum(file.stat().st_size for file in files if file.exists())
    needed += needed // 10 + keeping.MIN_FREE_BYTES  # for the readable file, and for the databases to go on
    if keeping.free_bytes(places.folder) < needed:
        for name in DATABASES:  # before an older backup is deleted for the one that is made
            _check_sound(places.data / name, stop)
    if not keeping.make_room(places.folder, needed):
        raise BackupError(
            f"the backup was not made: it needs {needed // _MIB} MB of free space in {places.folder}, and "
            f"{keeping.free_bytes(places.folder) // _MIB} MB are free"
        )


def _fill(partial: Path, data: Path, draft: Manifest, stop: Stop) -> Manifest:
    try:
        for name in DATABASES:
            copying.copy(data / name, partial / name, stop)
            _check_sound(partial / name, stop)
        with copying.opened(partial / "listeners.db", stop) as db:
            exporting.write(db, partial / EXPORT)
        copying.sync(partial / EXPORT)
        key = _copy_key(data / KEY, partial / KEY)
        # Opening them has left nothing: a copy is not in WAL mode.
        files = [file for file in (*DATABASES, EXPORT, KEY) if (partial / file).exists()]
        made = replace(
            draft,
            schemas={name: copying.schema_of(partial / name) for name in DATABASES},
            rows={name: copying.count_rows(partial / name, stop) for name in DATABASES},
            device_key=key,
            files={file: _describe(partial / file) for file in files},
        )
    except sqlite3.Error as error:
        raise BackupError(f"the backup was not made: {error}") from error
    manifest.write(partial, made)
    return made


def _check_sound(path: Path, stop: Stop) -> None:
    if problems := copying.problems_of(path, stop):
        raise BackupError(
            f"{path.name} is damaged, so it was not backed up, and the older backups stay. {problems[0]} "
            "To see all: sudo soniquebay library check"
        )


def _copy_key(source: Path, target: Path) -> str:
    """Copy the device key, and return its fingerprint; empty without one."""
    fingerprint = fingerprint_of(source)
    if fingerprint:
        target.touch(0o600)
        target.write_bytes(source.read_bytes())
        copying.sync(target)
    return fingerprint


def fingerprint_of(key_file: Path) -> str:
    """Return what tells a device key from others, and does not reveal it; empty where there is no key."""
    try:
        key = key_file.read_bytes()
    except FileNotFoundError:
        return ""
    return DeviceKey(key).keyed_hash("fingerprint").hex() if len(key) == KEY_BYTES else ""


def _describe(path: Path) -> dict[str, int | str]:
    return {"bytes": path.stat().st_size, "sha256": manifest.sha256_of(path)}


def second_folder(places: Places) -> Path | None:
    """Return the folder of this machine in the second place: others may use that place, too."""
    if places.second is None:
        return None
    return places.second / f"{MACHINE_PREFIX}{fingerprint_of(places.data / KEY)[:8] or 'unknown'}"


def second_backups(places: Places) -> list[Backup]:
    """Return the backups of this machine in the second place; none if it cannot be read."""
    folder = second_folder(places)
    try:
        return manifest.backups_in(folder) if folder else []
    except OSError:
        return []


def copy_to_second_place(places: Places, backup: Backup) -> str | None:
    """Copy a backup to the second place without the device key; return why that was not possible.

    Whoever finds the stick cannot read tokens and app passwords then.
    """
    folder = second_folder(places)
    assert folder is not None and places.second is not None and backup.manifest is not None  # noqa: S101 - by `make`
    try:
        if places.second.stat().st_dev == places.data.stat().st_dev:
            return (
                f"{places.second} is on the same file system as {places.data}, so a copy there would be lost with it: "
                "is the drive mounted?"
            )
        folder.mkdir(mode=0o700, exist_ok=True)
        keeping.remove_partial(folder)
        partial = folder / f"{backup.name}{keeping.PARTIAL}"
        if not keeping.make_room(folder, backup.manifest.bytes):
            return f"{folder} has no room for a backup of {backup.manifest.bytes // _MIB} MB"
        copied = backup.manifest.without(KEY)
        partial.mkdir(mode=0o700)
        for name in copied.files:
            shutil.copyfile(backup.folder / name, partial / name)
            copying.sync(partial / name)
        manifest.write(partial, copied)
        copying.sync(partial)
        name = manifest.free_name(folder, backup.name)
        partial.rename(folder / name)
        copying.sync(folder)
        keeping.prune(folder, places.keep, keeping.budget_bytes(folder, places.max_mb), name)
        # Of a machine whose card is another one now: its next backup comes after those that are there.
        keeping.raise_sequence(places.folder, max(other.sequence for other in manifest.backups_in(folder)))
    except OSError as error:
        return f"the newest backup is not in {folder}: {error.strerror or error}"
    return None
