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


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int
    commits: int
    """How many writes there had been before it was counted: it is never older than it seems."""
    counted_at: float
    """Monotonic seconds."""
    cpu_seconds: float
    """What it took to count it."""


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

    def number(self, name: str, count_rows: Callable[[], int], *, age_factor: float = 0) -> int:
        """Return what `count_rows` returns, or has returned before under this name. `name` may be long.

        During a scan every moment has a write. The number may then be `age_factor` times as old as the processor time
        that it took.
        """
        commits, now = self._database.commits, time.monotonic()
        key = blake2b(name.encode()).digest()
        with self._lock:
            kept = self._kept.get(key)
        if kept and (kept.commits == commits or now < kept.counted_at + age_factor * kept.cpu_seconds):
            return kept.number
        began = time.thread_time()
        number = count_rows()
        counted = _Kept(number, commits, time.monotonic(), time.thread_time() - began)
        with self._lock:
            if len(self._kept) >= MAX_KEPT_NUMBERS:
                self._kept.clear()
            self._kept[key] = counted
        return number
