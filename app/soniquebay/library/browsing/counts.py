"""How many rows a list has. Counting 100,000 takes longer than a page of them, so a number is kept until a write."""

import sqlite3
import threading
from hashlib import blake2b

from soniquebay.library.browsing.lists import List, count
from soniquebay.sqlite import SqliteDatabase

MAX_KEPT_NUMBERS = 256  # a listener tries some filters; a scan makes all of them old anyway


class Counts:
    """The numbers of rows of the lists that were asked for since the last write."""

    def __init__(self, database: SqliteDatabase) -> None:
        """`database`: the one whose only writer is this process."""
        self._database = database
        self._lock = threading.Lock()
        self._numbers: dict[bytes, int] = {}
        self._commits = 0

    def count(self, db: sqlite3.Connection, listed: List) -> int:
        """Return how many rows a list has. `db` is the reader of this thread."""
        # Before the rows are counted: a number that is newer than its commit is counted once more, and never kept long.
        commits = self._database.commits
        # Filters may have thousands of ids.
        name = blake2b(repr((listed.source, listed.present, listed.filters)).encode()).digest()
        with self._lock:
            if self._commits == commits and name in self._numbers:
                return self._numbers[name]
        number = count(db, listed)
        with self._lock:
            if self._commits != commits or len(self._numbers) >= MAX_KEPT_NUMBERS:
                self._numbers.clear()
                self._commits = commits
            self._numbers[name] = number
        return number
