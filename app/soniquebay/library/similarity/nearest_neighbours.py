"""The points of all tracks and the distances between them, hubs held down; how it is read from the database."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.feature_schema import SIZE, VERSION
from soniquebay.library.similarity.embedding import Array, Space, fit

_SAMPLE = 4096  # vectors that the space is made from, if there are more
_ANCHORS = 512  # tracks by whose distances a track's surroundings are measured
_NEIGHBOURS = 10  # of them
_CHUNK = 1000  # rows read at a time


@dataclass(slots=True)
class NearestNeighbours:
    """NearestNeighbours of all tracks in one space; arrays have room to grow, `count` says how much is in use."""

    space: Space
    anchors: Array  # (anchors, dimensions)
    ids: NDArray[np.int64]
    points: Array
    square: Array  # squared length of each point
    radius: Array  # mean distance to the nearest anchors: small where tracks lie dense
    count: int = 0
    changes: int = 0  # since the space was made

    def place(self, track_id: int) -> int | None:
        """Return the row of a track."""
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
        self.radius[rows] = self._local_scale(points)
        self.changes += len(ids)

    def apply(self, track_id: int, data: bytes | None) -> None:
        """Put or replace a track by its stored vector, or drop it."""
        if data is None:
            self.drop(track_id)
        else:
            self.put(np.array([track_id], np.int64), np.frombuffer(data, "<f4").reshape(1, SIZE))

    def drop(self, track_id: int) -> None:
        """Remove a track, if it is there."""
        at = self.place(track_id)
        if at is None:
            return
        self.count -= 1
        for array in (self.ids, self.points, self.square, self.radius):
            array[at] = array[self.count]  # the last one moves in
        self.changes += 1

    def nearest(self, at: int, limit: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return ids and similarities of the tracks nearest to the one in this row, nearest first; 1 for the same.

        A distance counts by the surroundings of both tracks (local scaling, Zelnik-Manor and Perona 2004): else tracks
        in the middle of everything would be near everybody.
        """
        n = self.count
        scaled = self.points[:n] @ (-2 * self.points[at])
        scaled += self.square[:n]
        scaled += self.square[at]
        scaled /= self.radius[:n]
        scaled[at] = np.inf
        count = min(limit, n - 1)
        best = np.argpartition(scaled, count - 1)[:count] if count else np.zeros(0, np.int64)
        best = best[np.argsort(scaled[best], kind="stable")]
        return self.ids[best], np.exp(-np.maximum(scaled[best], 0).astype(np.float64) / float(self.radius[at]))

    def _local_scale(self, points: Array) -> Array:
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


def read(db: sqlite3.Connection) -> NearestNeighbours | None:
    """Make the index in two passes, so that the raw vectors are never in memory all at once."""
    rows = db.execute(
        "SELECT track_id FROM vectors JOIN tracks ON id = track_id AND missing_since IS NULL "
        "WHERE version = ? AND data IS NOT NULL ORDER BY track_id",
        (VERSION,),
    )
    ids = np.fromiter((row["track_id"] for row in rows), np.int64)
    if not ids.size:
        return None
    chosen = np.random.default_rng(0).permutation(ids)[:_SAMPLE].tolist()
    sample = np.concatenate([raw for _, raw in _chunks(db, "AND track_id IN (SELECT value FROM json_each(?))", chosen)])
    space = fit(sample)
    anchors = space.points(np.random.default_rng(0).permutation(sample)[:_ANCHORS])
    room = ids.size + 64
    index = NearestNeighbours(
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
            "SELECT track_id, data FROM vectors JOIN tracks ON id = track_id AND missing_since IS NULL "
            f"WHERE version = ? AND data IS NOT NULL AND track_id > ? {condition} ORDER BY track_id LIMIT {_CHUNK}",
            (VERSION, last, *values),
        ).fetchall()
        if not rows:
            return
        last = rows[-1]["track_id"]
        raw = np.frombuffer(b"".join(row["data"] for row in rows), "<f4").reshape(-1, SIZE)
        yield np.array([row["track_id"] for row in rows], np.int64), raw
