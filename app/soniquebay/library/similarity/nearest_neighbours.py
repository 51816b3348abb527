"""The nearest-neighbour index: the points of all tracks, the search among them, and how it is loaded."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZES
from soniquebay.library.similarity import vectors as stored
from soniquebay.library.similarity.embedding import Embedding, Float32Array, fit_embedding
from soniquebay.library.similarity.points import Points

_MAX_SAMPLE_TRACKS = 4096  # the embedding is fitted to at most this many vectors
MAX_ANCHORS = 512  # tracks of the sample to which local scales are measured
_NEAREST_ANCHORS = 10
_MIN_DISTANCE = 0.05  # an anchor that is nearer is the track itself, away from it by rounding; others are 1 to 10 away
_CHUNK_ROWS = 1000
_SPARE_ROWS = 64
_AWAY = np.float32(0.5)  # share of the distance by which a mean is moved away from another

Neighbours = tuple[NDArray[np.int64], NDArray[np.float64]]  # ids and similarities


@dataclass(slots=True)
class NearestNeighbourIndex:
    """The points of all tracks in one embedding, compared one by one: exact, and fast enough for a home library.

    The arrays have spare rows to grow into; `count` says how many rows are in use.
    """

    embedding: Embedding
    version: int  # of the features that are compared: of newer vectors only the values that this version has
    anchors: Float32Array  # (anchors, dimensions)
    ids: NDArray[np.int64]  # (rows,), track ids
    points: Points  # (rows, dimensions)
    squared_norms: Float32Array  # (rows,)
    local_scale: Float32Array  # (rows,), mean distance to the nearest anchors: small where tracks lie dense
    count: int = 0
    changes: int = 0  # tracks added, replaced and removed since the embedding was fitted

    @classmethod
    def of_points(
        cls, embedding: Embedding, version: int, anchors: Float32Array, ids: NDArray[np.int64], points: Float32Array
    ) -> "NearestNeighbourIndex":
        """Return the index of some points, (n, dimensions)."""
        index = cls.empty(embedding, version, anchors, Points.empty(points, ids.size))
        for start in range(0, ids.size, _CHUNK_ROWS):
            chunk = slice(start, start + _CHUNK_ROWS)
            index._write(chunk, ids[chunk], points[chunk])
        index.count = ids.size
        return index

    @classmethod
    def empty(
        cls, embedding: Embedding, version: int, anchors: Float32Array, points: Points
    ) -> "NearestNeighbourIndex":
        """Return an index without tracks, with rows for their points."""
        capacity = points.rows
        return cls(
            embedding,
            version,
            points.rounded(anchors),  # so that a track lies where its own anchor does
            ids=np.zeros(capacity, np.int64),
            points=points,
            squared_norms=np.zeros(capacity, np.float32),
            local_scale=np.ones(capacity, np.float32),
        )

    @property
    def is_partial(self) -> bool:
        """Whether the vectors have more values than are compared, because an older vector was among them."""
        return self.version < FEATURE_VERSION

    def row_of(self, track_id: int) -> int | None:
        """Return the row of a track; None if it is not in the index."""
        (rows,) = np.nonzero(self.ids[: self.count] == track_id)
        return int(rows[0]) if rows.size else None

    def upsert(self, ids: NDArray[np.int64], vectors: Float32Array) -> None:
        """Add tracks by the values of their vectors that are compared, (n, size), or replace a single track.

        Several tracks must all be new.
        """
        points = self.embedding.embed(vectors)
        row = self.row_of(int(ids[0])) if len(ids) == 1 else None
        if row is None:
            row = self.count
            self._ensure_capacity(row + len(ids))
            self.count += len(ids)
        self._write(slice(row, row + len(ids)), ids, points)
        self.changes += len(ids)

    def _write(self, rows: slice, ids: NDArray[np.int64], points: Float32Array) -> None:
        self.ids[rows], self.points[rows] = ids, points
        points = self.points[rows]  # as it is kept
        self.squared_norms[rows] = np.einsum("ij,ij->i", points, points)
        self.local_scale[rows] = self._local_scale_of(points)

    def set_vector(self, track_id: int, data: bytes | None) -> None:
        """Add or replace a track by its stored vector; remove it if that is None, or too old to be compared here."""
        size = VECTOR_SIZES[self.version]
        if data is None or len(data) < 4 * size:
            self.remove(track_id)
        else:
            self.upsert(np.array([track_id], np.int64), np.frombuffer(data, "<f4", size)[None])

    def remove(self, track_id: int) -> None:
        """Remove a track, if it is in the index."""
        row = self.row_of(track_id)
        if row is None:
            return
        self.count -= 1
        self.points.copy_row(self.count, row)  # the last row fills the gap
        for array in (self.ids, self.squared_norms, self.local_scale):
            array[row] = array[self.count]
        self.changes += 1

    def nearest(self, row: int, limit: int) -> Neighbours:
        """Return the ids and similarities of the tracks nearest to the one in a row, nearest first, without itself.

        The similarity is exp(-d^2 / (s1 s2)), where d is the distance and s1 and s2 are the local scales of the two
        tracks: 1 for equal points, near 0 for distant ones. Local scaling (Zelnik-Manor and Perona 2004) keeps central
        tracks from being near to every other one (hubness: Schnitzer et al. 2012). Here the local scale is the mean
        distance to the 10 nearest of a sample of tracks, in place of the distance to the k-th nearest track.
        """
        return self._nearest(self.points[row], float(self.local_scale[row]), limit, [row])

    def nearest_to_mean(self, track_ids: Sequence[int], limit: int, away_from: Sequence[int] = ()) -> Neighbours | None:
        """Return the ids and similarities of the tracks nearest to the mean of some tracks, these among them.

        The mean is first moved away from that of others by half their distance, as in Rocchio's relevance feedback
        (1971). None if none of `track_ids` is in the index; of the others, those that are not do not count.
        """
        point = self._mean(track_ids)
        if point is None:
            return None
        other = self._mean(away_from)
        if other is not None:
            point += _AWAY * (point - other)
        return self._nearest(point, float(self._local_scale_of(point[None])[0]), limit)

    def _mean(self, track_ids: Sequence[int]) -> Float32Array | None:
        (rows,) = np.nonzero(np.isin(self.ids[: self.count], track_ids))
        return np.asarray(self.points[rows].mean(axis=0), np.float32) if rows.size else None

    def part(self, rows: NDArray[np.int64]) -> "NearestNeighbourIndex":
        """Return an index of some rows alone, in their order."""
        return replace(
            self,
            ids=self.ids[rows],
            points=self.points.part(rows),
            squared_norms=self.squared_norms[rows],
            local_scale=self.local_scale[rows],
            count=rows.size,
        )

    def _nearest(self, point: Float32Array, scale: float, limit: int, without: Sequence[int] = ()) -> Neighbours:
        """Return ids and similarities of the tracks nearest to a point with a local scale, without those in rows."""
        scaled = self.scaled_distances(point)
        scaled[list(without)] = np.inf
        count = min(limit, self.count - len(without))
        best = np.argpartition(scaled, count - 1)[:count] if count else np.zeros(0, np.int64)
        best = best[np.argsort(scaled[best], kind="stable")]
        return self.ids[best], self.similarity(scaled[best], scale)

    def scaled_distances(self, point: Float32Array) -> Float32Array:
        """Return the squared distances of all tracks from a point, divided by their local scales."""
        n = self.count
        scaled = self.points.dot(-2 * point, n)
        scaled += self.squared_norms[:n]
        scaled += point @ point
        scaled /= self.local_scale[:n]
        return np.asarray(scaled, np.float32)

    @staticmethod
    def similarity(scaled: Float32Array, scale: float) -> NDArray[np.float64]:
        """Return similarities from what `scaled_distances` returns, and the local scale of the point."""
        return np.asarray(np.exp(-np.maximum(scaled, 0).astype(np.float64) / scale), np.float64)

    def _local_scale_of(self, points: Float32Array) -> Float32Array:
        """Return the mean distance of each point to its nearest anchors, (n,)."""
        distances = ((points**2).sum(axis=1)[:, None] + (self.anchors**2).sum(axis=1)) - 2 * (points @ self.anchors.T)
        distances = np.sqrt(np.maximum(distances, 0))
        distances[distances < _MIN_DISTANCE] = np.inf
        count = min(_NEAREST_ANCHORS, distances.shape[1])
        nearest = np.partition(distances, count - 1, axis=1)[:, :count]
        finite = np.isfinite(nearest)
        mean = np.where(finite, nearest, 0).sum(axis=1) / np.maximum(finite.sum(axis=1), 1)
        return np.asarray(np.maximum(mean, _MIN_DISTANCE), np.float32)

    def _ensure_capacity(self, rows: int) -> None:
        if rows <= self.ids.size:
            return
        capacity = max(rows, self.ids.size * 9 // 8 + 256)
        self.points = self.points.resized(capacity)
        for name in ("ids", "squared_norms", "local_scale"):
            old = getattr(self, name)
            new = np.zeros(capacity, old.dtype)
            new[: self.count] = old[: self.count]
            setattr(self, name, new)


def load_index(db: sqlite3.Connection) -> NearestNeighbourIndex | None:
    """Fit an embedding to the stored vectors and return the index of all tracks; None if there are no vectors.

    Missing tracks and vectors that cannot be compared are left out. If vectors of an older version are among the
    others, all are compared by the values that these have. The vectors are read twice, in chunks, so that they are
    never all in memory.
    """
    version = stored.compared_version(db)
    rows = db.execute(
        "SELECT track_id FROM vectors JOIN tracks ON id = track_id AND missing_since IS NULL "
        f"WHERE {stored.COMPARABLE} ORDER BY track_id"
    )
    ids = np.fromiter((row["track_id"] for row in rows), np.int64)
    if version is None or not ids.size:
        return None
    sample_ids = np.random.default_rng(0).permutation(ids)[:_MAX_SAMPLE_TRACKS].tolist()
    condition = "AND track_id IN (SELECT value FROM json_each(?))"
    sample = np.concatenate([vectors for _, vectors in _read_vectors(db, version, condition, sample_ids)])
    embedding = fit_embedding(sample)
    sample = np.random.default_rng(0).permutation(embedding.embed(sample))
    points = Points.empty(sample, ids.size + _SPARE_ROWS)
    index = NearestNeighbourIndex.empty(embedding, version, sample[:MAX_ANCHORS], points)
    for chunk_ids, vectors in _read_vectors(db, version, "", None):
        index.upsert(chunk_ids, vectors)
    index.changes = 0
    return index


def _read_vectors(
    db: sqlite3.Connection, version: int, condition: str, track_ids: list[int] | None
) -> Iterator[tuple[NDArray[np.int64], Float32Array]]:
    """Yield ids and vectors in chunks, (n, size): the values that a version has.

    `track_ids` is the parameter of the condition, if any.
    """
    last_id, size = -1, VECTOR_SIZES[version]
    values = [] if track_ids is None else [str(track_ids)]
    while True:
        rows = db.execute(
            # By the index of versions, which most vectors share, SQLite would pass and sort all of them for each chunk.
            "SELECT track_id, substr(data, 1, ?) AS data FROM vectors NOT INDEXED "
            "JOIN tracks ON id = track_id AND missing_since IS NULL "
            f"WHERE version BETWEEN ? AND ? AND length(data) >= ? AND track_id > ? {condition} ORDER BY track_id "
            f"LIMIT {_CHUNK_ROWS}",
            (4 * size, version, FEATURE_VERSION, 4 * size, last_id, *values),
        ).fetchall()
        if not rows:
            return
        last_id = rows[-1]["track_id"]
        vectors = np.frombuffer(b"".join(row["data"] for row in rows), "<f4").reshape(-1, size)
        yield np.array([row["track_id"] for row in rows], np.int64), vectors
