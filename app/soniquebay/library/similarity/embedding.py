"""The embedding in which tracks are compared. It is fitted to the library's own vectors; no labels are used.

1. Robust scaling: each value is centred by its median and divided by its spread in the library.
2. Soft clipping: tanh limits the influence of a single extreme value.
3. Partial whitening within each group of features: correlated values count less, and each group has a total variance of
   1, however many values it has. The learned group is not whitened, because its training has chosen what its directions
   count, and it has a total variance of 4.
4. Principal component analysis: the directions in which the tracks differ least are left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.feature_schema import FEATURE_GROUPS

EMBEDDING_DIMENSIONS = 64

_PERCENTILES = [15.87, 50, 84.13]  # a normal distribution has them one deviation below, at, and above its mean
_MIN_SPREAD = 1e-6
_CLIP_SPREADS = 3.0  # tanh bends values towards this limit
_WHITENING_EXPONENT = 0.75  # 0 keeps the variances of a group's directions, 1 makes them equal
_LEARNED_GROUP = "learned"
_LEARNED_WEIGHT = 2.0  # by which its distances count more than those of another group
_VARIANCE_FLOOR = 0.02  # relative to the mean variance of the directions; what lies below is noise

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Embedding:
    """A map from vectors to points. Their Euclidean distance says how different two tracks sound."""

    median: Float32Array  # (size,): the values of a vector, or the first groups of them
    scale: Float32Array  # (size,), reciprocal of the spread; 0 where all tracks have the same value
    centre: Float32Array  # (size,), mean of the scaled and clipped values
    projection: Float32Array  # (size, EMBEDDING_DIMENSIONS)

    def embed(self, vectors: Float32Array) -> Float32Array:
        """Return the points of vectors: (n, size) to (n, EMBEDDING_DIMENSIONS), float32."""
        scaled = _scale_and_clip(vectors, self.median, self.scale)
        return np.asarray((scaled - self.centre) @ self.projection, np.float32)


def fit_embedding(vectors: Float32Array) -> Embedding:
    """Return the embedding for the vectors of a library, or of a sample of it: float32, (n, size), n >= 1.

    `size` is that of whole groups, from the first one on.
    """
    low, median, high = np.percentile(vectors, _PERCENTILES, axis=0).astype(np.float32)
    spread = (high - low) / 2
    # A value that is equal for most tracks (mono) still distinguishes the others.
    spread = np.where(spread > _MIN_SPREAD, spread, vectors.std(axis=0))
    # A value that is equal for all tracks says nothing: divided by its spread, it would be noise.
    scale = np.where(spread > _MIN_SPREAD, 1 / np.maximum(spread, _MIN_SPREAD), 0).astype(np.float32)
    scaled = _scale_and_clip(vectors, median, scale)
    centre = scaled.mean(axis=0)
    scaled = scaled - centre
    whitening = np.zeros((vectors.shape[1], vectors.shape[1]), np.float32)  # block-diagonal, one block a group
    start = 0
    for name, size in FEATURE_GROUPS.items():
        if start == vectors.shape[1]:
            break
        group = slice(start, start + size)
        if name == _LEARNED_GROUP:
            whitening[group, group] = _LEARNED_WEIGHT * _whitening_matrix(scaled[:, group], exponent=0)
        else:
            whitening[group, group] = _whitening_matrix(scaled[:, group])
        start += size
    return Embedding(median, scale, centre, whitening @ _principal_directions(scaled @ whitening))


def _scale_and_clip(vectors: Float32Array, median: Float32Array, scale: Float32Array) -> Float32Array:
    return np.asarray(_CLIP_SPREADS * np.tanh((vectors - median) * scale / _CLIP_SPREADS), np.float32)


def _whitening_matrix(values: Float32Array, exponent: float = _WHITENING_EXPONENT) -> Float32Array:
    """Return the matrix that whitens the centred values of a group, (n, size), in part; zero if they are constant."""
    variance, directions = np.linalg.eigh(values.T.astype(np.float64) @ values / max(1, values.shape[0]))
    variance = np.maximum(variance, 0)
    if variance.sum() < 1e-9:
        return np.zeros((values.shape[1], values.shape[1]), np.float32)
    gain = (variance + _VARIANCE_FLOOR * variance.mean()) ** (-exponent / 2)
    return np.asarray(directions * gain / np.sqrt((variance * gain**2).sum()), np.float32)


def _principal_directions(values: Float32Array) -> Float32Array:
    """Return the directions of the largest variance of centred values, as columns."""
    variance, directions = np.linalg.eigh(values.T.astype(np.float64) @ values)
    return np.asarray(directions[:, np.argsort(variance)[::-1][:EMBEDDING_DIMENSIONS]], np.float32)
