"""How far neighbours on a map can be trusted to sound alike."""

import numpy as np
from numpy.typing import NDArray

from soniquebay.library.similarity.embedding import Float32Array


def trustworthiness(points: Float32Array, places: NDArray[np.generic], neighbours: int = 15) -> float:
    """Return the trustworthiness of a map, from 0 to 1, as Venna and Kaski define it.

    ("Neighborhood preservation in nonlinear projection methods", ICANN 2001.)
    Of each point the nearest on the map are looked at. One that is not among the nearest in the original space counts
    by its rank there. It takes n^2 distances, so it is for some thousand points, more than 2 `neighbours`.
    """
    n = points.shape[0]
    ranks = np.argsort(np.argsort(_distances(points), axis=1), axis=1)  # 0 is the point itself
    on_map = np.argsort(_distances(np.asarray(places, np.float64)), axis=1)[:, 1 : neighbours + 1]
    excess = np.take_along_axis(ranks, on_map, axis=1) - neighbours
    penalty = float(excess[excess > 0].sum())
    return 1.0 - 2.0 * penalty / (n * neighbours * (2 * n - 3 * neighbours - 1))


def _distances(points: NDArray[np.floating]) -> NDArray[np.floating]:
    squared = (points**2).sum(axis=1)
    distances: NDArray[np.floating] = squared[:, None] + squared - 2 * (points @ points.T)
    np.fill_diagonal(distances, -np.inf)
    return distances
