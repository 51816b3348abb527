"""The listeners' database, `listeners.db`: what people have entered, and what no scan can bring back."""

import os
import sqlite3
from pathlib import Path

from soniquebay.sqlite import SqliteDatabase


class ListenersDatabase(SqliteDatabase):
    """The database of users and of what they keep. A transaction that has ended survives a power cut.

    With `library`, its readers see the tables of that database as `library.tracks` and so on. The writer does not: a
    transaction would hold the locks of both.
    """

    PACKAGE = "soniquebay.listeners"
    SYNCHRONOUS = "FULL"
    WRITER_CACHE_KIB, READER_CACHE_KIB = 1000, 500

    def __init__(self, path: Path, library: Path | None = None) -> None:
        super().__init__(path)
        self._library = library

    def _open_reader(self) -> sqlite3.Connection:
        connection = super()._open_reader()
        if self._library is not None:
            connection.execute("ATTACH ? AS library", (str(self._library),))
            connection.execute(f"PRAGMA library.cache_size = -{self.READER_CACHE_KIB}")
        return connection

    def _migrate(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Other users cannot read it. SQLite gives its other files the permissions of this one. A file that is there is
        # not opened: closing it again would end the locks of all connections of this process (fcntl(2)), and another
        # program that closes its connection would then remove the write-ahead log.
        if not self.path.exists():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        super()._migrate()
