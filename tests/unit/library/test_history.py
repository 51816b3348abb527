"""What is kept of old scans."""

import pytest

from soniquebay.library import history, queries
from soniquebay.library.database import Database

SHOWN = ("id", "status", "files", "files_changed", "files_done", "failures")


def make_sessions(database: Database, count: int, status: str = "completed") -> None:
    """Make sessions, each with three batches, of which the last may be open, and two failures."""
    with database.transaction() as db:
        for _ in range(count):
            cursor = db.execute(
                "INSERT INTO scan_sessions (status, started_at, finished_at, heartbeat_at, discovered, unchanged) "
                "VALUES (?, 1, 2, 1, 1, 10)",
                (status,),
            )
            session_id = cursor.lastrowid
            for number in range(3):
                done_at = None if status == "cancelled" and number == 2 else 2.0
                db.execute(
                    "INSERT INTO batches (id, session_id, file_count, sent_at, done_at) VALUES (?, ?, 100, 1, ?)",
                    (f"{session_id}-{number}", session_id, done_at),
                )
            for name in ("a", "b"):
                db.execute(
                    "INSERT INTO failures (session_id, path, stage, reason, is_file) VALUES (?, ?, 'extract', 'x', 1)",
                    (session_id, name),
                )


def forget_all(database: Database) -> int:
    calls = 0
    while True:
        with database.transaction() as db:
            if not history.forget(db):
                return calls
        calls += 1


def rows_in(database: Database, table: str) -> int:
    return int(database.reader().execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def shown(database: Database) -> list[tuple[object, ...]]:
    page = queries.sessions(database.reader(), 10_000, 0)
    return [tuple(session[name] for name in SHOWN) for session in page.items]


def test_old_sessions_keep_their_numbers_and_lose_their_rows(db: Database) -> None:
    make_sessions(db, 30)
    make_sessions(db, 5, "cancelled")
    make_sessions(db, history.MAX_DETAILED_SESSIONS)
    before = shown(db)
    assert forget_all(db) == 35
    assert shown(db) == before
    detailed = history.MAX_DETAILED_SESSIONS
    assert rows_in(db, "batches") == 30 + 2 * 5 + 3 * detailed
    assert rows_in(db, "failures") == 2 * detailed
    assert queries.failures(db.reader(), 1, 10, 0).total == 0
    assert forget_all(db) == 0


def test_the_newest_sessions_and_one_that_is_open_are_left_alone(db: Database) -> None:
    make_sessions(db, 1, "paused")
    make_sessions(db, history.MAX_DETAILED_SESSIONS)
    assert forget_all(db) == 0
    assert rows_in(db, "batches") == 3 * (1 + history.MAX_DETAILED_SESSIONS)


def test_of_very_many_sessions_the_oldest_go_that_read_no_track(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_SESSIONS", 30)
    make_sessions(db, 50)
    with db.transaction() as connection:
        connection.execute("INSERT INTO artists (id, name, normalised_name) VALUES (1, 'A', 'a')")
        connection.execute(
            "INSERT INTO tracks (title, artist_id, duration, format, added_at, path, size, mtime_ns, read_session_id) "
            "VALUES ('One', 1, 1, 'MP3', 1, '/one', 1, 1, 7)"
        )
    forget_all(db)
    ids = [session[0] for session in shown(db)]
    assert ids == [*range(50, 20, -1), 7]
