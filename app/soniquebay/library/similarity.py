"""More like this: the nearest tracks in the library's own space, with hubs held down."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.features import SIZE, VERSION
from soniquebay.audio.key import KEYS
from soniquebay.library.space import Array, Space, fit

_SAMPLE = 4096  # vectors that the space is made from, if there are more
_ANCHORS = 512  # tracks by whose distances a track's surroundings are measured
_NEIGHBOURS = 10  # of them
_AT_ONCE = 2000  # tracks up to which a new space is made while the question waits: some 50 ms
_SHARE = 100  # at most this part of the time goes into new spaces
_CHUNK = 1000  # rows read at a time


@dataclass(slots=True)
class _Index:
    """Points of all tracks in one space; arrays have room to grow, `count` says how much is in use."""

    space: Space
    anchors: Array  # (anchors, dimensions)
    ids: NDArray[np.int64]
    points: Array
    square: Array  # squared length of each point
    radius: Array  # mean distance to the nearest anchors: small where tracks lie dense
    count: int = 0
    changes: int = 0  # since the space was made

    def place(self, track_id: int) -> int | None:
        (found,) = np.nonzero(self.ids[: self.count] == track_id)
        return int(found[0]) if found.size else None

    def put(self, ids: NDArray[np.int64], raw: Array) -> None:
        """Add tracks, or replace one that is there; several at once only while the index is made."""
        points = self.space.points(raw)
        at = self.place(int(ids[0])) if len(ids) == 1 else None
        if at is None:
            at = self.count
            self._make_room(at + len(ids))
            self.count += len(ids)
        rows = slice(at, at + len(ids))
        self.ids[rows], self.points[rows] = ids, points
        self.square[rows] = np.einsum("ij,ij->i", points, points)
        self.radius[rows] = self._surroundings(points)
        self.changes += len(ids)

    def drop(self, track_id: int) -> None:
        at = self.place(track_id)
        if at is None:
            return
        self.count -= 1
        for array in (self.ids, self.points, self.square, self.radius):
            array[at] = array[self.count]  # the last one moves in
        self.changes += 1

    def scores(self, at: int) -> NDArray[np.float64]:
        """Return the similarity of all tracks to one of them, 1 for the same.

        A distance counts by the surroundings of both tracks (local scaling, Zelnik-Manor and Perona 2004): else tracks
        in the middle of everything would be near everybody.
        """
        n = self.count
        square = self.square[:n] + self.square[at] - 2 * (self.points[:n] @ self.points[at])
        return np.exp(-np.maximum(square, 0).astype(np.float64) / (self.radius[:n] * float(self.radius[at])))

    def _surroundings(self, points: Array) -> Array:
        distances = ((points**2).sum(axis=1)[:, None] + (self.anchors**2).sum(axis=1)) - 2 * (points @ self.anchors.T)
        distances = np.sqrt(np.maximum(distances, 0))
        # An anchor is not its own neighbour.
        distances[distances < 1e-3] = np.inf
        count = min(_NEIGHBOURS, distances.shape[1])
        nearest = np.partition(distances, count - 1, axis=1)[:, :count]
        known = np.isfinite(nearest)
        mean = np.where(known, nearest, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return np.asarray(np.maximum(mean, 1e-3), np.float32)

    def _make_room(self, size: int) -> None:
        if size <= self.ids.size:
            return
        room = max(size, self.ids.size * 9 // 8 + 256)
        for name in ("ids", "points", "square", "radius"):
            old = getattr(self, name)
            new = np.zeros((room, *old.shape[1:]), old.dtype)
            new[: self.count] = old[: self.count]
            setattr(self, name, new)


class VectorIndex:
    """All vectors of the library in memory, 270 bytes each; brute force is exact and fast enough here.

    A stored vector is added to the index as it comes. The space itself is made anew when the library has changed, seldom
    enough to cost a hundredth of the time, and in the background once it takes long. `connect` gives a connection to read
    from, of the thread that calls it.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._index: _Index | None = None
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
                _apply(self._index, track_id, usable)

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
                scores = index.scores(at)
                ids = index.ids[: index.count].copy()
            scores[at] = -np.inf
            count = min(limit, scores.size - 1)
            best = np.argpartition(-scores, count - 1)[:count] if count else np.zeros(0, np.int64)
            best = best[np.argsort(-scores[best], kind="stable")]
            # Tracks go in many ways (a file that changed, an album that was removed): the database knows which are left.
            gone = _gone(db, [track_id, *ids[best].tolist()])
            if not gone:
                return [(int(ids[i]), float(scores[i])) for i in best]
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
                        _apply(index, track_id, data)
                self._index = index
                self._due = time.monotonic() + _SHARE * (time.monotonic() - started)


def _apply(index: _Index, track_id: int, data: bytes | None) -> None:
    if data is None:
        index.drop(track_id)
    else:
        index.put(np.array([track_id], np.int64), np.frombuffer(data, "<f4").reshape(1, SIZE))


def _gone(db: sqlite3.Connection, ids: list[int]) -> list[int]:
    marks = ", ".join("?" * len(ids))
    rows = db.execute(
        f"SELECT track_id FROM vectors WHERE version = ? AND data IS NOT NULL AND track_id IN ({marks})",
        (VERSION, *ids),
    )
    left = {row["track_id"] for row in rows}
    return [i for i in ids if i not in left]


def _read(db: sqlite3.Connection) -> _Index | None:
    """Make the index in two passes, so that the raw vectors are never in memory all at once."""
    total = db.execute("SELECT count(*) FROM vectors WHERE version = ? AND data IS NOT NULL", (VERSION,)).fetchone()[0]
    if not total:
        return None
    rows = db.execute(
        "SELECT track_id FROM vectors WHERE version = ? AND data IS NOT NULL ORDER BY track_id", (VERSION,)
    )
    ids = np.fromiter((row["track_id"] for row in rows), np.int64)
    chosen = np.random.default_rng(0).permutation(ids)[:_SAMPLE].tolist()
    sample = np.concatenate([raw for _, raw in _chunks(db, "AND track_id IN (SELECT value FROM json_each(?))", chosen)])
    space = fit(sample)
    anchors = space.points(np.random.default_rng(0).permutation(sample)[:_ANCHORS])
    room = ids.size + 64
    index = _Index(
        space,
        anchors,
        ids=np.zeros(room, np.int64),
        points=np.zeros((room, anchors.shape[1]), np.float32),
        square=np.zeros(room, np.float32),
        radius=np.ones(room, np.float32),
    )
    for some, raw in _chunks(db, "", None):
        index.put(some, raw)
    index.changes = 0
    return index


def _chunks(
    db: sqlite3.Connection, condition: str, chosen: list[int] | None
) -> Iterator[tuple[NDArray[np.int64], Array]]:
    last = -1
    values = [] if chosen is None else [str(chosen)]
    while True:
        rows = db.execute(
            "SELECT track_id, data FROM vectors WHERE version = ? AND data IS NOT NULL AND track_id > ? "
            f"{condition} ORDER BY track_id LIMIT {_CHUNK}",
            (VERSION, last, *values),
        ).fetchall()
        if not rows:
            return
        last = rows[-1]["track_id"]
        raw = np.frombuffer(b"".join(row["data"] for row in rows), "<f4").reshape(-1, SIZE)
        yield np.array([row["track_id"] for row in rows], np.int64), raw


def store(
    db: sqlite3.Connection,
    track_id: int,
    version: int,
    data: bytes | None,
    failure: str | None,
    bpm: float | None = None,
    key: str | None = None,
) -> bool:
    """Write a track's vector (little-endian float32), tempo and key, or why it has none; False when the track is gone.

    Raises ``ValueError`` for a vector of another size or version, with values that are no numbers, or for a tempo or key
    that is none.
    """
    if data is not None:
        if version != VERSION:
            raise ValueError(f"the features are of version {version}, this release compares version {VERSION}")
        if len(data) != 4 * SIZE:
            raise ValueError(f"a vector has {SIZE} float32 values, this one has {len(data)} bytes")
        if not np.isfinite(np.frombuffer(data, "<f4")).all():
            raise ValueError("a vector holds finite numbers only")
    if bpm is not None and not 0 < bpm < 1000:
        raise ValueError(f"{bpm} beats a minute is no tempo")
    if key is not None and key not in KEYS:
        raise ValueError(f"{key!r} is not one of the {len(KEYS)} keys, as 'A minor'")
    if db.execute("SELECT 1 FROM tracks WHERE id = ?", (track_id,)).fetchone() is None:
        return False
    db.execute(
        "INSERT OR REPLACE INTO vectors (track_id, version, data, failure, bpm, key) VALUES (?, ?, ?, ?, ?, ?)",
        (track_id, version, data, failure, bpm, key),
    )
    return True
