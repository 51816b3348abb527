"""The SQLite file: how it is opened, and the migrations that made it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path
from urllib.parse import quote

BUSY_TIMEOUT = 30.0  # seconds; only a checkpoint or a backup can hold the lock for long
# KiB. The system's cache has the file too; there are as many readers as the API has threads.
WRITER_CACHE, READER_CACHE = 8000, 2000


class Database:
    """A database with one writer at a time and as many readers as threads.

    SQLite's WAL lets readers go on while the writer writes. Each thread that reads keeps a connection of its own; all
    threads share the writer's, so that its larger cache is there once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers = threading.local()
        self._writer: sqlite3.Connection | None = None
        self._write_lock = threading.Lock()

    def reader(self) -> sqlite3.Connection:
        """Return this thread's connection, which can read and nothing else."""
        connection: sqlite3.Connection | None = getattr(self._readers, "connection", None)
        if connection is None:
            connection = self._readers.connection = _connect(self.path, READER_CACHE)
            connection.execute("PRAGMA query_only = ON")
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside a write transaction: committed at the end, rolled back on an exception."""
        with self._writing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._write_lock:
            if self._writer is None:
                self._writer = _connect(self.path, WRITER_CACHE)
            yield self._writer

    def migrate(self) -> None:
        """Bring the schema to the newest version, each migration in its own transaction.

        A copy of the library as it was stays beside it, `library.db.schema-<version>`: the release before can open no
        newer schema, and an upgrade that is undone gives it this one back. Raises ``RuntimeError`` when the file was
        made by a newer release, or when there is no room for the copy.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        scripts = migrations()
        with self._writing() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(scripts):
            raise RuntimeError(
                f"{self.path} has schema {version}, this release knows {len(scripts)}: install the newer release again"
            )
        if 0 < version < len(scripts):
            self._copy(self.path.with_name(f"{self.path.name}.schema-{version}"))
        for number, script in enumerate(scripts[version:], start=version + 1):
            self._apply(number, script)

    def _copy(self, target: Path) -> None:
        partial = target.with_name(f"{target.name}.partial")
        try:
            with self._writing() as connection, closing(sqlite3.connect(partial)) as copy:
                connection.backup(copy)
            partial.replace(target)
        except (sqlite3.Error, OSError) as error:
            raise RuntimeError(
                f"the library cannot be copied before its schema is changed: {error}; is there room in {target.parent}?"
            ) from error
        finally:
            partial.unlink(missing_ok=True)

    def _apply(self, number: int, script: str) -> None:
        with self._writing() as connection:
            # A table that others refer to can be made anew only so; the check below takes the place of the constraint.
            connection.execute("PRAGMA foreign_keys = OFF")
            try:
                # executescript ends any open transaction first, so the transaction stands in the script itself.
                connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};")
                broken = connection.execute("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise RuntimeError(f"migration {number:04} left {len(broken)} references to nothing")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                connection.execute("PRAGMA foreign_keys = ON")


def _connect(path: Path, cache: int) -> sqlite3.Connection:
    # The lock, or the thread that a reader belongs to, sees to it that no two threads use one at a time.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL: a power cut may cost the last transactions, never the file; the ledger sends them again.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{cache}")
    return connection


def migrations() -> list[str]:
    """Return the SQL of all migrations in their order; their numbers must have no gap."""
    folder = resources.files("soniquebay.library") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    for number, file in enumerate(files, start=1):
        if int(file.name[:4]) != number:
            raise RuntimeError(f"migration {number:04} is missing, found {file.name}")
    return [file.read_text("utf-8") for file in files]


_NOT_YET = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY}


def awaits_migration(path: Path) -> bool:
    """Tell whether there is a database that the API has yet to open, and to bring to this release's schema.

    One that was closed in order has no index of its log (``-shm``), which only who may write can make.
    """
    if not path.exists():
        return False
    try:
        with open_read_only(path) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _NOT_YET:
            raise
        return True
    return bool(version < len(migrations()))


@contextmanager
def open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database for reading alone, for a process that is not the API.

    Raises ``sqlite3.OperationalError`` while there is no database yet.
    """
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT)
    connection.row_factory = sqlite3.Row
    try:
        yield connection
    finally:
        connection.close()
