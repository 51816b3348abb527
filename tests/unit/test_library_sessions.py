"""Scan sessions always come to their end, and their ledger forgets no batch."""

import sqlite3

import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library import progress, queries, sessions
from soniquebay.library.database import Database
from soniquebay.library.similarity import vectors
from tests.unit.songs import file, insert


def test_one_scan_at_a_time(db: Database) -> None:
    with db.transaction() as connection:
        first = sessions.start(connection)
    with pytest.raises(sessions.ScanRunningError) as refused, db.transaction() as connection:
        sessions.start(connection)
    assert refused.value.session_id == first
    with pytest.raises(sqlite3.IntegrityError), db.transaction() as connection:
        connection.execute("INSERT INTO scan_sessions (status, started_at, heartbeat_at) VALUES ('running', 0, 0)")


def test_a_session_completes_with_its_last_batch_whatever_comes_last(db: Database) -> None:
    insert(db, file("/1"), batch_id="b")
    with db.transaction() as connection:
        sessions.register_batch(connection, 1, "c", [{"path": "/2", "size": 1, "mtime_ns": 1}])
        sessions.end_discovery(connection, 1, 5, [{"path": "/dark", "reason": "cannot be read: Permission denied"}])
    assert queries.session(db.reader(), 1)["status"] == "running"  # type: ignore[index]
    with db.transaction() as connection:
        assert sessions.abandon_batch(connection, "c", "extract", "poison") == 1
        assert sessions.abandon_batch(connection, "c", "extract", "poison") is None
    session = queries.session(db.reader(), 1)
    assert session is not None
    assert (session["status"], session["files"], session["failures"]) == ("completed", 7, 2)


def test_an_empty_scan_completes(db: Database) -> None:
    with db.transaction() as connection:
        sessions.end_discovery(connection, sessions.start(connection), 0, [])
    state = progress.snapshot(db.reader(), 1)
    assert state is not None
    assert (state["status"], state["phase"], state["percent"]) == ("completed", "done", 100.0)


def test_progress_counts_a_file_once_it_needs_nothing_more(db: Database) -> None:
    insert(db, file("/1"), file("/2"), file("/3"), failures=[{"path": "/4", "reason": "x"}], batch_id="b")
    with db.transaction() as connection:
        connection.execute("UPDATE batches SET file_count = 4")
        sessions.end_discovery(connection, 1, 0, [{"path": "/dark", "reason": "no"}])
        vectors.store(connection, 1, FEATURE_VERSION, None, "no sound")
    state = progress.snapshot(db.reader(), 1)
    assert state is not None
    assert (state["files"], state["finished"], state["vectors_waiting"], state["failures"]) == (4, 2, 2, 2)
    assert state["phase"] == "analysing"
    assert state["percent"] == pytest.approx(100 * (4 * 1 + 2 * 20) / (4 * 21), abs=0.1)


def test_a_forgotten_batch_is_sent_again_and_given_up_at_last(db: Database) -> None:
    insert(db, file("/1"), batch_id="done")
    with db.transaction() as connection:
        sessions.register_batch(connection, 1, "lost", [{"path": "/2", "size": 7, "mtime_ns": 9}])
        assert sessions.stale_batches(connection, 60) == []
        for _ in range(sessions.MAX_ATTEMPTS - 1):
            (batch,) = sessions.stale_batches(connection, -1)
            assert (batch.id, batch.files) == ("lost", [{"path": "/2", "size": 7, "mtime_ns": 9}])
            sessions.sent_again(connection, [batch.id])
        assert sessions.exhausted_batches(connection, -1) == ["lost"]


def test_a_batch_that_could_not_be_sent_was_not_tried(db: Database) -> None:
    with db.transaction() as connection:
        session_id = sessions.start(connection)
        sessions.register_batch(connection, session_id, "b", [{"path": "/1", "size": 7, "mtime_ns": 9}])
        for _ in range(sessions.MAX_ATTEMPTS + 1):
            sessions.not_sent(connection, "b")
            assert [batch.id for batch in sessions.stale_batches(connection, 60)] == ["b"]  # at once
            sessions.sent_again(connection, ["b"])
        assert sessions.exhausted_batches(connection, -1) == []


def test_a_person_who_resumes_a_scan_gives_it_all_its_attempts_again(db: Database) -> None:
    with db.transaction() as connection:
        session_id = sessions.start(connection)
        sessions.register_batch(connection, session_id, "b", [{"path": "/1", "size": 7, "mtime_ns": 9}])
        for _ in range(sessions.MAX_ATTEMPTS):
            sessions.sent_again(connection, ["b"])
            sessions.discovery_sent_again(connection, session_id)
        assert sessions.exhausted_batches(connection, -1) == ["b"]
        sessions.pause(connection, session_id)
        sessions.resume(connection, session_id)
        assert sessions.exhausted_batches(connection, -1) == []
        assert sessions.discovery_attempts(connection, session_id) == 1


def test_a_discovery_that_starts_again_knows_what_is_handled(db: Database) -> None:
    insert(db, file("/done"), failures=[{"path": "/bad", "reason": "x"}], batch_id="b")
    with db.transaction() as connection:
        sessions.register_batch(connection, 1, "c", [{"path": "/waiting", "size": 1, "mtime_ns": 1}])
    assert queries.handled_in(db.reader(), 1) == {"/bad", "/waiting"}
    assert [(row[0], row[3]) for row in queries.known_files(db.reader(), "/")] == [("/done", 1)]


def test_a_batch_that_comes_after_the_end_of_its_session_is_not_kept(db: Database) -> None:
    with db.transaction() as connection:
        session_id = sessions.start(connection)
        sessions.cancel(connection, session_id)
        assert not sessions.register_batch(connection, session_id, "b", [{"path": "/1", "size": 7, "mtime_ns": 9}])
    assert db.reader().execute("SELECT count(*) FROM batches").fetchone()[0] == 0
