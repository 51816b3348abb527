"""A note beside a database that it is there, so that a file that was lost is not taken for a first start."""

from pathlib import Path

from soniquebay.atomic_file import replace_file
from soniquebay.storage_faults import database_fault

_IN_USE, _CLOSED = b"in use\n", b"closed\n"


class DatabaseNote:
    """The note on one database: `library.db.state` beside `library.db`."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(f"{database.name}.state")

    def check(self) -> str | None:
        """Return a warning when the database's write-ahead log was lost, else None.

        Raises ``StorageFaultError`` when the database was there and is gone.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        if not self._database.exists():
            raise database_fault("vanished", self._database)
        if content == _IN_USE and not self._database.with_name(f"{self._database.name}-wal").exists():
            return f"what was written to {self._database.name} last is lost, because {self._database.name}-wal is gone"
        return None

    def begin(self) -> None:
        """Note that the database is in use: its write-ahead log has to be there until `end`. Raises ``OSError``."""
        self._write(_IN_USE)

    def end(self) -> None:
        """Note that the database is about to be closed; SQLite removes its write-ahead log then. Raises ``OSError``."""
        self._write(_CLOSED)

    def note_checkpoint(self) -> None:
        """Note that the write-ahead log is gone because the database has its content. Raises ``OSError``."""
        if self._path.exists():
            self._write(_CLOSED)

    def _write(self, content: bytes) -> None:
        try:
            if self._path.read_bytes() == content:
                return
        except FileNotFoundError:
            pass
        replace_file(self._path, content)

    def forget(self) -> None:
        """Remove the note: the next start may begin with an empty database, or with one that was put there."""
        self._path.unlink(missing_ok=True)
