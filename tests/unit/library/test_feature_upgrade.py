"""A library whose vectors are of the release before: nothing that goes by the sound fails while they are replaced."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, OLDEST_VERSION, VECTOR_SIZE, VECTOR_SIZES
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_missing, mark_returned
from soniquebay.library.similarity import map_places, vectors
from soniquebay.library.similarity.embedding import fit_embedding
from soniquebay.library.similarity.index import SimilarityIndex
from tests.unit.songs import file, insert

OLD_SIZE = VECTOR_SIZES[OLDEST_VERSION]
TRACKS = 12
IDS = range(1, TRACKS + 1)
ALGORITHM = map_places.ALGORITHM_VERSION


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "library.db")
    opened.migrate()
    insert(opened, *(file(f"/r/{n}.flac", title=f"Song {n}", artist=f"A{n % 3}") for n in IDS))
    yield opened


@pytest.fixture
def old(database: Database) -> Iterator[Database]:
    """The library as the release before has left it."""
    with database.transaction() as db:
        for track_id in IDS:
            put(db, track_id, OLDEST_VERSION)
        layout = map_places.begin(db)
        map_places.store(db, layout, [(track_id, track_id, track_id) for track_id in IDS])
        map_places.finish(db, layout, OLDEST_VERSION, ALGORITHM)
    yield database


def vector(track_id: int) -> np.ndarray:
    """A vector whose old values are those of three ids in a row, and whose new ones those of ids three apart."""
    chance = np.random.default_rng(5)
    old, new = chance.normal(size=(4, OLD_SIZE)), chance.normal(size=(3, VECTOR_SIZE - OLD_SIZE))
    noise = 0.05 * np.random.default_rng(track_id).normal(size=VECTOR_SIZE)
    return (np.concatenate([old[(track_id - 1) // 3], new[track_id % 3]]) + noise).astype("<f4")


def put(db: sqlite3.Connection, track_id: int, version: int) -> None:
    data = vector(track_id)[: VECTOR_SIZES[version]].tobytes()
    db.execute("INSERT OR REPLACE INTO vectors (track_id, version, data) VALUES (?, ?, ?)", (track_id, version, data))


def analyse(database: Database, index: SimilarityIndex, track_id: int) -> None:
    """Store a vector of this release, as the API does."""
    data = vector(track_id).tobytes()
    with database.transaction() as db:
        assert vectors.store(db, track_id, FEATURE_VERSION, data, None)
    index.update(track_id, FEATURE_VERSION, data)


def nearest(index: SimilarityIndex, database: Database, track_id: int, limit: int = 500) -> list[int]:
    found = index.nearest(database.reader(), track_id, limit)
    assert found is not None
    return [neighbour for neighbour, _ in found]


def test_tracks_have_neighbours_before_during_and_after_an_upgrade(old: Database) -> None:
    with old.transaction() as db:
        assert vectors.mark_outdated_for_analysis(db) == TRACKS
    index = SimilarityIndex(old.reader)
    before = {track_id: nearest(index, old, track_id) for track_id in IDS}
    assert set(before[1][:2]) == {2, 3}
    assert set(before[1][2:5]) != {4, 7, 10}
    for done in IDS[:-1]:
        analyse(old, index, done)
        restarted = SimilarityIndex(old.reader)
        assert {track_id: nearest(restarted, old, track_id) for track_id in IDS} == before
        for known in (index, restarted):
            assert [set(nearest(known, old, track_id, 2)) for track_id in IDS] == [set(before[i][:2]) for i in IDS]
            assert len(nearest(known, old, done)) == TRACKS - 1
            assert known.path(old.reader(), 1, 12, 4) is not None
            assert known.nearest_to_mean(old.reader(), [1, done], 5)
            assert known.rank(old.reader(), "artist", 1, 5)
    analyse(old, index, TRACKS)
    index._next_rebuild_at = 0.0
    assert index._index is not None
    for known in (index, SimilarityIndex(old.reader)):
        after = nearest(known, old, 1)  # all values count now
        assert (set(after[:2]), set(after[2:5])) == ({2, 3}, {4, 7, 10})
        assert known._index is not None
        assert not known._index.is_partial


def test_the_last_old_vector_may_go_missing(old: Database) -> None:
    index = SimilarityIndex(old.reader)
    for track_id in IDS[:-1]:
        analyse(old, index, track_id)
    before = nearest(index, old, 1)
    with old.transaction() as db:
        mark_missing(db, [f"/r/{TRACKS}.flac"])
    index._next_rebuild_at = 0.0
    assert set(nearest(index, old, 1)[2:5]) == {4, 7, 10}
    # It comes back, and is compared until it is analysed.
    with old.transaction() as db:
        mark_returned(db, [f"/r/{TRACKS}.flac"])
    index.mark_outdated()
    assert set(nearest(index, old, TRACKS, 2)) == {TRACKS - 1, TRACKS - 2}
    assert nearest(index, old, 1) == before


def test_a_vector_that_is_too_old_to_be_compared_is_no_neighbour(old: Database) -> None:
    with old.transaction() as db:
        db.execute("UPDATE vectors SET version = ? WHERE track_id = 1", (OLDEST_VERSION - 1,))
        db.execute("UPDATE vectors SET version = ? WHERE track_id = 2", (FEATURE_VERSION + 1,))
    index = SimilarityIndex(old.reader)
    assert index.nearest(old.reader(), 1, 5) is None
    assert set(nearest(index, old, 3)) == set(IDS) - {1, 2, 3}


def test_the_map_keeps_its_places_until_the_last_vector_is_new(old: Database) -> None:
    index = SimilarityIndex(old.reader)
    for track_id in IDS[:-1]:
        analyse(old, index, track_id)
        plan = map_places.plan(old.reader())
        assert (plan.analysed, plan.unplaced, plan.is_new_layout_due) == (TRACKS, 0, False)
    analyse(old, index, TRACKS)
    plan = map_places.plan(old.reader())
    assert (plan.unplaced, plan.is_new_layout_due) == (0, True)
    assert len(map_places.points(old.reader())) == TRACKS  # the former one is shown until the new one is complete
    with old.transaction() as db:
        map_places.finish(db, plan.layout, FEATURE_VERSION, ALGORITHM)
        put(db, 1, OLDEST_VERSION)  # as a track that comes back after a long time
    assert not map_places.plan(old.reader()).is_new_layout_due


def test_a_failed_analysis_takes_place_and_vector(old: Database) -> None:
    with old.transaction() as db:
        vectors.store(db, 1, FEATURE_VERSION, None, "damaged")
    plan = map_places.plan(old.reader())
    assert (plan.analysed, plan.unplaced) == (TRACKS - 1, 0)
    assert len(map_places.points(old.reader())) == TRACKS - 1


def test_the_learned_values_count_twice_and_keep_their_variances() -> None:
    rows = np.random.default_rng(1).normal(size=(2000, VECTOR_SIZE)).astype("<f4")
    rows[:, OLD_SIZE:] *= 1e-3
    rows[:, OLD_SIZE + 1 :] = rows[:, OLD_SIZE, None]  # all of them are the same value
    with_learned, without = fit_embedding(rows), fit_embedding(rows[:, :OLD_SIZE])
    assert without.projection.shape[0] == OLD_SIZE
    variance = with_learned.embed(rows).var(axis=0)
    assert variance[0] == pytest.approx(4, rel=0.05)
    groups = without.embed(rows[:, :OLD_SIZE]).var(axis=0)
    assert groups.max() <= 1.05


def test_the_variances_of_learned_directions_are_not_made_equal() -> None:
    rows = np.zeros((3000, VECTOR_SIZE), "<f4")
    chance = np.random.default_rng(1).normal(size=(3000, 2))
    rows[:, OLD_SIZE:-50] = chance[:, :1]  # three times as many values follow the first direction
    rows[:, -50:] = chance[:, 1:]
    variance = fit_embedding(rows).embed(rows).var(axis=0)
    assert variance[0] / variance[1] == pytest.approx(3, rel=0.1)
