"""Points in 8 bits a value."""

import numpy as np
import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library.similarity import points as module
from soniquebay.library.similarity.embedding import Float32Array, fit_embedding
from soniquebay.library.similarity.nearest_neighbours import NearestNeighbourIndex
from soniquebay.library.similarity.points import Points


def some(count: int, dimensions: int = 8) -> Float32Array:
    return np.random.default_rng(1).normal(size=(count, dimensions)).astype(np.float32)


def test_a_value_is_off_by_half_a_step_at_most() -> None:
    sample = some(100)
    points = Points.empty(sample, 100)
    points[:] = sample
    step = 1.5 * (sample.max(axis=0) - sample.min(axis=0)) / 255
    assert (np.abs(points[:] - sample) <= 0.501 * step).all()
    np.testing.assert_array_equal(points[7], points.rounded(sample[7:8])[0])


def test_what_lies_beyond_the_margin_counts_as_the_outermost_value() -> None:
    points = Points.empty(np.array([[0.0, 0.0], [1.0, 0.0]], np.float32), 3)
    points[:] = np.array([[-9.0, 0.0], [9.0, 0.0], [1.2, 0.0]], np.float32)
    np.testing.assert_allclose(points[:], [[-0.25, 0.0], [1.25, 0.0], [1.2, 0.0]], atol=0.003)


@pytest.mark.parametrize("count", [0, 1, 4, 9, 10])
def test_products_are_those_of_the_rows(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(module, "_CHUNK_ROWS", 4)
    points = Points.empty(some(10), 10)
    points[:] = some(10)
    vector = some(1)[0]
    np.testing.assert_allclose(points.dot(vector, count), points[:count] @ vector, rtol=1e-4, atol=1e-5)


def test_rows_are_kept_when_there_are_more_and_when_one_is_copied() -> None:
    points = Points.empty(some(3), 3)
    points[:] = some(3)
    larger = points.resized(5)
    larger[4] = some(1)[0]
    larger.copy_row(4, 1)
    assert (larger.rows, points.rows) == (5, 3)
    np.testing.assert_array_equal(larger[np.array([0, 2])], points[np.array([0, 2])])
    np.testing.assert_array_equal(larger[1], points[0])
    np.testing.assert_array_equal(larger.part(np.array([4, 0]))[:], larger[np.array([4, 0])])


def test_the_same_tracks_are_found_as_with_all_bits() -> None:
    """Of the twenty nearest of each track, nearly all are the same, nearly in the same order."""
    vectors = np.random.default_rng(3).standard_t(4, size=(600, VECTOR_SIZE)).astype("<f4")
    embedding = fit_embedding(vectors)
    exact = embedding.embed(vectors)
    index = NearestNeighbourIndex.of_points(embedding, FEATURE_VERSION, exact[:512], np.arange(600), exact)
    same = 0
    for row in range(0, 600, 10):
        scaled = ((exact - exact[row]) ** 2).sum(axis=1) / index.local_scale[:600]
        scaled[row] = np.inf
        same += len({*index.nearest(row, 20)[0].tolist()} & {*np.argsort(scaled)[:20].tolist()})
    assert same > 0.98 * 20 * 60
