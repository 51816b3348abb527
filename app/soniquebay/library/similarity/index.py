"""More like this: the nearest tracks in the library's own space, kept up to date while the library is analysed."""

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from soniquebay.audio.feature_schema import VERSION
from soniquebay.library.similarity import vectors

if TYPE_CHECKING:
    from soniquebay.library.similarity.nearest_neighbours import NearestNeighbours

_AT_ONCE = 2000  # tracks up to which a new space is made while the question waits: some 50 ms
_SHARE = 100  # at most this part of the time goes into new spaces


class SimilarityIndex:
    """All vectors of the library in memory, 270 bytes each; brute force is exact and fast enough here.

    A stored vector is added as it comes. The space itself is made anew when the library has changed, seldom enough to
    cost a hundredth of the time, and in the background once it takes long. `connect` gives the calling thread's own
    connection to read from.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._index: NearestNeighbours | None = None
        self._lock = threading.Lock()  # of all fields
        self._making = threading.Lock()  # held while an index is made
        self._journal: dict[int, bytes | None] | None = None  # what came while one is made
        self._due = 0.0  # monotonic time at which a new space may be made

    def warm(self) -> None:
        """Read the library in the background, so that the first question does not wait for it."""
        threading.Thread(target=self._make, name="vectors", daemon=True).start()

    def put(self, track_id: int, version: int, data: bytes | None) -> None:
        """Take in what `store` has committed."""
        usable = data if version == VERSION else None
        with self._lock:
            if self._journal is not None:
                self._journal[track_id] = usable
            if self._index is not None:
                self._index.apply(track_id, usable)

    def outdated(self) -> None:
        """Say that tracks which were missing are back: they are in the next index."""
        with self._lock:
            if self._index is not None:
                self._index.changes += 1
                self._due = 0.0

    def nearest(self, db: sqlite3.Connection, track_id: int, limit: int) -> list[tuple[int, float]] | None:
        """Return ids and similarities (0 to 1) of the nearest tracks, nearest first; None without a vector of its own.

        Only vectors of the features' present version are compared.
        """
        self._refresh()
        while True:
            with self._lock:
                index = self._index
                at = index.place(track_id) if index else None
                if index is None or at is None:
                    return None
                ids, scores = index.nearest(at, limit)
            # Tracks go in many ways (a file that changed, a folder that was removed): the database knows what is left.
            gone = _gone(db, [track_id, *ids.tolist()])
            if not gone:
                return list(zip(ids.tolist(), scores.tolist(), strict=True))
            for one in gone:
                self.put(one, VERSION, None)

    def _refresh(self) -> None:
        with self._lock:
            index = self._index
            if index is not None and (not index.changes or time.monotonic() < self._due):
                return
            small = index is None or index.count <= _AT_ONCE
        if small:
            self._make()
        elif not self._making.locked():
            self.warm()

    def _make(self) -> None:
        waited = self._making.locked()
        with self._making:
            if waited and self._index is not None:
                return  # another thread made it meanwhile
            with self._lock:
                self._journal = {}
            started = time.monotonic()
            try:
                index = _read(self._connect())
            finally:
                with self._lock:
                    journal, self._journal = self._journal or {}, None
            with self._lock:
                if index is not None:
                    for track_id, data in journal.items():
                        index.apply(track_id, data)
                self._index = index
                self._due = time.monotonic() + _SHARE * (time.monotonic() - started)


def _read(db: sqlite3.Connection) -> "NearestNeighbours | None":
    if not vectors.any_usable(db):
        return None
    # What it calculates with takes 25 MB and is loaded with the first vector: the API starts without it.
    from soniquebay.library.similarity.nearest_neighbours import read

    return read(db)


def _gone(db: sqlite3.Connection, ids: list[int]) -> list[int]:
    marks = ", ".join("?" * len(ids))
    rows = db.execute(
        "SELECT v.track_id FROM vectors v JOIN tracks t ON t.id = v.track_id AND t.missing_since IS NULL "
        f"WHERE v.version = ? AND v.data IS NOT NULL AND v.track_id IN ({marks})",
        (VERSION, *ids),
    )
    left = {row["track_id"] for row in rows}
    return [i for i in ids if i not in left]
