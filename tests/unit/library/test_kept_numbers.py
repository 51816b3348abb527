"""The number of rows of a list is counted once, until something is written."""

import pytest

from soniquebay.library.browsing import counts, lists
from soniquebay.library.browsing.counts import Counts
from soniquebay.library.browsing.lists import count
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_missing
from tests.unit.songs import file, insert


def test_a_number_is_counted_anew_after_a_write_and_only_then(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    insert(db, *(file(f"/{n}.flac", year=2000 + n) for n in range(4)))
    counted = []
    monkeypatch.setattr(counts, "count", lambda reader, listed: counted.append(listed) or count(reader, listed))
    kept, reader = Counts(db), db.reader()

    def numbers() -> list[int]:
        listed = [lists.tracks(reader), lists.tracks(reader, year_to=2001), lists.tracks(reader, year_to=2002)]
        return [kept.count(reader, one) for one in (*listed, lists.tracks(reader, missing=True), lists.albums(reader))]

    assert numbers() == numbers() == [4, 2, 3, 0, 0]
    assert len(counted) == 5
    with db.transaction() as connection:
        mark_missing(connection, ["/0.flac"])
    assert numbers() == numbers() == [3, 1, 2, 1, 0]
    assert len(counted) == 10


def test_a_transaction_that_is_rolled_back_changes_no_number(db: Database) -> None:
    kept = Counts(db)
    before = db.commits
    with pytest.raises(ZeroDivisionError), db.transaction():
        _ = 1 / 0
    assert db.commits == before
    assert kept.count(db.reader(), lists.tracks(db.reader())) == 0


def test_a_rough_number_outlasts_writes_for_a_while(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now, counted = 0.0, 0
    for clock in ("monotonic", "thread_time"):
        monkeypatch.setattr(f"soniquebay.library.browsing.counts.time.{clock}", lambda: now)
    kept = Counts(db)

    def count_rows() -> int:
        nonlocal now, counted
        now, counted = now + 0.1, counted + 1
        return counted

    def number(age_factor: float) -> int:
        insert(db, file(f"/{now}.flac"))
        return kept.number("rows", count_rows, age_factor=age_factor)

    assert [number(50), number(50)] == [1, 1]
    now += 4.9
    assert number(50) == 1
    now += 0.2
    assert number(50) == 2
    assert number(0) == 3


def test_no_more_than_some_numbers_are_kept(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MAX_KEPT_NUMBERS", 3)
    kept, reader = Counts(db), db.reader()
    for year in range(1, 9):
        kept.count(reader, lists.tracks(reader, year_to=year))
    assert len(kept._kept) <= 3
