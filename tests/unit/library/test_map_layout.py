"""The map: neighbours lie together, new tracks among their neighbours, and the same library gives the same map."""

import numpy as np
import pytest

from soniquebay.library.similarity.embedding import Float32Array
from soniquebay.library.similarity.map_layout import lay_out, place_among
from soniquebay.library.similarity.map_places import MAX_COORDINATE
from soniquebay.library.similarity.neighbour_graph import nearest_neighbours, nearest_of_others
from tests.support.trustworthiness import trustworthiness

DIMENSIONS = 64
MIN_TRUSTWORTHINESS = 0.98  # UMAP reaches 0.985 on such points


def clustered(count: int, clusters: int = 20, seed: int = 0) -> tuple[Float32Array, np.ndarray]:
    """Return points in clusters, and the cluster of each."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(clusters, DIMENSIONS)) * np.linspace(1.5, 0.3, DIMENSIONS)
    of = chance.integers(clusters, size=count)
    return (centres[of] + chance.normal(scale=0.35, size=(count, DIMENSIONS))).astype(np.float32), of


def test_the_neighbours_of_every_point_are_found() -> None:
    points, _ = clustered(7000, 200)
    rows, distances = nearest_neighbours(points, 10)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert not (rows == np.arange(7000)[:, None]).any()  # a point is no neighbour of itself
    exact, exact_distances = nearest_of_others(points[:200], points, 11)
    shared = [len(set(a) & set(b) - {n}) for n, (a, b) in enumerate(zip(rows[:200], exact, strict=True))]
    assert np.mean(shared) > 9.5
    assert np.allclose(np.sort(exact_distances)[:, 1], distances[:200, 0], atol=1e-2)
    with pytest.raises(ValueError, match="have no 10 neighbours"):
        nearest_neighbours(points[:10], 10)


def test_what_is_near_on_the_map_is_near_in_sound() -> None:
    points, of = clustered(1500)
    places = lay_out(points)
    assert (places.min(), places.max()) == (0, MAX_COORDINATE)
    assert trustworthiness(points, places) > MIN_TRUSTWORTHINESS
    assert trustworthiness(points, points[:, :2]) < 0.9  # the measure tells a good map from two of the dimensions
    assert len(np.unique(places, axis=0)) > 0.95 * len(points)  # others repel each other
    centres = np.array([places[of == cluster].mean(axis=0) for cluster in range(20)])
    nearest = np.argmin(((places[:, None] - centres) ** 2).sum(axis=2), axis=1)
    assert (nearest == of).mean() > 0.95


def test_trustworthiness_is_that_of_its_definition() -> None:
    points = np.arange(8, dtype=np.float32)[:, None]
    assert trustworthiness(points, points, 2) == 1.0
    # One pair changes places: ranks of intruders, counted by hand. n=8, k=2: 1 - 2 / (8 * 2 * 9) * sum(rank - k).
    swapped = points.copy()
    swapped[[0, 7]] = swapped[[7, 0]]
    distances = np.abs(points - points.T)
    on_map = np.abs(swapped - swapped.T)
    penalty = 0
    for row in range(8):
        by_sound = sorted((n for n in range(8) if n != row), key=lambda n: (distances[row, n], n))
        by_map = sorted((n for n in range(8) if n != row), key=lambda n: (on_map[row, n], n))
        penalty += sum(max(0, by_sound.index(n) + 1 - 2) for n in by_map[:2])
    assert penalty
    assert trustworthiness(points, swapped, 2) == pytest.approx(1 - 2 * penalty / (8 * 2 * 9), abs=0.02)


def test_the_same_points_and_seed_give_the_same_map() -> None:
    points, _ = clustered(300)
    shares: list[float] = []
    first = lay_out(points, 1, shares.append)
    assert (first == lay_out(points, 1)).all()
    assert (first != lay_out(points, 2)).any()
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("count", [1, 2, 3, 16])
def test_small_and_equal_libraries_have_a_map(count: int) -> None:
    for points in (clustered(count)[0], np.ones((count, DIMENSIONS), np.float32)):
        places = lay_out(points)
        assert places.shape == (count, 2)
        assert ((places >= 0) & (places <= MAX_COORDINATE)).all()


def test_new_tracks_are_placed_among_their_neighbours() -> None:
    points, of = clustered(1200)
    old, new = slice(0, 1000), slice(1000, 1200)
    places = lay_out(points[old])
    found = place_among(points[new], points[old], places)
    centres = np.array([places[of[old] == cluster].mean(axis=0) for cluster in range(20)])
    nearest = np.argmin(((found[:, None] - centres) ** 2).sum(axis=2), axis=1)
    assert (nearest == of[new]).mean() > 0.95
    # One that sounds exactly as another lies at its place.
    same = place_among(points[5:6], points[old], places)[0]
    assert np.abs(same - places[5]).max() < MAX_COORDINATE / 50
    assert (place_among(points[new], points[:1], places[:1]) == places[0]).all()
