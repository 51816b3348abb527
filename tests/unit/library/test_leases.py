"""Which worker on another machine has which track, and when it has it no longer."""

from pathlib import Path

import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library import leases, queries
from soniquebay.library.database import Database
from soniquebay.library.similarity import vectors
from tests.unit.songs import file, insert

NOW = 1_800_000_000.0


@pytest.fixture
def library(tmp_path: Path) -> Database:
    database = Database(tmp_path / "library.db")
    database.migrate()
    insert(database, *(file(f"/m/{n}.flac") for n in range(6)))
    return database


def take(library: Database, worker: str, count: int, *others: int, now: float = NOW) -> list[int]:
    with library.transaction() as db:
        return [row["id"] for row in leases.take(db, worker, count, set(others), now)]


def waiting_here(library: Database) -> set[int]:
    return {row["id"] for row in queries.unanalysed_tracks(library.reader(), 100)}


def test_a_track_is_for_one_worker(library: Database) -> None:
    first = take(library, "a", 2)
    second = take(library, "b", 2)
    assert len({*first, *second}) == 4
    here = waiting_here(library)
    assert len(here) == 2
    assert take(library, "c", 10, *here) == []
    assert not here & {*first, *second}
    db = library.reader()
    assert leases.count_of(db, "a") == 2
    assert leases.holds(db, "a", first[0], NOW)
    assert not leases.holds(db, "b", first[0], NOW)
    assert not leases.holds(db, "a", min(here), NOW)


def test_a_result_ends_the_lease_whoever_brings_it(library: Database) -> None:
    (track_id,) = take(library, "a", 1)
    with library.transaction() as db:
        vectors.store(db, track_id, FEATURE_VERSION, None, "damaged")
    assert leases.count_of(library.reader(), "a") == 0
    assert track_id not in take(library, "a", 10)


@pytest.mark.parametrize("later", [leases.LEASE_SECONDS + 1, -86400.0])
def test_what_is_late_is_analysed_here_and_never_leased_again(library: Database, later: float) -> None:
    taken = take(library, "a", 2)
    db = library.reader()
    assert leases.ended(db, {"a"}, NOW + leases.LEASE_SECONDS - 1) == ([], [])
    ended = leases.ended(db, {"a"}, NOW + later)
    assert (ended.deserted, set(ended.late)) == ([], set(taken))
    assert not leases.holds(db, "a", taken[0], NOW + later)
    with library.transaction() as writer:
        leases.leave_here(writer, ended.late)
    assert set(taken) <= waiting_here(library)
    assert not set(taken) & set(take(library, "b", 10))


def test_what_a_worker_leaves_behind_is_for_all(library: Database) -> None:
    taken = take(library, "a", 2)
    ended = leases.ended(library.reader(), {"b"}, NOW)
    assert (set(ended.deserted), ended.late) == (set(taken), [])
    with library.transaction() as db:
        leases.end(db, ended.deserted)
    assert set(taken) <= set(take(library, "b", 10))


def test_only_its_worker_gives_a_track_back(library: Database) -> None:
    (track_id,) = take(library, "a", 1)
    with library.transaction() as db:
        assert not leases.give_back(db, "b", track_id)
        assert leases.give_back(db, "a", track_id)
    assert track_id in waiting_here(library)
    assert track_id not in take(library, "a", 10)
