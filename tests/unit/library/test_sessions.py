"""Scan sessions always complete, and their ledger loses no batch."""

import sqlite3

import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library import progress, queries, sessions
from soniquebay.library.database import Database
from soniquebay.library.entities import LeftOut
from soniquebay.library.similarity import vectors
from tests.unit.songs import file, insert


def test_one_scan_at_a_time(db: Database) -> None:
    with db.transaction() as connection:
        first = sessions.start(connection)
    with pytest.raises(sessions.ScanRunningError) as error, db.transaction() as connection:
        sessions.start(connection)
    assert error.value.session_id == first
    with pytest.raises(sqlite3.IntegrityError), db.transaction() as connection:
        connection.execute("INSERT INTO scan_sessions (status, started_at, heartbeat_at) VALUES ('running', 0, 0)")


def test_a_session_completes_with_its_last_batch(db: Database) -> None:
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


def test_a_session_keeps_what_was_left_out_and_whether_it_is_full(db: Database) -> None:
    told: LeftOut = {"reason": "recycle bin", "files": 1, "folders": 2, "example": "/m/#recycle"}
    with db.transaction() as connection:
        sessions.end_discovery(connection, sessions.start(connection, full=True), 0, [], [told])
        sessions.start(connection)
    full, other = queries.session(db.reader(), 1), queries.session(db.reader(), 2)
    assert full is not None
    assert other is not None
    assert (full["left_out"], full["full"]) == ([told], True)
    assert (other["left_out"], other["full"]) == ([], False)


def test_a_file_is_finished_once_it_is_analysed_or_failed(db: Database) -> None:
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


def test_a_lost_batch_is_sent_again_up_to_the_maximum_of_attempts(db: Database) -> None:
    insert(db, file("/1"), batch_id="done")
    with db.transaction() as connection:
        sessions.register_batch(connection, 1, "lost", [{"path": "/2", "size": 7, "mtime_ns": 9}])
        assert sessions.batches_to_resend(connection, 60) == []
        for _ in range(sessions.MAX_ATTEMPTS - 1):
            (batch,) = sessions.batches_to_resend(connection, -1)
            assert (batch.id, batch.files) == ("lost", [{"path": "/2", "size": 7, "mtime_ns": 9}])
            sessions.mark_batches_sent(connection, [batch.id])
        assert sessions.batches_out_of_attempts(connection, -1) == ["lost"]


def test_sending_an_unsent_batch_is_no_further_attempt(db: Database) -> None:
    with db.transaction() as connection:
        session_id = sessions.start(connection)
        sessions.register_batch(connection, session_id, "b", [{"path": "/1", "size": 7, "mtime_ns": 9}])
        for _ in range(sessions.MAX_ATTEMPTS + 1):
            sessions.mark_batch_unsent(connection, "b")
            assert [batch.id for batch in sessions.batches_to_resend(connection, 60)] == ["b"]  # at once
            sessions.mark_batches_sent(connection, ["b"])
        assert sessions.batches_out_of_attempts(connection, -1) == []


def test_resuming_a_session_resets_its_attempts(db: Database) -> None:
    with db.transaction() as connection:
        session_id = sessions.start(connection)
        sessions.register_batch(connection, session_id, "b", [{"path": "/1", "size": 7, "mtime_ns": 9}])
        for _ in range(sessions.MAX_ATTEMPTS):
            sessions.mark_batches_sent(connection, ["b"])
            sessions.mark_discovery_sent(connection, session_id)
        assert sessions.batches_out_of_attempts(connection, -1) == ["b"]
        sessions.pause(connection, session_id)
        sessions.resume(connection, session_id)
        assert sessions.batches_out_of_attempts(connection, -1) == []
        assert sessions.discovery_attempts(connection, session_id) == 1


def test_a_repeated_discovery_finds_queued_and_failed_paths(db: Database) -> None:
    insert(db, file("/done"), failures=[{"path": "/bad", "reason": "x"}], batch_id="b")
    with db.transaction() as connection:
        sessions.register_batch(connection, 1, "c", [{"path": "/waiting", "size": 1, "mtime_ns": 1}])
    assert queries.queued_or_failed_paths(db.reader(), 1) == {"/bad", "/waiting"}
    assert [(row[0], row[3]) for row in queries.known_files(db.reader(), "/")] == [("/done", 1)]


def test_a_batch_of_an_ended_session_is_not_registered(db: Database) -> None:
    with db.transaction() as connection:
        session_id = sessions.start(connection)
        sessions.cancel(connection, session_id)
        assert not sessions.register_batch(connection, session_id, "b", [{"path": "/1", "size": 7, "mtime_ns": 9}])
    assert db.reader().execute("SELECT count(*) FROM batches").fetchone()[0] == 0
