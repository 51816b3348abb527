"""The nearest neighbours of all points at once, for the map. They are searched in cells, so a few are overlooked."""

import numpy as np
from numpy.typing import NDArray

from soniquebay.library.similarity.embedding import Float32Array

Int32Array = NDArray[np.int32]

_MIN_CANDIDATES = 3000  # points that each point is compared with; of at most so many, none is overlooked
_KMEANS_SAMPLE_POINTS = 20_000
_KMEANS_ROUNDS = 8
_BLOCK_ROWS = 256  # a block of distances to all candidates has some megabytes


def nearest_neighbours(points: Float32Array, count: int, seed: int = 0) -> tuple[Int32Array, Float32Array]:
    """Return the rows of the nearest other points, and their Euclidean distances, both (n, count), nearest first.

    The points, (n, dimensions), are divided into about sqrt(n) cells by k-means, and each point is compared with those
    of the cells around it. Raises ``ValueError`` unless there are more than `count` points.
    """
    if points.shape[0] <= count:
        raise ValueError(f"{points.shape[0]} points have no {count} neighbours each")
    cells, centres = _cells(points, seed)
    members = np.argsort(cells, kind="stable").astype(np.int32)
    starts = np.searchsorted(cells[members], np.arange(len(centres) + 1))
    norms = np.einsum("ij,ij->i", points, points)
    rows = np.empty((points.shape[0], count), np.int32)
    distances = np.empty((points.shape[0], count), np.float32)
    for cell, around in enumerate(np.argsort(_squared_distances(centres, centres), axis=1)):
        own = members[starts[cell] : starts[cell + 1]]
        if not own.size:
            continue
        sizes = np.cumsum(starts[around + 1] - starts[around])
        used = around[: np.searchsorted(sizes, max(_MIN_CANDIDATES, count + 1)) + 1]
        candidates = np.concatenate([members[starts[c] : starts[c + 1]] for c in used])
        for first in range(0, own.size, _BLOCK_ROWS):
            block = own[first : first + _BLOCK_ROWS]
            squared = points[block] @ points[candidates].T
            squared *= -2
            squared += norms[candidates]
            squared[candidates[None] == block[:, None]] = np.inf
            best = np.argpartition(squared, count - 1, axis=1)[:, :count]
            found = np.take_along_axis(squared, best, axis=1) + norms[block, None]
            order = np.argsort(found, axis=1, kind="stable")
            rows[block] = candidates[np.take_along_axis(best, order, axis=1)]
            distances[block] = np.sqrt(np.maximum(np.take_along_axis(found, order, axis=1), 0))
    return rows, distances


def nearest_of_others(points: Float32Array, others: Float32Array, count: int) -> tuple[Int32Array, Float32Array]:
    """Return the rows of the `others` nearest to each point, and their distances, (n, count), in no order; exact."""
    count = min(count, others.shape[0])
    norms = np.einsum("ij,ij->i", others, others)
    rows = np.empty((points.shape[0], count), np.int32)
    distances = np.empty((points.shape[0], count), np.float32)
    step = max(1, (_BLOCK_ROWS * _MIN_CANDIDATES) // others.shape[0])
    for first in range(0, points.shape[0], step):
        block = points[first : first + step]
        squared = block @ others.T
        squared *= -2
        squared += norms
        best = np.argpartition(squared, count - 1, axis=1)[:, :count]
        found = np.take_along_axis(squared, best, axis=1) + np.einsum("ij,ij->i", block, block)[:, None]
        rows[first : first + step] = best
        distances[first : first + step] = np.sqrt(np.maximum(found, 0))
    return rows, distances


def _cells(points: Float32Array, seed: int) -> tuple[Int32Array, Float32Array]:
    """Return the cell of each point, and the centres of the cells."""
    chance = np.random.default_rng(seed)
    if points.shape[0] <= _MIN_CANDIDATES:
        return np.zeros(points.shape[0], np.int32), points[:1]
    sample = points[np.sort(chance.permutation(points.shape[0])[:_KMEANS_SAMPLE_POINTS])]
    centres = chance.permutation(sample)[: round(points.shape[0] ** 0.5)]
    for _ in range(_KMEANS_ROUNDS):
        cells = _nearest_centre(sample, centres)
        order = np.argsort(cells, kind="stable")
        used, starts, sizes = np.unique(cells[order], return_index=True, return_counts=True)
        centres[used] = np.add.reduceat(sample[order], starts, axis=0) / sizes[:, None]
    return _nearest_centre(points, centres), centres


def _nearest_centre(points: Float32Array, centres: Float32Array) -> Int32Array:
    cells = np.empty(points.shape[0], np.int32)
    for first in range(0, points.shape[0], _BLOCK_ROWS * 8):
        block = slice(first, first + _BLOCK_ROWS * 8)
        cells[block] = np.argmin(_squared_distances(points[block], centres), axis=1)
    return cells


def _squared_distances(points: Float32Array, others: Float32Array) -> Float32Array:
    """Return squared distances without the squared norms of `points`, which do not change an order of the others."""
    return np.asarray((others**2).sum(axis=1) - 2 * (points @ others.T), np.float32)
