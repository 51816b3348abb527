"""The neighbours of a track: their order, their updates while the library changes, and which vectors are refused."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, OLDEST_VERSION, VECTOR_SIZE
from soniquebay.library import queries
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_missing, mark_returned
from soniquebay.library.similarity import index as index_module
from soniquebay.library.similarity import nearest_neighbours
from soniquebay.library.similarity.embedding import EMBEDDING_DIMENSIONS, fit_embedding
from soniquebay.library.similarity.index import SimilarityIndex
from soniquebay.library.similarity.nearest_neighbours import NearestNeighbourIndex
from soniquebay.library.similarity.vectors import mark_outdated_for_analysis, store

RNG_SEED = 7


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "library.db")
    database.migrate()
    with database.transaction() as connection:
        connection.execute("INSERT INTO artists (name, normalised_name) VALUES ('A', 'a')")
    yield database


def add_tracks(
    db: Database, index: SimilarityIndex | None, *vectors: np.ndarray, version: int = FEATURE_VERSION
) -> list[int]:
    """Insert a track for each vector, and update the index as the API does."""
    ids = []
    with db.transaction() as connection:
        for vector in vectors:
            cursor = connection.execute(
                "INSERT INTO tracks (title, artist_id, duration, format, added_at, path, size, mtime_ns) "
                "VALUES ('T', 1, 1, 'X', 0, hex(randomblob(8)), 1, 1)"
            )
            ids.append(int(cursor.lastrowid or 0))
            connection.execute(
                "INSERT INTO vectors (track_id, version, data) VALUES (?, ?, ?)", (ids[-1], version, vector.tobytes())
            )
    if index is not None:
        for track_id, vector in zip(ids, vectors, strict=True):
            index.update(track_id, version, vector.tobytes())
    return ids


def delete_track(db: Database, track_id: int) -> None:
    with db.transaction() as connection:
        connection.execute("DELETE FROM tracks WHERE id = ?", (track_id,))


def random_vectors(count: int, seed: int = RNG_SEED) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, VECTOR_SIZE)).astype("<f4")


def neighbour_ids(index: SimilarityIndex, db: Database, track_id: int, limit: int = 5) -> list[int]:
    neighbours = index.nearest(db.reader(), track_id, limit)
    assert neighbours is not None
    return [neighbour_id for neighbour_id, _ in neighbours]


def test_neighbours_come_in_descending_similarity_from_one_to_zero(db: Database) -> None:
    vectors = random_vectors(60)
    vectors[1] = vectors[0]
    ids = add_tracks(db, None, *vectors)
    neighbours = SimilarityIndex(db.reader).nearest(db.reader(), ids[0], 500)
    assert neighbours is not None
    scores = [score for _, score in neighbours]
    assert neighbours[0] == (ids[1], pytest.approx(1.0, abs=1e-4))
    assert scores == sorted(scores, reverse=True)
    assert len(neighbours) == 59
    assert all(0 <= score <= 1 for score in scores)


def test_the_api_of_an_empty_library_does_not_load_numpy(db: Database) -> None:
    code = (
        "import sys, soniquebay.api.server\n"
        "from soniquebay.library.database import Database\n"
        "from soniquebay.library.similarity.index import SimilarityIndex\n"
        "db = Database(sys.argv[1])\n"
        "assert SimilarityIndex(db.reader).nearest(db.reader(), 1, 5) is None\n"
        "sys.exit('numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, db.path], check=True)


def test_a_stored_vector_is_a_neighbour_without_a_rebuild(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    index = SimilarityIndex(db.reader)
    vectors = random_vectors(50)
    ids = add_tracks(db, index, *vectors)
    neighbour_ids(index, db, ids[0])

    def fail(connection: sqlite3.Connection) -> None:
        raise AssertionError("the index was rebuilt")

    monkeypatch.setattr(nearest_neighbours, "load_index", fail)
    index._next_rebuild_at = np.inf
    (new,) = add_tracks(db, index, vectors[3] + np.float32(0.001))
    assert neighbour_ids(index, db, new)[0] == ids[3]
    assert neighbour_ids(index, db, ids[3])[0] == new


def test_a_new_vector_replaces_the_old_one(db: Database) -> None:
    index = SimilarityIndex(db.reader)
    vectors = random_vectors(50)
    ids = add_tracks(db, index, *vectors)
    neighbour_ids(index, db, ids[0])
    index._next_rebuild_at = np.inf
    with db.transaction() as connection:
        store(connection, ids[0], FEATURE_VERSION, vectors[7].tobytes(), None)
    index.update(ids[0], FEATURE_VERSION, vectors[7].tobytes())
    assert neighbour_ids(index, db, ids[0])[0] == ids[7]
    assert len(neighbour_ids(index, db, ids[0], 500)) == 49


def test_a_deleted_track_is_no_neighbour_any_more(db: Database) -> None:
    index = SimilarityIndex(db.reader)
    vectors = random_vectors(50)
    vectors[1:5] = vectors[0] + random_vectors(4, 1) * np.float32(0.01)
    ids = add_tracks(db, index, *vectors)
    assert set(neighbour_ids(index, db, ids[0], 4)) == set(ids[1:5])
    index._next_rebuild_at = np.inf
    delete_track(db, ids[2])
    delete_track(db, ids[4])
    after = neighbour_ids(index, db, ids[0], 4)
    assert after[:2] in ([ids[1], ids[3]], [ids[3], ids[1]])
    assert len(after) == 4  # others take the places of the deleted ones
    assert index.nearest(db.reader(), ids[2], 5) is None
    assert len(neighbour_ids(index, db, ids[0], 500)) == 47


def test_vectors_that_have_nothing_in_common_with_the_present_ones_are_not_compared(db: Database) -> None:
    index = SimilarityIndex(db.reader)
    vectors = random_vectors(20)
    ids = add_tracks(db, index, *vectors[:10])
    old = add_tracks(db, index, *vectors[10:], version=OLDEST_VERSION - 1)
    assert index.nearest(db.reader(), old[0], 5) is None
    assert set(neighbour_ids(index, db, ids[0], 500)) == set(ids[1:])
    # The first start of a new release marks them for analysis.
    assert queries.unanalysed_tracks(db.reader(), 100) == []
    with db.transaction() as connection:
        assert mark_outdated_for_analysis(connection) == len(old)
    assert sorted(track["id"] for track in queries.unanalysed_tracks(db.reader(), 100)) == old


def test_a_missing_track_is_no_neighbour_until_its_file_is_back(db: Database) -> None:
    index = SimilarityIndex(db.reader)
    ids = add_tracks(db, index, *random_vectors(10))
    path = queries.track_path(db.reader(), ids[3])
    assert ids[3] in neighbour_ids(index, db, ids[0], 500)
    with db.transaction() as connection:
        mark_missing(connection, [str(path)])
    assert ids[3] not in neighbour_ids(index, db, ids[0], 500)
    with db.transaction() as connection:
        mark_returned(connection, [str(path)])
    index.mark_outdated()
    assert ids[3] in neighbour_ids(index, db, ids[0], 500)


def test_a_vector_stored_during_a_rebuild_is_not_lost(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    index = SimilarityIndex(db.reader)
    vectors = random_vectors(12)
    ids = add_tracks(db, index, *vectors[:10])
    added: list[int] = []
    load_index = nearest_neighbours.load_index

    def load_and_change(connection: sqlite3.Connection) -> NearestNeighbourIndex | None:
        loaded = load_index(connection)
        added.extend(add_tracks(db, index, vectors[10]))
        delete_track(db, ids[5])
        index.update(ids[5], FEATURE_VERSION, None)
        return loaded

    monkeypatch.setattr(nearest_neighbours, "load_index", load_and_change)
    neighbours = neighbour_ids(index, db, ids[0], 500)
    assert added[0] in neighbours
    assert ids[5] not in neighbours


def test_the_index_of_a_large_library_is_rebuilt_in_the_background(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_MAX_SYNCHRONOUS_TRACKS", 5)
    index = SimilarityIndex(db.reader)
    ids = add_tracks(db, index, *random_vectors(30))
    neighbour_ids(index, db, ids[0])
    before = index._index
    index._next_rebuild_at = 0.0
    add_tracks(db, index, *random_vectors(1, 2))
    for thread in _threads_started_by(lambda: neighbour_ids(index, db, ids[0])):
        thread.join(30)
    assert index._index is not before
    assert len(neighbour_ids(index, db, ids[0], 500)) == 30


def _threads_started_by(request: Callable[[], object]) -> list[threading.Thread]:
    before = set(threading.enumerate())
    request()
    return [thread for thread in threading.enumerate() if thread not in before]


def test_local_scaling_reduces_hubs() -> None:
    """In many dimensions some points are near to all others; local scaling makes that rarer."""
    vectors = np.random.default_rng(3).standard_t(4, size=(400, VECTOR_SIZE)).astype("<f4")
    embedding = fit_embedding(vectors)
    points = embedding.embed(vectors)
    index = NearestNeighbourIndex.of_points(embedding, FEATURE_VERSION, points, np.arange(400), points)
    scaled = _largest_hub(index)
    index.local_scale[:] = 1
    assert scaled < 0.6 * _largest_hub(index)


def test_a_track_is_none_of_its_own_nearest_anchors() -> None:
    """Rounding puts a track a little away from itself: it must not count as near for that."""
    vectors = random_vectors(200)
    embedding = fit_embedding(vectors)
    points = embedding.embed(vectors)
    index = NearestNeighbourIndex.of_points(embedding, FEATURE_VERSION, points, np.arange(200), points)
    exact = index.points[:].astype(np.float64)
    distances = np.sort(np.linalg.norm(exact[:, None] - exact, axis=2), axis=1)
    assert index.local_scale == pytest.approx(distances[:, 1:11].mean(axis=1), rel=1e-4)


def _largest_hub(index: NearestNeighbourIndex) -> int:
    """Return how many of 400 tracks have the same track among their ten nearest, at most."""
    lists = [index.nearest(row, 10)[0] for row in range(400)]
    return int(np.bincount(np.concatenate(lists)).max())


@pytest.mark.parametrize("count", [1, 2, 3, 11, 70])
def test_a_library_of_any_size_has_neighbours(db: Database, count: int) -> None:
    ids = add_tracks(db, None, *random_vectors(count))
    index = SimilarityIndex(db.reader)
    neighbours = index.nearest(db.reader(), ids[0], 500)
    assert neighbours is not None
    assert len(neighbours) == count - 1
    assert np.isfinite([score for _, score in neighbours]).all()


def test_an_empty_library_and_equal_vectors_are_handled(db: Database) -> None:
    index = SimilarityIndex(db.reader)
    assert index.nearest(db.reader(), 1, 5) is None
    ids = add_tracks(db, index, *[np.ones(VECTOR_SIZE, "<f4")] * 6)
    assert len(neighbour_ids(index, db, ids[0])) == 5


def test_one_extreme_value_hardly_moves_a_point() -> None:
    vectors = random_vectors(300)
    vectors[:, 0] *= 1000  # one value on another scale
    points = fit_embedding(vectors).embed(vectors)
    assert points.shape == (300, EMBEDDING_DIMENSIONS)
    extreme = vectors.copy()
    extreme[0, 0] += 1e6
    assert np.linalg.norm(fit_embedding(vectors).embed(extreme)[0] - points[0]) < 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data": b"short"}, "float32"),
        ({"data": np.full(VECTOR_SIZE, np.nan, "<f4").tobytes()}, "finite"),
        ({"version": FEATURE_VERSION - 1}, "version"),
        ({"bpm": -3.0}, "tempo"),
        ({"bpm": float("nan")}, "tempo"),
        ({"bpm_confidence": 1.1}, "confidence"),
        ({"bpm_confidence": float("nan")}, "confidence"),
        ({"musical_key": "H dur"}, "keys"),
    ],
)
def test_an_invalid_analysis_is_refused_with_a_reason(db: Database, change: dict[str, object], reason: str) -> None:
    (track_id,) = add_tracks(db, None, *random_vectors(1))
    values = {
        "version": FEATURE_VERSION,
        "data": random_vectors(1)[0].tobytes(),
        "failure": None,
        "bpm": 120.0,
        "bpm_confidence": 0.5,
        "musical_key": "A minor",
    }
    with db.transaction() as connection:
        assert store(connection, track_id, **values)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=reason):
            store(connection, track_id, **(values | change))  # type: ignore[arg-type]
    track = queries.track(db.reader(), track_id)
    assert track is not None
    assert (track["bpm"], track["bpm_confidence"], track["has_vector"]) == (120.0, 0.5, True)
    assert (track["musical_key"], track["camelot"]) == ("A minor", "8A")
