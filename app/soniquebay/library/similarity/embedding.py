"""The space in which tracks are compared: made from the library's own vectors, nothing of it is learned from labels.

Each dimension is measured by its median and spread in the library; each group of features counts the same, however many
values it has; within a group, directions that say the same are evened out by half (partial whitening); at the end the
directions in which the library's tracks hardly differ are left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.feature_schema import GROUPS

DIMENSIONS = 64
_BEND = 3.0  # spreads; a value farther out counts little more: one odd value must not decide
_WHITENING = 0.75  # 0: directions keep their spread, 1: all count the same
_FLOOR = 0.02  # of the mean variance of a group's directions: what lies below is noise

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Space:
    """A way from raw vectors to points whose Euclidean distance is how different two tracks sound."""

    median: Array  # (SIZE,)
    scale: Array  # (SIZE,) one over the spread; 0 where all tracks agree
    centre: Array  # (SIZE,) mean of the bent values
    projection: Array  # (SIZE, up to DIMENSIONS)

    def points(self, raw: Array) -> Array:
        """Return the points of vectors, (n, SIZE) to (n, DIMENSIONS)."""
        return np.asarray((_bent(raw, self.median, self.scale) - self.centre) @ self.projection, np.float32)


def fit(raw: Array) -> Space:
    """Make the space of these vectors, (n, SIZE): all of a library, or a sample of it."""
    low, median, high = np.percentile(raw, [15.87, 50, 84.13], axis=0).astype(np.float32)
    spread = (high - low) / 2
    # A dimension that is the same for most tracks (mono) still tells the others apart.
    spread = np.where(spread > 1e-6, spread, raw.std(axis=0))
    # Where all tracks agree there is nothing to tell; dividing by the spread would make noise of it.
    scale = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0).astype(np.float32)
    bent = _bent(raw, median, scale)
    centre = bent.mean(axis=0)
    bent = bent - centre
    blocks = np.zeros((raw.shape[1], raw.shape[1]), np.float32)
    start = 0
    for size in GROUPS.values():
        place = slice(start, start + size)
        blocks[place, place] = _even(bent[:, place])
        start += size
    return Space(median, scale, centre, blocks @ _principal(bent @ blocks))


def _bent(raw: Array, median: Array, scale: Array) -> Array:
    return np.asarray(_BEND * np.tanh((raw - median) * scale / _BEND), np.float32)


def _even(values: Array) -> Array:
    """Return the matrix that whitens a group in part and gives it the total variance 1."""
    variance, directions = np.linalg.eigh(values.T.astype(np.float64) @ values / max(1, values.shape[0]))
    variance = np.maximum(variance, 0)
    if variance.sum() < 1e-9:
        return np.zeros((values.shape[1], values.shape[1]), np.float32)
    gain = (variance + _FLOOR * variance.mean()) ** (-_WHITENING / 2)
    return np.asarray(directions * gain / np.sqrt((variance * gain**2).sum()), np.float32)


def _principal(values: Array) -> Array:
    variance, directions = np.linalg.eigh(values.T.astype(np.float64) @ values)
    return np.asarray(directions[:, np.argsort(variance)[::-1][:DIMENSIONS]], np.float32)
