"""What workers on other machines have brought: which of it is a sample, what confirms it, and what is forgotten."""

import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from soniquebay.audio.feature_schema import FEATURE_GROUPS, FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import leases, queries, remote_vectors
from soniquebay.library.database import Database
from soniquebay.library.remote_vectors import FIRST_VECTORS, SAMPLE_INTERVAL
from soniquebay.library.similarity import vectors
from soniquebay.library.similarity.agreement import differing_groups
from tests.unit.songs import file, insert

NOW = 1_800_000_000.0
VECTOR = struct.pack(f"<{VECTOR_SIZE}f", *[0.5] * VECTOR_SIZE)
COUNT = 120


def first(below: int) -> int:
    return 0


def last(below: int) -> int:
    return below - 1


@pytest.fixture
def library(tmp_path: Path) -> Database:
    database = Database(tmp_path / "library.db")
    database.migrate()
    insert(database, *(file(f"/m/{n}.flac", size=100 + n) for n in range(COUNT)))
    return database


def bring(library: Database, worker: str, track_id: int, draw: Callable[[int], int] = last) -> bool:
    with library.transaction() as db:
        vectors.store(db, track_id, FEATURE_VERSION, VECTOR, None)
        return remote_vectors.note(db, worker, track_id, NOW, draw)


def unconfirmed(library: Database) -> set[int]:
    return {row[0] for row in library.reader().execute("SELECT track_id FROM remote_vectors")}


def test_one_of_the_first_ten_and_then_one_in_fifty_is_a_sample(library: Database) -> None:
    samples = [track_id for track_id in range(1, COUNT + 1) if bring(library, "a", track_id)]
    assert samples == [FIRST_VECTORS, *range(FIRST_VECTORS + 2 * SAMPLE_INTERVAL - 1, COUNT, 2 * SAMPLE_INTERVAL - 1)]
    assert remote_vectors.brought(library.reader()) == {"a": COUNT}
    assert [bring(library, "b", track_id, first) for track_id in (1, 2)] == [True, True]


def test_a_worker_cannot_know_which_one_is_a_sample(library: Database) -> None:
    drawn: Counter[int] = Counter()
    with library.transaction() as db:
        for number in range(400):
            vectors.store(db, 1, FEATURE_VERSION, VECTOR, None)
            remote_vectors.note(db, f"w{number}", 1, NOW)
            (next_sample,) = db.execute(
                "SELECT next_sample FROM remote_counts WHERE worker = ?", (f"w{number}",)
            ).fetchone()
            drawn[next_sample] += 1
    # Those that were the first sample themselves have a next one already.
    assert len([n for n in drawn if 2 <= n <= FIRST_VECTORS]) == FIRST_VECTORS - 1
    assert any(n > SAMPLE_INTERVAL for n in drawn)
    assert max(drawn) <= 2 * SAMPLE_INTERVAL


def test_the_track_of_a_sample_has_its_vector_and_is_analysed_here(library: Database) -> None:
    assert bring(library, "a", 3, first)
    db = library.reader()
    assert db.execute("SELECT data FROM vectors WHERE track_id = 3").fetchone()[0] == VECTOR
    assert 3 in {row["id"] for row in queries.unanalysed_tracks(db, COUNT)}
    with library.transaction() as writer:
        assert 3 not in {row["id"] for row in leases.take(writer, "b", COUNT, (), NOW)}
        vectors.store(writer, 3, FEATURE_VERSION, VECTOR, None)  # this machine's own
    assert remote_vectors.sample_of(db, 3) is None
    assert 3 not in {row["id"] for row in queries.unanalysed_tracks(db, COUNT)}


def test_a_right_sample_confirms_what_came_before_it(library: Database) -> None:
    for track_id in (5, 4, 3):
        bring(library, "a", track_id)
    bring(library, "b", 9)
    assert not bring(library, "a", 2)
    with library.transaction() as db:
        db.execute("UPDATE remote_vectors SET is_sample = 1 WHERE track_id IN (4, 3)")
        later, earlier = remote_vectors.sample_of(db, 3), remote_vectors.sample_of(db, 4)
        assert later and earlier
        remote_vectors.confirm(db, later)
    # Track 4 is still compared, so nobody knows yet whether it was right.
    assert unconfirmed(library) == {4, 2, 9}
    with library.transaction() as db:
        remote_vectors.confirm(db, earlier)
    assert unconfirmed(library) == {2, 9}


def test_what_is_not_confirmed_is_forgotten_and_analysed_here(library: Database) -> None:
    bring(library, "a", 1)
    bring(library, "b", 2)
    with library.transaction() as db:
        db.execute("INSERT INTO acoustic_fingerprints VALUES (1, x'00')")
        db.execute("INSERT INTO sound_tags VALUES (1, 1, x'00')")
        assert remote_vectors.forget(db, "a", NOW) == [1]
    db = library.reader()
    for table in ("vectors", "acoustic_fingerprints", "sound_tags"):
        assert db.execute(f"SELECT count(*) FROM {table} WHERE track_id = 1").fetchone()[0] == 0
    assert unconfirmed(library) == {2}
    assert 1 in {row["id"] for row in queries.unanalysed_tracks(db, COUNT)}
    with library.transaction() as writer:
        assert 1 not in {row["id"] for row in leases.take(writer, "b", COUNT, (), NOW)}


def test_a_sample_that_cannot_be_compared_is_followed_by_another_one_soon(library: Database) -> None:
    bring(library, "a", 1, first)
    with library.transaction() as db:
        sample = remote_vectors.sample_of(db, 1)
        assert sample
        db.execute("UPDATE remote_counts SET next_sample = 99")
        remote_vectors.drop(db, sample, last)
    assert remote_vectors.sample_of(library.reader(), 1) is None
    assert unconfirmed(library) == {1}
    assert [bring(library, "a", track_id) for track_id in range(2, 12)] == [False] * 9 + [True]


def test_a_changed_file_ends_leases_and_samples(library: Database) -> None:
    bring(library, "a", 1, first)
    with library.transaction() as db:
        (taken,) = [row["id"] for row in leases.take(db, "a", 1, (1,), NOW)]
        db.execute("UPDATE tracks SET size = size, mtime_ns = mtime_ns")  # seen again
        assert remote_vectors.sample_of(db, 1) and leases.holds(db, "a", taken, NOW)
        db.execute("UPDATE tracks SET mtime_ns = mtime_ns + 1")
        assert remote_vectors.sample_of(db, 1) is None
        assert not leases.holds(db, "a", taken, NOW)


def test_a_worker_that_joins_again_begins_anew(library: Database) -> None:
    bring(library, "a", 1, first)
    with library.transaction() as db:
        remote_vectors.begin(db, "a")
        assert remote_vectors.sample_of(db, 1) is None
    assert remote_vectors.brought(library.reader()) == {}
    assert bring(library, "a", 2, first)


@pytest.mark.parametrize("group", FEATURE_GROUPS)
def test_vectors_differ_in_a_group_by_more_than_processors_do(group: str) -> None:
    begin = sum(size for name, size in list(FEATURE_GROUPS.items())[: list(FEATURE_GROUPS).index(group)])
    values = [0.5] * VECTOR_SIZE

    def changed(factor: float) -> bytes:
        part = [value * factor for value in values[begin : begin + FEATURE_GROUPS[group]]]
        return struct.pack(f"<{VECTOR_SIZE}f", *values[:begin], *part, *values[begin + FEATURE_GROUPS[group] :])

    assert differing_groups(VECTOR, VECTOR) == []
    assert differing_groups(VECTOR, changed(1.0035)) == []  # the most that was measured
    assert differing_groups(VECTOR, changed(1.1)) == [group]
    assert differing_groups(changed(0.0), changed(2e-6)) == []  # silence
    assert differing_groups(changed(-1.0), VECTOR) == [group]
