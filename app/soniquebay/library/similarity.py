"""More like this: the nearest vectors, each dimension weighed by its spread in this library."""

import sqlite3
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.features import SIZE, VERSION


@dataclass(frozen=True, slots=True)
class _Matrix:
    ids: NDArray[np.int64]  # (tracks,)
    rows: NDArray[np.float32]  # (tracks, SIZE), unit length


class VectorIndex:
    """All vectors of the library in memory, read again after a change; brute force is exact and fast enough here."""

    def __init__(self) -> None:
        self._matrix: _Matrix | None = None
        self._generation = 0
        self._lock = threading.Lock()

    def invalidate(self) -> None:
        """Say that vectors were written or removed."""
        self._generation += 1
        self._matrix = None

    def nearest(self, db: sqlite3.Connection, track_id: int, limit: int) -> list[tuple[int, float]] | None:
        """Return ids and cosine similarities of the nearest tracks, nearest first; None without a vector of its own."""
        with self._lock:
            generation = self._generation
            matrix = self._matrix or _load(db)
            # Kept only if nothing was written while it was read.
            if generation == self._generation:
                self._matrix = matrix
        (place,) = np.nonzero(matrix.ids == track_id)
        if not place.size:
            return None
        scores = matrix.rows @ matrix.rows[place[0]]
        scores[place[0]] = -np.inf
        count = min(limit, scores.size - 1)
        best = np.argpartition(-scores, count - 1)[:count] if count else np.zeros(0, np.int64)
        return [(int(matrix.ids[i]), float(scores[i])) for i in best[np.argsort(-scores[best], kind="stable")]]


def store(db: sqlite3.Connection, track_id: int, version: int, data: bytes | None, failure: str | None) -> bool:
    """Write a track's vector (little-endian float32) or why it has none; False when the track is gone.

    Raises ``ValueError`` for a vector of another size.
    """
    if data is not None and len(data) != 4 * SIZE:
        raise ValueError(f"a vector has {SIZE} float32 values, this one has {len(data)} bytes")
    if db.execute("SELECT 1 FROM tracks WHERE id = ?", (track_id,)).fetchone() is None:
        return False
    db.execute(
        "INSERT OR REPLACE INTO vectors (track_id, version, data, failure) VALUES (?, ?, ?, ?)",
        (track_id, version, data, failure),
    )
    return True


def _load(db: sqlite3.Connection) -> _Matrix:
    rows = db.execute(
        "SELECT track_id, data FROM vectors WHERE data IS NOT NULL AND version = ?", (VERSION,)
    ).fetchall()
    ids = np.array([row["track_id"] for row in rows], np.int64)
    values = np.frombuffer(b"".join(row["data"] for row in rows), "<f4").reshape(-1, SIZE)
    if not ids.size:
        return _Matrix(ids, values)
    spread = values.std(axis=0)
    # A dimension in which all tracks agree tells nothing; dividing by its spread would make noise of it.
    scaled = (values - values.mean(axis=0)) / np.where(spread > 1e-6, spread, np.inf)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return _Matrix(ids, np.asarray(scaled / np.maximum(length, 1e-9), np.float32))
