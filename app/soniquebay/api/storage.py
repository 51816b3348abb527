"""Whether the databases can be used: checked when the API opens them, once a day, and when SQLite reports damage."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from soniquebay.database_note import DatabaseNote
from soniquebay.library.database import open_read_only
from soniquebay.sqlite import SqliteDatabase
from soniquebay.storage_faults import StorageFaultError, database_fault, fault_of, is_damage

log = logging.getLogger(__name__)

CHECK_INTERVAL_SECONDS = 86400.0
FIRST_CHECK_SECONDS = 60.0  # after the start, when a booting machine has done the rest
POLL_SECONDS = 1.0


class Storage:
    """The databases of the API, and what is wrong with them. `report` is safe from any thread."""

    def __init__(self, *databases: SqliteDatabase, clock: Callable[[], float] = time.monotonic) -> None:
        self._databases = databases
        self._clock = clock
        self._check_at = clock() + FIRST_CHECK_SECONDS
        self.warnings: list[str] = []
        """What was lost before this start."""

    def open(self) -> None:
        """Bring the databases to their newest schema, and note that they are in use.

        Raises ``StorageFaultError`` when one of them is gone, is damaged, or cannot be written.
        """
        for database in self._databases:
            note = DatabaseNote(database.path)
            warning = note.check()
            database.migrate()
            database.reader().execute("SELECT count(*) FROM sqlite_schema").fetchone()  # makes the write-ahead log
            if warning:
                log.warning("%s", warning)
                self.warnings.append(warning)
                self._check_at = self._clock()
            try:
                note.begin()
            except OSError as error:
                log.warning("%s cannot be noted as in use: %s", database.path, error)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Raise an error that says something about the databases as a ``StorageFaultError``, after looking at each."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if is_damage(error):
                self.check()
            found = self.faults()
            fault = found[0] if found else fault_of(self._databases[-1].path, error)
            if fault is None or fault is error:
                raise
            raise fault from error

    def close(self) -> None:
        """Note that the databases are about to be closed."""
        for database in self._databases:
            try:
                DatabaseNote(database.path).end()
            except OSError as error:
                log.warning("%s cannot be noted as closed: %s", database.path, error)

    def faults(self) -> list[StorageFaultError]:
        """Return what is wrong with the databases."""
        return [database.fault for database in self._databases if database.fault is not None]

    def report(self, error: BaseException) -> None:
        """Have the databases checked soon if an error says that one is damaged."""
        if is_damage(error) and not isinstance(error, StorageFaultError):
            self._check_at = self._clock()

    async def run(self) -> None:
        """Check the databases whenever it is time, until cancelled."""
        while True:
            if self._clock() >= self._check_at:
                self._check_at = self._clock() + CHECK_INTERVAL_SECONDS
                await asyncio.to_thread(self.check)
            await asyncio.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Read every page of each database. One that is damaged is written no more."""
        for database in self._databases:
            if database.fault is None and (fault := _damage(database)):
                database.fault = fault
                log.critical("%s", fault)


def _damage(database: SqliteDatabase) -> StorageFaultError | None:
    try:
        with open_read_only(database.path) as db:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        fault = fault_of(database.path, error)
        return fault if fault and fault.kind == "damaged" else None
    # Its first line names a table or a page, the rest repeats that for others.
    return None if found == "ok" else database_fault("damaged", database.path, found.partition("\n")[0])
