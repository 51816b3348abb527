"""Points in 8 bits a value: a table that is read and written by rows, as if it were one of float32."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soniquebay.library.similarity.embedding import Float32Array

_STEPS = 255
_MARGIN = 0.25  # beyond the sample's extremes at each end, as a share of their distance
_MIN_RANGE = 1e-6
_CHUNK_ROWS = 16_384  # which become 4 MB of float32 at a time


@dataclass(frozen=True, slots=True)
class Points:
    """Points of (rows, dimensions), of which a value is rounded to one of 256 between the extremes of a sample.

    What lies beyond these and their margin counts as the outermost value. So a distance is wrong by some thousandths
    of the spread of the sample.
    """

    low: Float32Array  # (dimensions,), the value of code 0
    step: Float32Array  # (dimensions,)
    codes: NDArray[np.uint8]  # (rows, dimensions)

    @classmethod
    def empty(cls, sample: Float32Array, rows: int) -> "Points":
        """Return a table for points as those of a sample, (n, dimensions), with rows that are not set."""
        low, high = sample.min(axis=0), sample.max(axis=0)
        distance = np.maximum(high - low, _MIN_RANGE)
        return cls(
            np.asarray(low - _MARGIN * distance, np.float32),
            np.asarray((1 + 2 * _MARGIN) / _STEPS * distance, np.float32),
            np.zeros((rows, sample.shape[1]), np.uint8),
        )

    def __getitem__(self, rows: Any) -> Float32Array:
        return self._decoded(self.codes[rows])

    def __setitem__(self, rows: Any, points: Float32Array) -> None:
        self.codes[rows] = self._encoded(points)

    def rounded(self, points: Float32Array) -> Float32Array:
        """Return other points as they would be kept, (n, dimensions)."""
        return self._decoded(self._encoded(points))

    def _encoded(self, points: Float32Array) -> NDArray[np.uint8]:
        steps = np.rint((points - self.low) / self.step)
        return np.asarray(np.clip(steps, 0, _STEPS), np.uint8)

    def _decoded(self, codes: NDArray[np.uint8]) -> Float32Array:
        return np.asarray(self.low + self.step * codes, np.float32)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.codes)

    def copy_row(self, source: int, target: int) -> None:
        """Put a point into another row, too."""
        self.codes[target] = self.codes[source]

    def dot(self, vector: Float32Array, count: int) -> Float32Array:
        """Return the inner products of the first rows and a vector, (count,)."""
        products = np.empty(count, np.float32)
        chunk = np.empty((min(count, _CHUNK_ROWS), vector.size), np.float32)
        weights = self.step * vector
        for start in range(0, count, _CHUNK_ROWS):
            codes = self.codes[start : min(start + _CHUNK_ROWS, count)]
            values = chunk[: len(codes)]
            np.copyto(values, codes)
            np.dot(values, weights, out=products[start : start + len(codes)])
        products += self.low @ vector
        return products

    def part(self, rows: NDArray[np.int64]) -> "Points":
        """Return some rows alone, in their order."""
        return replace(self, codes=self.codes[rows])

    def resized(self, rows: int) -> "Points":
        """Return the same points with more rows, which are not set."""
        codes = np.zeros((rows, self.codes.shape[1]), np.uint8)
        codes[: self.rows] = self.codes
        return replace(self, codes=codes)
