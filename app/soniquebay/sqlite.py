"""A database of SQLite: connections, transactions and schema migrations."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path
from typing import ClassVar, Literal

from soniquebay import storage_faults
from soniquebay.storage_faults import StorageFaultError

BUSY_TIMEOUT_SECONDS = 30.0  # only a checkpoint or a backup can hold the lock for long
# Of the write-ahead log, before they are copied into the database. With SQLite's 1000 a page is copied more often while
# many rows come: 10,000 files write 76 MB to the card instead of 62 MB.
CHECKPOINT_PAGES = 4000
CACHED_STATEMENTS = 512  # the default of 128 is less than what an insert and the pages of lists use in turn


class SqliteDatabase:
    """A database with one writer at a time and one reader per thread. A subclass tells what it holds.

    In WAL mode readers do not wait for the writer. Each thread that reads has its own connection. All threads share the
    connection of the writer, so that its larger cache exists once.
    """

    PACKAGE: ClassVar[str]
    """The package whose folder ``migrations`` has the scripts."""
    SYNCHRONOUS: ClassVar[Literal["NORMAL", "FULL"]]
    """With NORMAL a power cut may lose the last transactions, but never corrupts the file. With FULL it loses none."""
    WRITER_CACHE_KIB: ClassVar[int]
    READER_CACHE_KIB: ClassVar[int]
    """The kernel's page cache holds the file too, and there are as many readers as the API has threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers = threading.local()
        self._writer: sqlite3.Connection | None = None
        self._write_lock = threading.Lock()
        self.commits = 0
        """How many transactions this process has committed."""
        self.fault: StorageFaultError | None = None
        """Once the file is known to be damaged: it can be read as far as possible, and is no longer written."""

    def reader(self) -> sqlite3.Connection:
        """Return the read-only connection of this thread."""
        connection: sqlite3.Connection | None = getattr(self._readers, "connection", None)
        if connection is None:
            connection = self._readers.connection = self._open_reader()
        return connection

    def _open_reader(self) -> sqlite3.Connection:
        connection = self._connect(self.READER_CACHE_KIB)
        connection.execute("PRAGMA query_only = ON")
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a write transaction: committed at the end, rolled back on an exception. Raises a `fault` there is."""
        if self.fault is not None:
            raise self.fault.with_traceback(None)  # it would grow with each one that raises it
        with self._locked_writer() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                # On a full disk SQLite may have rolled back by itself, and an error of ROLLBACK would hide the cause.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            self.commits += 1

    @contextmanager
    def _locked_writer(self) -> Iterator[sqlite3.Connection]:
        with self._write_lock:
            if self._writer is None:
                self._writer = self._connect(self.WRITER_CACHE_KIB)
            yield self._writer

    def migrate(self) -> None:
        """Bring the schema to the newest version, each migration in its own transaction.

        Before that, copy the database to `<name>.schema-<version>` beside it: the previous release cannot open a
        newer schema, so an upgrade that is rolled back restores this copy. Raises ``StorageFaultError`` when the
        database cannot be used, because a newer release made it for example, or when the copy cannot be written.
        """
        with storage_faults.faults_of(self.path):
            self._migrate()

    def _migrate(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        scripts = migrations(self.PACKAGE)
        with self._locked_writer() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(scripts):
            detail = f"it has schema {version}, this release opens up to {len(scripts)}"
            raise storage_faults.database_fault("newer", self.path, detail)
        if 0 < version < len(scripts):
            self._back_up(self.path.with_name(f"{self.path.name}.schema-{version}"))
        for number, script in enumerate(scripts[version:], start=version + 1):
            self._apply(number, script)

    def _back_up(self, target: Path) -> None:
        partial = target.with_name(f"{target.name}.partial")
        try:
            partial.unlink(missing_ok=True)
            partial.touch(self.path.stat().st_mode & 0o777)  # nobody may read the copy who may not read the database
            with self._locked_writer() as connection, closing(sqlite3.connect(partial)) as backup:
                connection.backup(backup)
            partial.replace(target)
        except (sqlite3.Error, OSError) as error:
            raise StorageFaultError(
                f"{self.path.name} cannot be copied before its schema changes",
                "make room there; SoniqueBay then goes on by itself",
                f"{target}: {error}",
            ) from error
        finally:
            partial.unlink(missing_ok=True)

    def _apply(self, number: int, script: str) -> None:
        with self._locked_writer() as connection:
            # Replacing a table that others refer to needs foreign keys off; the check below makes up for it.
            connection.execute("PRAGMA foreign_keys = OFF")
            try:
                # executescript commits any open transaction first, so the script begins its own.
                connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};")
                broken = connection.execute("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise RuntimeError(f"migration {number:04} left {len(broken)} broken foreign keys")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                connection.execute("PRAGMA foreign_keys = ON")

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        # Two threads never use one connection at a time: a lock guards the writer, and each reader belongs to one
        # thread.
        connection = sqlite3.connect(
            self.path,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=CACHED_STATEMENTS,
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self.SYNCHRONOUS}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        return connection


def plain_cursor(db: sqlite3.Connection) -> sqlite3.Cursor:
    """Return a cursor whose rows are plain tuples, which are faster than ``sqlite3.Row`` where there are many."""
    cursor = db.cursor()
    cursor.row_factory = None
    return cursor


def migrations(package: str) -> list[str]:
    """Return the SQL scripts of all migrations of a package's database in order.

    Raises ``RuntimeError`` when a number is missing.
    """
    folder = resources.files(package) / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    for number, file in enumerate(files, start=1):
        if int(file.name[:4]) != number:
            raise RuntimeError(f"migration {number:04} is missing, found {file.name}")
    return [file.read_text("utf-8") for file in files]
