"""The map of the library: a place in two dimensions for each track, so that what sounds alike lies together.

Neighbours attract each other and others, drawn at random, repel each other. The forces are those of LargeVis (Tang et
al., "Visualizing Large-scale and High-dimensional Data", WWW 2016), the weights of the neighbours those of UMAP
(McInnes, Healy and Melville, arXiv 1802.03426, 2018), and it starts from the two principal components. All tracks move
at once, because numpy is fast with whole arrays only.
"""

from collections.abc import Callable

import numpy as np

from soniquebay.library.similarity.embedding import Float32Array
from soniquebay.library.similarity.map_places import MAX_COORDINATE
from soniquebay.library.similarity.neighbour_graph import Int32Array, nearest_neighbours, nearest_of_others

NEIGHBOURS = 15

_EPOCHS = 200
_EPOCHS_OF_SMALL = 500  # a library of less than _SMALL_TRACKS
_SMALL_TRACKS = 10_000
_REPULSIONS = 5  # others that repel a track each time a neighbour attracts it
_FIRST_STEP = 0.4  # with more, neighbours would jump over each other
_MAX_FORCE = 4.0
_NEAR = 0.1  # squared distance below which the repulsion grows no more
_START_DEVIATION = 4.0  # of the first principal component, in units of the layout
_BISECTIONS = 24
_TINY = 1e-6  # points that differ by less are equal
_OUTLIERS_PERCENT = 0.05  # at each side; they lie at the margin, and the others have its room
_NEIGHBOURS_OF_NEW = 5  # among which a new track is placed


def lay_out(points: Float32Array, seed: int = 0, progress: Callable[[float], None] = lambda share: None) -> Int32Array:
    """Return the places of points, (n, dimensions), on the map: (n, 2), from 0 to `MAX_COORDINATE`.

    The same points and seed give the same map. `progress` is called with the share of the work that is done.
    """
    n = points.shape[0]
    chance = np.random.default_rng(seed)
    if n <= 2:
        return _as_coordinates(np.asarray(np.arange(2.0 * n).reshape(n, 2), np.float32))
    # Others are drawn by shifting all of them by a random number, which is quick. So the order has to be random.
    order = chance.permutation(n)
    shuffled = points[order]
    neighbours, distances = nearest_neighbours(shuffled, min(NEIGHBOURS, n - 1), seed)
    places = _principal_components(shuffled)
    places += chance.normal(scale=1e-3, size=places.shape).astype(np.float32)  # equal points have to part
    del shuffled
    progress(0.2)
    weights = _membership(distances)
    del distances
    epochs = _EPOCHS if n >= _SMALL_TRACKS else _EPOCHS_OF_SMALL
    for epoch in range(epochs):
        _move(places, neighbours, weights, _FIRST_STEP * (1 - epoch / epochs), chance)
        progress(0.2 + 0.8 * (epoch + 1) / epochs)
    result = np.empty((n, 2), np.int32)
    result[order] = _as_coordinates(places.T)
    return result


def place_among(points: Float32Array, placed_points: Float32Array, places: Int32Array) -> Int32Array:
    """Return the places of new points: each is the mean of the places of its nearest neighbours, the near ones more.

    `placed_points`, (m, dimensions) with m >= 1, have their places in `places`, (m, 2), and keep them.
    """
    rows, distances = nearest_of_others(points, placed_points, _NEIGHBOURS_OF_NEW)
    nearest = distances.min(axis=1, keepdims=True)
    spread = np.maximum((distances - nearest).mean(axis=1, keepdims=True), _TINY)
    weights = np.exp(-(distances - nearest) / spread)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.rint(np.einsum("ij,ijk->ik", weights, places[rows])), np.int32)


def _principal_components(points: Float32Array) -> Float32Array:
    """Return the first two principal components, (2, n)."""
    mean = points.mean(axis=0, dtype=np.float64)
    covariance = (points.T @ points) / points.shape[0] - np.outer(mean, mean)  # without a centred copy of the points
    _, directions = np.linalg.eigh(covariance)
    components = (points @ directions[:, :-3:-1].astype(np.float32)).T.copy()
    components -= components.mean(axis=1, keepdims=True)
    components *= _START_DEVIATION / max(float(components[0].std()), _TINY)
    return np.asarray(components, np.float32)


def _membership(distances: Float32Array) -> Float32Array:
    """Return the weight of each neighbour, (n, count), from sorted distances.

    1 for the nearest one, less for others. Those of a track have the sum log2(count), as in UMAP, so a track far from
    all others is held as fast as one in a crowd.
    """
    beyond = distances - distances[:, :1]
    target = max(float(np.log2(distances.shape[1])), 1.0)
    low = np.zeros((distances.shape[0], 1), np.float32)
    high = np.full_like(low, max(float(beyond.max()), 1e-6) * 100)
    for _ in range(_BISECTIONS):
        middle = np.sqrt(np.maximum(low, 1e-9) * high)
        is_wide = np.exp(-beyond / middle).sum(axis=1, keepdims=True) > target
        high, low = np.where(is_wide, middle, high), np.where(is_wide, low, middle)
    return np.asarray(np.exp(-beyond / np.maximum(high, 1e-9)), np.float32)


def _move(
    places: Float32Array, neighbours: Int32Array, weights: Float32Array, step: float, chance: np.random.Generator
) -> None:
    """Move all tracks once for each of their neighbours, in place."""
    n = places.shape[1]
    for rank in chance.permutation(neighbours.shape[1]):
        tails, weight = neighbours[:, rank], weights[:, rank] * np.float32(2 * step)
        way = places - places[:, tails]
        force = way * (weight / (1 + _squared(way)))
        move = -force
        for axis in range(2):
            move[axis] += np.bincount(tails, force[axis], n)
        twice = np.concatenate([places, places], axis=1)
        for shift in chance.integers(1, n, size=_REPULSIONS):
            way = places - twice[:, shift : shift + n]
            squared = _squared(way)
            way *= weight / ((_NEAR + squared) * (1 + squared))
            move += way
        np.clip(move, -_MAX_FORCE * step, _MAX_FORCE * step, out=move)
        places += move


def _squared(way: Float32Array) -> Float32Array:
    return np.asarray(way[0] * way[0] + way[1] * way[1], np.float32)


def _as_coordinates(places: Float32Array) -> Int32Array:
    """Return places as integers; both axes have the same scale, and the longer one fills the map."""
    low, high = np.percentile(places, [_OUTLIERS_PERCENT, 100 - _OUTLIERS_PERCENT], axis=0)
    middle, extent = (low + high) / 2, max(float((high - low).max()), _TINY)
    scaled = ((places - middle) / extent + 0.5) * MAX_COORDINATE
    return np.asarray(np.rint(np.clip(scaled, 0, MAX_COORDINATE)), np.int32)
