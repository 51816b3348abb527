"""Numbers of rows that take long to count, as 100,000 take longer than a page of them. They are kept until a write."""

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from soniquebay.library.browsing.lists import List, count
from soniquebay.sqlite import SqliteDatabase

MAX_KEPT_NUMBERS = 256  # a listener tries some filters
_QUICK_SECONDS = 0.02  # a number that is counted within this time is always the present one
_AGE_FACTOR = (
    50  # during a scan every moment has a write: another number may be so many times as old as it took to count
)


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int
    commits: int
    """How many writes there had been before it was counted: it is never older than it seems."""
    usable_until: float
    """Monotonic seconds, for a number that writes have made old."""


class Counts:
    """The numbers that were asked for since the last write. Safe to use from several threads."""

    def __init__(self, database: SqliteDatabase) -> None:
        """`database`: the one whose only writer is this process."""
        self._database = database
        self._lock = threading.Lock()
        self._kept: dict[bytes, _Kept] = {}

    def count(self, db: sqlite3.Connection, listed: List) -> int:
        """Return how many rows a list has. `db` is the reader of this thread."""
        return self.number(repr((listed.source, listed.present, listed.filters)), lambda: count(db, listed))

    def number(self, name: str, count_rows: Callable[[], int]) -> int:
        """Return what `count_rows` returns, or has returned before under this name. `name` may be long."""
        commits = self._database.commits
        key = blake2b(name.encode()).digest()
        began = time.monotonic()
        with self._lock:
            kept = self._kept.get(key)
        if kept and (kept.commits == commits or began < kept.usable_until):
            return kept.number
        number = count_rows()
        ended = time.monotonic()
        seconds = ended - began
        age = _AGE_FACTOR * seconds if seconds > _QUICK_SECONDS else 0.0
        with self._lock:
            if len(self._kept) >= MAX_KEPT_NUMBERS:
                self._kept.clear()
            self._kept[key] = _Kept(number, commits, ended + age)
        return number
