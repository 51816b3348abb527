"""The neighbours of a track: their order, their upkeep while the library changes, and what is refused."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from soniquebay.audio.feature_schema import SIZE, VERSION
from soniquebay.library import ingest, queries
from soniquebay.library.database import Database
from soniquebay.library.similarity import index as similarity
from soniquebay.library.similarity import nearest_neighbours
from soniquebay.library.similarity.embedding import DIMENSIONS, fit
from soniquebay.library.similarity.vectors import expire, store

RNG_SEED = 7


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "library.db")
    database.migrate()
    with database.transaction() as connection:
        connection.execute("INSERT INTO artists (name, normalised_name) VALUES ('A', 'a')")
    yield database


def add(db: Database, index: similarity.SimilarityIndex | None, *rows: np.ndarray, version: int = VERSION) -> list[int]:
    """Insert a track for each vector, and tell the index as the API does."""
    ids = []
    with db.transaction() as connection:
        for row in rows:
            cursor = connection.execute(
                "INSERT INTO tracks (title, artist_id, duration, format, added_at, path, size, mtime_ns) "
                "VALUES ('T', 1, 1, 'X', 0, hex(randomblob(8)), 1, 1)"
            )
            ids.append(int(cursor.lastrowid or 0))
            connection.execute(
                "INSERT INTO vectors (track_id, version, data) VALUES (?, ?, ?)", (ids[-1], version, row.tobytes())
            )
    if index is not None:
        for track_id, row in zip(ids, rows, strict=True):
            index.put(track_id, version, row.tobytes())
    return ids


def remove(db: Database, track_id: int) -> None:
    with db.transaction() as connection:
        connection.execute("DELETE FROM tracks WHERE id = ?", (track_id,))


def rows(count: int, seed: int = RNG_SEED) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, SIZE)).astype("<f4")


def near(index: similarity.SimilarityIndex, db: Database, track_id: int, limit: int = 5) -> list[int]:
    found = index.nearest(db.reader(), track_id, limit)
    assert found is not None
    return [i for i, _ in found]


def test_similarities_fall_from_one_to_zero(db: Database) -> None:
    vectors = rows(60)
    vectors[1] = vectors[0]
    ids = add(db, None, *vectors)
    found = similarity.SimilarityIndex(db.reader).nearest(db.reader(), ids[0], 500)
    assert found is not None
    scores = [score for _, score in found]
    assert found[0] == (ids[1], pytest.approx(1.0, abs=1e-4))
    assert scores == sorted(scores, reverse=True)
    assert len(found) == 59
    assert all(0 <= score <= 1 for score in scores)


def test_the_api_starts_without_what_vectors_are_calculated_with(db: Database) -> None:
    code = (
        "import sys, soniquebay.api.server\n"
        "from soniquebay.library.database import Database\n"
        "from soniquebay.library.similarity.index import SimilarityIndex\n"
        "db = Database(sys.argv[1])\n"
        "assert SimilarityIndex(db.reader).nearest(db.reader(), 1, 5) is None\n"
        "sys.exit('numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, db.path], check=True)


def test_a_stored_vector_is_found_without_reading_the_library_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = similarity.SimilarityIndex(db.reader)
    vectors = rows(50)
    ids = add(db, index, *vectors)
    near(index, db, ids[0])

    def fail(connection: sqlite3.Connection) -> None:
        raise AssertionError("the library was read again")

    monkeypatch.setattr(nearest_neighbours, "read", fail)
    index._due = np.inf
    (new,) = add(db, index, vectors[3] + np.float32(0.001))
    assert near(index, db, new)[0] == ids[3]
    assert near(index, db, ids[3])[0] == new


def test_a_new_vector_takes_the_place_of_the_old_one(db: Database) -> None:
    index = similarity.SimilarityIndex(db.reader)
    vectors = rows(50)
    ids = add(db, index, *vectors)
    near(index, db, ids[0])
    index._due = np.inf
    with db.transaction() as connection:
        store(connection, ids[0], VERSION, vectors[7].tobytes(), None)
    index.put(ids[0], VERSION, vectors[7].tobytes())
    assert near(index, db, ids[0])[0] == ids[7]
    assert len(near(index, db, ids[0], 500)) == 49


def test_a_removed_track_leaves_the_neighbours_at_once(db: Database) -> None:
    index = similarity.SimilarityIndex(db.reader)
    vectors = rows(50)
    vectors[1:5] = vectors[0] + rows(4, 1) * np.float32(0.01)
    ids = add(db, index, *vectors)
    assert set(near(index, db, ids[0], 4)) == set(ids[1:5])
    index._due = np.inf
    remove(db, ids[2])
    remove(db, ids[4])
    after = near(index, db, ids[0], 4)
    assert after[:2] in ([ids[1], ids[3]], [ids[3], ids[1]])
    assert len(after) == 4  # others take their places
    assert index.nearest(db.reader(), ids[2], 5) is None
    assert len(near(index, db, ids[0], 500)) == 47


def test_only_vectors_of_the_present_version_are_compared(db: Database) -> None:
    index = similarity.SimilarityIndex(db.reader)
    vectors = rows(20)
    ids = add(db, index, *vectors[:10])
    old = add(db, index, *vectors[10:], version=VERSION - 1)
    assert index.nearest(db.reader(), old[0], 5) is None
    assert set(near(index, db, ids[0], 500)) == set(ids[1:])
    # A new release has it analysed anew.
    assert queries.unanalysed_tracks(db.reader(), 100) == []
    with db.transaction() as connection:
        assert expire(connection) == len(old)
    assert sorted(track["id"] for track in queries.unanalysed_tracks(db.reader(), 100)) == old


def test_a_missing_track_is_nobodys_neighbour_until_it_returns(db: Database) -> None:
    index = similarity.SimilarityIndex(db.reader)
    ids = add(db, index, *rows(10))
    path = queries.track_path(db.reader(), ids[3])
    assert ids[3] in near(index, db, ids[0], 500)
    with db.transaction() as connection:
        ingest.mark_missing(connection, [str(path)])
    assert ids[3] not in near(index, db, ids[0], 500)
    with db.transaction() as connection:
        ingest.mark_returned(connection, [str(path)])
    index.outdated()
    assert ids[3] in near(index, db, ids[0], 500)


def test_a_vector_written_while_the_library_is_read_is_not_missed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = similarity.SimilarityIndex(db.reader)
    vectors = rows(12)
    ids = add(db, index, *vectors[:10])
    late: list[int] = []
    read = nearest_neighbours.read

    def read_and_write(connection: sqlite3.Connection) -> nearest_neighbours.NearestNeighbours | None:
        made = read(connection)
        late.extend(add(db, index, vectors[10]))
        remove(db, ids[5])
        index.put(ids[5], VERSION, None)
        return made

    monkeypatch.setattr(nearest_neighbours, "read", read_and_write)
    found = near(index, db, ids[0], 500)
    assert late[0] in found
    assert ids[5] not in found


def test_a_large_library_is_read_again_in_the_background(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "_AT_ONCE", 5)
    index = similarity.SimilarityIndex(db.reader)
    ids = add(db, index, *rows(30))
    near(index, db, ids[0])
    made = index._index
    index._due = 0.0
    add(db, index, *rows(1, 2))
    for thread in _threads_of(index, lambda: near(index, db, ids[0])):
        thread.join(30)
    assert index._index is not made
    assert len(near(index, db, ids[0], 500)) == 30


def _threads_of(index: similarity.SimilarityIndex, work: object) -> list:  # type: ignore[type-arg]
    import threading

    before = set(threading.enumerate())
    assert callable(work)
    work()
    return [thread for thread in threading.enumerate() if thread not in before]


def test_hubs_are_held_down() -> None:
    """In many dimensions some points are near to everybody; with their surroundings counted, far fewer are."""
    vectors = np.random.default_rng(3).standard_t(4, size=(400, SIZE)).astype("<f4")
    space = fit(vectors)
    spots = space.points(vectors)
    made = nearest_neighbours.NearestNeighbours(
        space, spots, np.arange(400), spots, (spots**2).sum(axis=1), np.ones(400, np.float32), 400
    )
    plain = _most_listed(made)
    made.radius = made._local_scale(spots)
    assert _most_listed(made) < 0.6 * plain


def _most_listed(made: nearest_neighbours.NearestNeighbours) -> int:
    lists = [made.nearest(i, 10)[0] for i in range(400)]
    return int(np.bincount(np.concatenate(lists)).max())


@pytest.mark.parametrize("count", [1, 2, 3, 11, 70])
def test_a_library_of_any_size_has_an_order(db: Database, count: int) -> None:
    ids = add(db, None, *rows(count))
    index = similarity.SimilarityIndex(db.reader)
    found = index.nearest(db.reader(), ids[0], 500)
    assert found is not None
    assert len(found) == count - 1
    assert np.isfinite([score for _, score in found]).all()


def test_an_empty_library_and_equal_vectors_do_no_harm(db: Database) -> None:
    index = similarity.SimilarityIndex(db.reader)
    assert index.nearest(db.reader(), 1, 5) is None
    ids = add(db, index, *[np.ones(SIZE, "<f4")] * 6)
    assert len(near(index, db, ids[0])) == 5


def test_the_space_has_few_dimensions_and_counts_each_group_alike() -> None:
    vectors = rows(300)
    vectors[:, 0] *= 1000  # one value in other units
    spots = fit(vectors).points(vectors)
    assert spots.shape == (300, DIMENSIONS)
    moved = vectors.copy()
    moved[0, 0] += 1e6
    assert np.linalg.norm(fit(vectors).points(moved)[0] - spots[0]) < 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data": b"short"}, "float32"),
        ({"data": np.full(SIZE, np.nan, "<f4").tobytes()}, "finite"),
        ({"version": VERSION - 1}, "version"),
        ({"bpm": -3.0}, "tempo"),
        ({"bpm": float("nan")}, "tempo"),
        ({"musical_key": "H dur"}, "keys"),
    ],
)
def test_what_is_no_vector_is_refused_with_a_reason(db: Database, change: dict[str, object], reason: str) -> None:
    (track_id,) = add(db, None, *rows(1))
    values = {"version": VERSION, "data": rows(1)[0].tobytes(), "failure": None, "bpm": 120.0, "musical_key": "A minor"}
    with db.transaction() as connection:
        assert store(connection, track_id, **values)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=reason):
            store(connection, track_id, **(values | change))  # type: ignore[arg-type]
    track = queries.track(db.reader(), track_id)
    assert track is not None
    assert (track["bpm"], track["musical_key"], track["has_vector"]) == (120.0, "A minor", True)
