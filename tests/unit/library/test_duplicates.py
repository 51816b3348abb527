"""The groups of duplicates in the database: what is listed, what is written, and when they are outdated."""

import sqlite3

import numpy as np
import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import duplicates
from soniquebay.library.browsing.cursors import CursorError
from soniquebay.library.database import Database
from soniquebay.library.duplicates import RULES_VERSION
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.library.similarity import vectors
from tests.unit.songs import file, insert

VECTOR = np.ones(VECTOR_SIZE, "<f4").tobytes()


@pytest.fixture
def library(db: Database) -> Database:
    """Give a library of nine tracks with vectors, ids 1 to 9."""
    insert(db, *(file(f"/r/{n}.flac", title=f"T{n}", size=100 + n) for n in range(1, 10)))
    with db.transaction() as connection:
        for n in range(1, 10):
            vectors.store(connection, n, FEATURE_VERSION, VECTOR, None)
    return db


def replace(db: Database, *groups: list[int], stored: int | None = None) -> int:
    with db.transaction() as connection:
        seen = duplicates.state(connection).stored if stored is None else stored
        return duplicates.replace(connection, groups, seen, FEATURE_VERSION, RULES_VERSION)


def listed(db: Database) -> dict[int, list[int]]:
    items = duplicates.page(db.reader(), 50, 0, None, is_counted=True).items
    return {item["recording"]: [track["id"] for track in item["tracks"]] for item in items}


def test_groups_are_replaced_and_only_what_differs_is_written(library: Database) -> None:
    assert replace(library, [3, 1], [4, 5, 6]) == 5
    assert listed(library) == {1: [1, 3], 4: [4, 5, 6]}
    assert replace(library, [1, 3], [4, 5, 6]) == 0
    assert replace(library, [1, 3], [5, 6], [2, 9, 400]) == 5  # 4 leaves, 5 and 6 have another number, 2 and 9 are new
    assert listed(library) == {1: [1, 3], 2: [2, 9], 5: [5, 6]}


def test_a_group_of_which_one_file_is_left_is_not_listed(library: Database) -> None:
    replace(library, [1, 2, 3], [4, 5])
    with library.transaction() as db:
        mark_missing(db, ["/r/1.flac", "/r/4.flac"])
    assert listed(library) == {1: [2, 3]}
    page = duplicates.page(library.reader(), 50, 0, None, is_counted=True)
    assert (page.total, duplicates.count(library.reader())) == (1, 1)


def test_a_new_vector_takes_its_track_out_of_its_group_and_has_the_library_compared_again(library: Database) -> None:
    assert duplicates.is_to_compare(library.reader())
    replace(library, [1, 2, 3])
    assert not duplicates.is_to_compare(library.reader())
    with library.transaction() as db:
        vectors.store(db, 2, FEATURE_VERSION, None, "cannot be decoded")
    assert listed(library) == {1: [1, 3]}
    assert duplicates.is_to_compare(library.reader())


def test_a_vector_that_is_stored_during_a_comparison_is_not_overlooked(library: Database) -> None:
    seen = duplicates.state(library.reader()).stored
    with library.transaction() as db:
        vectors.store(db, 2, FEATURE_VERSION, VECTOR, None)
    replace(library, [1, 3], stored=seen)
    assert duplicates.is_to_compare(library.reader())


@pytest.mark.parametrize("column", ["feature_version", "rules_version"])
def test_other_rules_have_the_library_compared_again(library: Database, column: str) -> None:
    replace(library, [1, 2])
    with library.transaction() as db:
        db.execute(f"UPDATE duplicate_state SET {column} = {column} - 1")
    assert duplicates.is_to_compare(library.reader())


def test_a_library_without_vectors_is_not_compared(db: Database) -> None:
    insert(db, file("/r/a.flac"))
    assert not duplicates.is_to_compare(db.reader())


def test_pages_follow_each_other_by_cursor_also_when_a_group_vanishes(library: Database) -> None:
    replace(library, [1, 2], [3, 4], [5, 6], [7, 8])
    first = duplicates.page(library.reader(), 2, 0, None, is_counted=True)
    assert [item["recording"] for item in first.items] == [1, 3]
    assert first.total == 4
    replace(library, [3, 4], [5, 6], [7, 8])
    second = duplicates.page(library.reader(), 2, 0, first.next, is_counted=False)
    assert [item["recording"] for item in second.items] == [5, 7]
    assert (second.total, second.next) == (None, None)
    with pytest.raises(CursorError):
        duplicates.page(library.reader(), 2, 0, "x", is_counted=False)
    skipped = duplicates.page(library.reader(), 2, 1, None, is_counted=False)
    assert [item["recording"] for item in skipped.items] == [5, 7]


def test_lossless_files_come_first_then_the_higher_bit_rate(library: Database) -> None:
    sounds = {1: '{"bit_rate": 128000}', 2: '{"bit_rate": 320000}', 3: '{"bit_rate": 300000, "bit_depth": 16}'}
    with library.transaction() as db:
        for track_id, sound in sounds.items():
            set_sound(db, track_id, sound)
    replace(library, [1, 2, 3])
    (group,) = duplicates.page(library.reader(), 50, 0, None, is_counted=False).items
    assert [(track["id"], track["size"]) for track in group["tracks"]] == [(3, 103), (2, 102), (1, 101)]
    assert group["tracks"][0]["sound"] == {"bit_rate": 300000, "bit_depth": 16}


def set_sound(db: sqlite3.Connection, track_id: int, sound: str) -> None:
    db.execute("UPDATE file_tags SET sound = ? WHERE track_id = ?", (sound, track_id))
