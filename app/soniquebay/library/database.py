"""The library's database, `library.db`: what can be made anew from the files of music."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from soniquebay import sqlite
from soniquebay.sqlite import BUSY_TIMEOUT_SECONDS, SqliteDatabase


class Database(SqliteDatabase):
    """The database of the library."""

    PACKAGE = "soniquebay.library"
    SYNCHRONOUS = "NORMAL"  # the ledger repeats the work of lost transactions
    WRITER_CACHE_KIB, READER_CACHE_KIB = 8000, 2000


def migrations() -> list[str]:
    """Return the SQL scripts of all migrations of the library's database in order."""
    return sqlite.migrations(Database.PACKAGE)


# Errors of a read-only open before the API has opened the database.
_NOT_OPEN_ERRORS = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY}


def awaits_migration(path: Path) -> bool:
    """Tell whether a database exists that the API has not opened and migrated yet.

    A cleanly closed database has no WAL index (``-shm``). Only a process with write permission can create one, so until
    the API opens the database nobody else can read it.
    """
    if not path.exists():
        return False
    try:
        with open_read_only(path) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _NOT_OPEN_ERRORS:  # 0xFF: the primary code of an extended one
            raise
        return True
    return bool(version < len(migrations()))


@contextmanager
def open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database read-only, in a process other than the API.

    Raises ``sqlite3.OperationalError`` while the database does not exist.
    """
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_SECONDS)
    connection.row_factory = sqlite3.Row
    try:
        yield connection
    finally:
        connection.close()
