"""Bringing a backup back: it is copied aside and checked, and then takes the places of the present databases.

These are set aside under other names. The exchange is finished at the next start if the power fails in its midst: what
is in the folder `restore.ready` belongs into the data folder.
"""

import logging
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from soniquebay import sqlite
from soniquebay.backup import DATABASES, KEY, BackupError, copying, keeping, manifest
from soniquebay.backup.making import FOLDER, fingerprint_of
from soniquebay.backup.manifest import Manifest
from soniquebay.database_note import DatabaseNote
from soniquebay.library.database import Database
from soniquebay.listeners.database import ListenersDatabase

log = logging.getLogger(__name__)

PARTIAL, READY = "restore.partial", "restore.ready"
ASIDE = ".before-restore"
_PACKAGES = {"library.db": Database.PACKAGE, "listeners.db": ListenersDatabase.PACKAGE}
_MODES = {"library.db": 0o640, "listeners.db": 0o600, KEY: 0o600}  # the worker reads the library by its group
_MIB = 1 << 20
As = Callable[[], AbstractContextManager[object]]


@dataclass(slots=True)
class Staged:
    """A backup that was copied into the data folder and checked."""

    manifest: Manifest
    lost: list[str] = field(default_factory=list)
    """What cannot be brought back, each as a sentence."""


def stage(source: Path, data: Path, writing: As = nullcontext) -> Staged:
    """Copy a backup aside into the data folder, and check the copy. The present databases are not touched.

    `writing`: makes a context in which the process is the owner of the data folder. The backup is read outside of it,
    because root alone may read some sticks. Raises `BackupError` in a sentence, and then leaves nothing.
    """
    made = manifest.read(source)
    check_schemas(source, made)
    try:
        with writing():
            partial = data / PARTIAL
            _remove_leftovers(data)
            needed = made.bytes + keeping.MIN_FREE_BYTES
            if keeping.free_bytes(data) < needed:
                raise BackupError(
                    f"the restore needs {needed // _MIB} MB of free space in {data}, and "
                    f"{keeping.free_bytes(data) // _MIB} MB are free: nothing was changed"
                )
            partial.mkdir(mode=0o700)
        try:
            for name in [name for name in (*DATABASES, KEY) if name in made.files]:
                _copy(source / name, partial / name, writing, is_own=source.is_relative_to(data))
            with writing():
                staged = _check(source, partial, data, made)
                # The next backup comes after this one, also on a new card and in the second place.
                keeping.raise_sequence(data / FOLDER, made.sequence)
                return staged
        except BaseException:
            with writing():
                shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        raise BackupError(f"{source} cannot be restored: {error.strerror or error} ({error.filename})") from error


def check_schemas(source: Path, made: Manifest) -> None:
    """Raise `BackupError` when a newer release has made the backup."""
    for name, package in _PACKAGES.items():
        newest = len(sqlite.migrations(package))
        if made.schemas[name] > newest:
            raise BackupError(
                f"{source} is of the release {made.version}, whose {name} has schema {made.schemas[name]}; this "
                f"release knows up to {newest}: install the release {made.version} or a newer one first"
            )


def _copy(source: Path, target: Path, writing: As, *, is_own: bool) -> None:
    """Copy a file. Below the data folder (`is_own`), its owner reads it: no link may lead root elsewhere."""
    with writing() if is_own else nullcontext():
        opened = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(opened, "rb") as content:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise BackupError(f"{source} is no file, so nothing was changed")
        with writing():
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODES[target.name])
        with os.fdopen(descriptor, "wb") as copied:
            os.fchmod(descriptor, _MODES[target.name])
            shutil.copyfileobj(content, copied, _MIB)
            copied.flush()
            os.fsync(descriptor)


def _check(source: Path, partial: Path, data: Path, made: Manifest) -> Staged:
    for name in [name for name in (*DATABASES, KEY) if name in made.files]:
        if manifest.sha256_of(partial / name) != made.files[name]["sha256"]:
            raise BackupError(
                f"{source / name} is damaged: its SHA-256 is not the one of the manifest. Nothing was changed; take "
                "another backup: soniquebay library list"
            )
    for name in DATABASES:
        if problems := copying.problems_of(partial / name):
            raise BackupError(f"{source / name} is damaged, so nothing was changed. {problems[0]}")
        try:
            schema, rows = copying.schema_of(partial / name), copying.count_rows(partial / name)
        except sqlite3.Error as error:
            raise BackupError(f"{source / name} cannot be read: {error}") from error
        if (schema, rows) != (made.schemas[name], made.rows[name]):
            raise BackupError(f"{source / name} does not hold what its manifest says, so nothing was changed")
    return Staged(made, _lost(partial, data, made))


def _lost(partial: Path, data: Path, made: Manifest) -> list[str]:
    """Return what the key of another machine cannot decrypt, in words."""
    if KEY in made.files or made.device_key == fingerprint_of(data / KEY):
        return []
    passwords, accounts = (made.rows["listeners.db"].get(name, 0) for name in ("app_passwords", "scrobble_accounts"))
    lost = []
    if passwords:
        lost.append(
            f"{passwords} app passwords do not work any more, because this backup has no device key and they were "
            "encrypted by that of another machine: revoke them and make new ones."
        )
    if accounts:
        lost.append(f"{accounts} connections to ListenBrainz or Last.fm are to be made anew, for the same reason.")
    return lost


def exchange(data: Path) -> list[Path]:
    """Put what `stage` has copied into its place; return the files under which the old ones are kept.

    Nobody may have the databases open. What an earlier restore has set aside is deleted. Raises ``OSError``.
    """
    for path in list(_set_aside(data)):
        path.unlink()
    (data / PARTIAL).rename(data / READY)
    copying.sync(data)
    return finish(data)


def finish(data: Path) -> list[Path]:
    """Finish an exchange that has begun; return the files under which the old ones are kept. Raises ``OSError``."""
    ready = data / READY
    if not ready.is_dir():
        return []
    for name in (*DATABASES, KEY):
        if not (ready / name).exists():
            continue  # it is in its place already, or was not in the backup
        _put_aside(data, name)
        copying.sync(data)
        DatabaseNote(data / name).forget()  # it speaks of the log of the old one
        (ready / name).rename(data / name)
        copying.sync(data)
    shutil.rmtree(ready)
    log.info("the databases of a backup are in their places")
    return sorted(_set_aside(data))


def begin_anew(data: Path, name: str) -> list[Path]:
    """Let the next start make an empty database in place of one that is gone; return what is kept of the old one."""
    _put_aside(data, name)
    DatabaseNote(data / name).forget()
    copying.sync(data)
    return sorted(data.glob(f"{name}{ASIDE}*"))


def _put_aside(data: Path, name: str) -> None:
    aside = manifest.free_name(data, f"{name}{ASIDE}")
    # The log belongs to the old database, and SQLite would take it for one of the new database.
    for suffix in ("-wal", ""):
        if (data / f"{name}{suffix}").exists():
            (data / f"{name}{suffix}").rename(data / f"{aside}{suffix}")
    (data / f"{name}-shm").unlink(missing_ok=True)


def _set_aside(data: Path) -> Iterator[Path]:
    for name in (*DATABASES, KEY):
        yield from data.glob(f"{name}{ASIDE}*")


def _remove_leftovers(data: Path) -> None:
    if (data / READY).exists():
        raise BackupError(
            "an earlier restore was interrupted: start SoniqueBay, which finishes it, before you begin another one"
        )
    if (data / PARTIAL).exists():
        shutil.rmtree(data / PARTIAL)
