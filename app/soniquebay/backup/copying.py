"""Copying one database, and checking what a database holds."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from soniquebay.backup import BackupError, quoted, tables_of
from soniquebay.database_note import DatabaseNote
from soniquebay.sqlite import BUSY_TIMEOUT_SECONDS
from soniquebay.storage_faults import is_damage

MAX_PROBLEMS = 20  # of one database that are told
_INSTRUCTIONS_PER_CHECK = 100_000  # SQLite's, between two looks whether to stop
Stop = Callable[[], bool]


def never() -> bool:
    """Do not stop."""
    return False


@contextmanager
def opened(path: Path, stop: Stop = never) -> Iterator[sqlite3.Connection]:
    """Open a database that exists, in a process that may write to its folder: WAL mode needs a file beside it.

    While `stop` returns True, a statement ends with an error. Raises ``sqlite3.Error``.
    """
    uri = f"file:{quote(str(path))}?mode=rw"
    log_file = path.with_name(f"{path.name}-wal")
    had_log = log_file.exists()
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
    try:
        db.set_progress_handler(stop, _INSTRUCTIONS_PER_CHECK)
        yield db
    finally:
        db.close()
        if had_log and not log_file.exists():  # the last connection takes its content into the database
            DatabaseNote(path).note_checkpoint()


def copy(source: Path, target: Path, stop: Stop = never) -> None:
    """Copy a database as it is at one moment, whoever writes to it meanwhile. It is on the disk at the end.

    Only the user may read the copy. Raises `BackupError`.
    """
    if not source.exists():
        raise BackupError(f"{source} does not exist, so there is nothing to back up")
    # SQLite writes into an empty file, and would give a new one the permissions of the umask.
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with opened(source, stop) as db:
            db.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        if stop():
            raise BackupError("the backup was stopped, because SoniqueBay stops") from error
        if is_damage(error):
            raise BackupError(
                f"{source.name} is damaged ({error}), so it was not backed up, and the older backups stay: "
                "sudo soniquebay library check"
            ) from error
        raise BackupError(f"{source.name} cannot be copied to {target.parent}: {error}") from error
    sync(target)


def sync(path: Path) -> None:
    """Write a file or a folder to the disk. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def problems_of(path: Path, stop: Stop = never) -> list[str]:
    """Return what is wrong with a database, each as a sentence; empty if it is healthy. Raises `BackupError`."""
    try:
        with opened(path, stop) as db:
            return problems_in(db)
    except sqlite3.Error as error:
        if is_damage(error):
            return [f"It cannot be read: {error}."]
        raise BackupError(f"{path} cannot be checked: {error}") from error


def problems_in(db: sqlite3.Connection) -> list[str]:
    """Return what is wrong with an open database, each as a sentence. Raises ``sqlite3.Error``."""
    found = []
    for (text,) in db.execute(f"PRAGMA integrity_check({MAX_PROBLEMS})"):
        found += [f"{line.strip()}." for line in str(text).splitlines() if line.strip() not in {"", "ok"}]
    if not found:
        counts: dict[tuple[str, str], int] = {}
        for table, _, parent, _ in db.execute("PRAGMA foreign_key_check"):
            counts[table, parent] = counts.get((table, parent), 0) + 1
        found += [
            f"{count} rows of {table} refer to rows of {parent} that do not exist."
            for (table, parent), count in sorted(counts.items())
        ]
    return found[:MAX_PROBLEMS]


def schema_of(path: Path) -> int:
    """Return the schema version of a database. Raises ``sqlite3.Error``."""
    with opened(path) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def count_rows(path: Path, stop: Stop = never) -> dict[str, int]:
    """Return how many rows each table of a database has. Raises ``sqlite3.Error``."""
    with opened(path, stop) as db:
        return {
            table: int(db.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()[0]) for table in tables_of(db)
        }
