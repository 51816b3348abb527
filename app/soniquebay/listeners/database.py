"""The listeners' database, `listeners.db`: what people have entered, and what no scan can bring back."""

import os

from soniquebay.sqlite import SqliteDatabase


class ListenersDatabase(SqliteDatabase):
    """The database of users and of what they keep. A transaction that has ended survives a power cut."""

    PACKAGE = "soniquebay.listeners"
    SYNCHRONOUS = "FULL"
    WRITER_CACHE_KIB, READER_CACHE_KIB = 1000, 500

    def migrate(self) -> None:
        """Bring the schema to the newest version, as `SqliteDatabase.migrate` does; other users cannot read it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite gives its other files the permissions of this one.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        super().migrate()
