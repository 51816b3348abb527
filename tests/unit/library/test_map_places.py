"""The places of tracks in the database: what is due, what is shown, and that an unfinished layout is not."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, OLDEST_VERSION, VECTOR_SIZE
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.library.similarity import map_places, vectors
from tests.unit.songs import file, insert

VECTOR = np.ones(VECTOR_SIZE, "<f4").tobytes()
VERSIONS = (FEATURE_VERSION, map_places.ALGORITHM_VERSION)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "library.db")
    opened.migrate()
    insert(
        opened,
        *(file(f"/r/{n}.flac", title=f"Song {n}", artist="A" if n < 6 else "B", year=1990 + n,
               genres=["Folk", "Jazz"] if n % 2 else ["Jazz"]) for n in range(10)),
    )  # fmt: skip
    with opened.transaction() as db:
        for row in db.execute("SELECT id FROM tracks").fetchall():
            key, bpm = ("A minor", 300.0) if row["id"] == 1 else (None, None)
            vectors.store(db, row["id"], FEATURE_VERSION, VECTOR, None, bpm=bpm, musical_key=key)
    yield opened


def lay_out(db: sqlite3.Connection, ids: range) -> int:
    layout = map_places.begin(db)
    assert map_places.store(db, layout, [(i, 100 * i, 200 * i) for i in ids]) == len(ids)
    map_places.finish(db, layout, *VERSIONS)
    return layout


def test_a_layout_is_due_when_more_than_a_fifth_is_new(database: Database) -> None:
    with database.transaction() as db:
        assert map_places.plan(db) == map_places.Plan(0, 10, 10, is_outdated=True)
        lay_out(db, range(1, 9))
        plan = map_places.plan(db)
        assert (plan.unplaced, plan.is_new_layout_due) == (2, False)  # they are placed among the others
        lay_out(db, range(1, 8))
        assert map_places.plan(db).is_new_layout_due
        lay_out(db, range(1, 11))
        assert not map_places.plan(db).is_new_layout_due
        map_places.finish(db, map_places.plan(db).layout, FEATURE_VERSION - 1, map_places.ALGORITHM_VERSION)
        assert map_places.plan(db).is_new_layout_due  # the vectors are others


def test_a_new_vector_takes_the_place_away(database: Database) -> None:
    with database.transaction() as db:
        lay_out(db, range(1, 11))
        vectors.store(db, 3, FEATURE_VERSION, VECTOR, None)
        assert map_places.plan(db).unplaced == 1
        assert [point[0] for point in map_places.points(db)] == [1, 2, *range(4, 11)]


def test_only_tracks_that_are_there_and_can_be_compared_count(database: Database) -> None:
    with database.transaction() as db:
        lay_out(db, range(1, 9))
        vectors.store(db, 2, FEATURE_VERSION, None, "no sound")
        vectors.store(db, 10, FEATURE_VERSION, None, "no sound")
        paths = [f"/r/{db_id - 1}.flac" for db_id in (2, 3, 9)]  # without a vector, placed, without a place
        mark_missing(db, paths)
        plan = map_places.plan(db)
        assert (plan.analysed, plan.unplaced) == (6, 0)
        db.execute("UPDATE vectors SET version = ? WHERE track_id = 4", (OLDEST_VERSION - 1,))
        assert map_places.plan(db).analysed == 5


def test_a_layout_is_shown_when_it_is_finished(database: Database) -> None:
    with database.transaction() as db:
        first = lay_out(db, range(1, 11))
        second = map_places.begin(db)
        map_places.store(db, second, [(1, 7, 7)])
        assert len(map_places.points(db)) == 10
        third = map_places.begin(db)
        with pytest.raises(map_places.OutdatedLayoutError):
            map_places.store(db, second, [(1, 7, 7)])
        with pytest.raises(map_places.OutdatedLayoutError):
            map_places.finish(db, second, *VERSIONS)
        map_places.store(db, third, [(1, 8, 9), (999, 1, 1)])  # 999 is gone
        map_places.finish(db, third, *VERSIONS)
        assert [(p[0], p[3], p[4]) for p in map_places.points(db)] == [(1, 8, 9)]
        assert db.execute("SELECT count(*) FROM map_places").fetchone()[0] == 1
        with pytest.raises(map_places.OutdatedLayoutError):
            map_places.store(db, first, [])


def test_a_point_says_what_it_is_coloured_by(database: Database) -> None:
    with database.transaction() as db:
        lay_out(db, range(1, 11))
        mark_missing(db, ["/r/1.flac"])
        genres = {row["name"]: row["id"] for row in db.execute("SELECT id, name FROM genres")}
        points = {point[0]: point[2:] for point in map_places.points(db)}
        assert points[1] == (genres["Jazz"], 100, 200, 1990, 22, 255)
        assert points[4] == (genres["Folk"], 400, 800, 1993, 0, 0)
        assert 2 not in points
        assert map_places.plan(db).analysed == 9
        found = map_places.names(db)
        assert [name for _, name in found["genres"]] == ["Jazz", "Folk"]
        assert [name for _, name in found["artists"]] == ["A", "B"]
        db.execute("DELETE FROM tracks WHERE id = 1")
        assert 1 not in {row[0] for row in map_places.placed(db, map_places.plan(db).layout)}
