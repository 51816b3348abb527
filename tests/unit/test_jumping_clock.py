"""The clock jumps ten years either way: nothing waits for years, and nothing is deleted for a wrong date."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from fastapi.testclient import TestClient

from soniquebay import certificates, process_history
from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.events import ProgressFeed
from soniquebay.api.internal import internal_app
from soniquebay.api.server import make_services
from soniquebay.library import clock, enrichment, ingest, reconcile, sessions
from soniquebay.library.catalogue import message
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.listeners import scrobbles, web_sessions
from soniquebay.process_history import Report
from soniquebay.settings import from_environment
from tests.unit.listeners.test_accounts import HOME, claim, opened
from tests.unit.listeners.test_scrobbles import PLAIN, connect, kept, play  # noqa: F401 - a fixture
from tests.unit.songs import file, insert

TEN_YEARS, DAY = 10 * 365 * 86400.0, 86400.0
Jump = Callable[[float], float]


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Jump:
    """Return a function that sets the clock to so many seconds from the real time, and returns what it says."""
    real = time.time

    def to(offset: float) -> float:
        monkeypatch.setattr(time, "time", lambda: real() + offset)
        return time.time()

    return to


@pytest.mark.parametrize("offset", [-TEN_YEARS, TEN_YEARS])
def test_work_that_redis_has_lost_is_sent_again(db: Database, jump: Jump, offset: float) -> None:
    jump(-offset)  # it was sent while the clock was wrong, or the clock is wrong now
    with db.transaction() as connection:
        session = sessions.start(connection)
        sessions.register_batch(connection, session, "b", [{"path": "/1", "size": 1, "mtime_ns": 1}])
    now = jump(0)
    with db.transaction() as connection:
        clock.treat_future_as_now(connection, now)
    jump(5)
    assert [batch.id for batch in sessions.batches_to_resend(db.reader(), 4)] == ["b"]
    assert sessions.discoveries_to_resend(db.reader(), 4) == [session]
    assert sessions.batches_out_of_attempts(db.reader(), 4) == []


@pytest.mark.parametrize("offset", [-TEN_YEARS, TEN_YEARS])
def test_the_analysis_waits_no_longer_than_minutes_for_a_scan(db: Database, jump: Jump, offset: float) -> None:
    with db.transaction() as connection:
        sessions.start(connection)
    assert Dispatcher.analysis_is_delayed(db.reader())
    jump(offset)
    assert not Dispatcher.analysis_is_delayed(db.reader())


def test_a_moved_file_is_recognised_although_the_clock_was_set_back_during_the_scan(db: Database, jump: Jump) -> None:
    insert(db, file("/r/old", title="Song", artist="A"), batch_id="first")
    (track_id,) = db.reader().execute("SELECT id FROM tracks").fetchone()
    with db.transaction() as connection:
        sessions.end_discovery(connection, 1, 0, [])
        jump(TEN_YEARS)
        session = sessions.start(connection)
        sessions.register_batch(connection, session, "second", [{"path": "/r/new", "size": 1, "mtime_ns": 1}])
        jump(0)
        ingest.apply_batch(connection, "second", message.entities([file("/r/new", title="Song", artist="A")]))
        reconcile.add_unseen(connection, session, {"/r": ["/r/old"]})
        while reconcile.reconcile_unseen(connection, session, {"/r": 1}):
            pass
    rows = db.reader().execute("SELECT id, path FROM tracks WHERE missing_since IS NULL").fetchall()
    assert [tuple(row) for row in rows] == [(track_id, "/r/new")]


def library_with_a_missing_track(db: Database) -> None:
    insert(db, file("/r/1", title="Song", artist="A"), batch_id="b")
    with db.transaction() as connection:
        sessions.end_discovery(connection, 1, 0, [])
        mark_missing(connection, ["/r/1"])


def purge_is_refused(db: Database, now: float, days: float = 30) -> str | None:
    return clock.doubt(db.reader(), now, now - days * DAY)


def test_a_track_is_not_purged_because_the_clock_is_ahead(db: Database, jump: Jump) -> None:
    library_with_a_missing_track(db)
    now = jump(TEN_YEARS)
    assert "no scan was made between" in (purge_is_refused(db, now) or "")
    with db.transaction() as connection:  # nor after a scan by the wrong clock
        sessions.end_discovery(connection, sessions.start(connection), 0, [])
    assert "no scan was made between" in (purge_is_refused(db, now + 40 * DAY) or "")
    # and neither when the clock is right again
    assert "but a scan was made on" in (purge_is_refused(db, jump(40 * DAY)) or "")


def test_a_track_is_not_long_missing_because_the_clock_was_behind(db: Database, jump: Jump) -> None:
    insert(db, file("/r/1", title="Song", artist="A"), batch_id="b")
    jump(-TEN_YEARS)
    with db.transaction() as connection:
        assert mark_missing(connection, ["/r/1"]) == 1
    now = jump(60)
    with db.transaction() as connection:
        assert reconcile.purge(connection, now - DAY) == 0


def scan(db: Database, *missing: str) -> None:
    with db.transaction() as connection:
        session = sessions.start(connection)
        mark_missing(connection, missing)
        sessions.end_discovery(connection, session, 0, [])


def library_of_two(db: Database) -> None:
    insert(db, file("/r/1", title="Song", artist="A"), file("/r/2", title="Other", artist="A"), batch_id="b")
    with db.transaction() as connection:
        sessions.end_discovery(connection, 1, 0, [])


@pytest.mark.parametrize("offset", [60 * DAY, TEN_YEARS])
def test_a_track_that_a_clock_ahead_noted_is_not_purged_when_the_clock_is_ahead_again(
    db: Database, jump: Jump, offset: float
) -> None:
    library_of_two(db)
    jump(offset)
    scan(db, "/r/1")
    jump(DAY)  # the clock is right again
    scan(db)
    assert purge_is_refused(db, time.time()) is None  # nothing is missing for that long, by any clock
    now = jump(offset + 40 * DAY)  # and now it is not
    assert "the clock was set back" in (purge_is_refused(db, now) or "")
    scan(db)
    assert "the clock was set back" in (purge_is_refused(db, now) or "")


def test_a_track_that_a_clock_behind_noted_is_not_purged(db: Database, jump: Jump) -> None:
    """It counts as missing for longer than it is, and there is no gap of 180 days."""
    library_of_two(db)
    jump(-100 * DAY)
    scan(db)
    scan(db, "/r/1")
    assert "the clock was set back" in (purge_is_refused(db, jump(DAY)) or "")


def test_a_clock_that_once_was_ahead_does_not_stop_purges(db: Database, jump: Jump) -> None:
    library_of_two(db)
    jump(TEN_YEARS)
    scan(db, "/r/1")
    jump(DAY)
    scan(db)
    jump(2 * DAY)
    scan(db, "/r/2")
    jump(40 * DAY)
    scan(db)
    now = jump(41 * DAY)
    assert purge_is_refused(db, now) is None
    with db.transaction() as connection:
        assert reconcile.purge(connection, now - 30 * DAY) == 1


def test_a_purge_by_a_right_clock_is_not_refused(db: Database, jump: Jump) -> None:
    library_with_a_missing_track(db)
    for days in range(30, 400, 60):  # a machine that is switched on now and then
        jump(days * DAY)
        with db.transaction() as connection:
            sessions.end_discovery(connection, sessions.start(connection), 0, [])
    assert purge_is_refused(db, jump(400 * DAY)) is None
    assert purge_is_refused(db, jump(400 * DAY), days=500) is None  # and nothing is that old


def test_the_operator_is_told_and_may_overrule(tmp_path: Path, jump: Jump, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"DATA": tmp_path, "CLAIM_FOLDER": tmp_path, "MUSIC": tmp_path}
    services = make_services(from_environment({f"SONIQUEBAY_{key}": str(value) for key, value in variables.items()}))
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(services.dispatcher, "send", lambda task, **arguments: sent.append(arguments) or True)
    library_with_a_missing_track(services.database)
    client = TestClient(internal_app(services), "http://localhost")
    before = jump(TEN_YEARS) - 30 * DAY
    answer: httpx.Response = client.post("/internal/maintenance/purge", json={"missing_before": before})
    assert (answer.status_code, "no scan was made between" in answer.json()["detail"]) == (409, True)
    assert sent == []
    answer = client.post("/internal/maintenance/purge", json={"missing_before": before, "trust_clock": True})
    assert (answer.status_code, sent) == (202, [{"missing_before": before}])
    now = jump(-30 * DAY)  # for which the operator vouches: it was the scan that had a clock ahead
    answer = client.post("/internal/maintenance/purge", json={"missing_before": now - 30 * DAY, "trust_clock": True})
    assert answer.status_code == 202
    (since,) = services.database.reader().execute("SELECT missing_since FROM tracks").fetchone()
    assert since == pytest.approx(now, abs=60)


def test_browsers_stay_signed_in(tmp_path: Path, jump: Jump) -> None:
    accounts = opened(tmp_path)
    user = claim(accounts)
    with accounts.change() as db:
        token = web_sessions.begin(db, user.id, HOME, "phone")
    jump(TEN_YEARS)
    assert accounts.visitor_of_session(token) == (None, False)
    with accounts.change() as db:
        later = web_sessions.begin(db, user.id, HOME, "laptop")  # somebody signs in meanwhile
    now = jump(0)
    assert accounts.visitor_of_session(token)[0] is not None
    # what was begun by the wrong clock does not last ten years longer for it
    assert accounts.visitor_of_session(later)[0] is not None
    newest = max(session["used_at"] for session in web_sessions.of_user(accounts.database.reader(), user.id))
    assert newest <= now + 60


def test_plays_that_wait_are_not_dropped(kept: Any, jump: Jump) -> None:  # noqa: F811
    connect(kept, "lastfm")
    now = time.time()
    play(kept, PLAIN, now - 20 * DAY)
    play(kept, PLAIN, now - DAY)
    with kept.listeners.transaction() as db:
        scrobbles.drop_old(db, kept.user(), "lastfm", now + TEN_YEARS)
    assert len(scrobbles.next_batch(kept.listeners.reader(), kept.user(), "lastfm")) == 2
    with kept.listeners.transaction() as db:
        scrobbles.drop_old(db, kept.user(), "lastfm", now)
    assert len(scrobbles.next_batch(kept.listeners.reader(), kept.user(), "lastfm")) == 1


def test_a_lookup_that_was_postponed_by_a_wrong_clock_is_made(db: Database) -> None:
    mbid, now = "1" * 8 + "-0000-4000-8000-000000000000", 1e9
    with db.transaction() as connection:
        connection.execute("INSERT INTO artists (name, normalised_name, mbid) VALUES ('A', 'a', ?)", (mbid,))
        enrichment.postpone(
            connection, {"kind": "artist", "mbid": mbid}, now + TEN_YEARS + enrichment.NOT_FOUND_VALID_SECONDS
        )
    assert len(enrichment.due_lookups(db.reader(), "musicbrainz", now, 9)) == 1
    assert enrichment.due_lookups(db.reader(), "musicbrainz", now + TEN_YEARS, 9) == []


def test_workers_of_before_are_not_shown_for_ten_years() -> None:
    old = Report(2e9, "worker@pi", 4, 4, "none")
    new = Report(1e9, "worker@pi", 1, 4, "start")
    assert process_history.current([old, new], 1e9) == [new]
    assert [change.processes for change in process_history.changes([old, new], 0.5e9, 1e9)] == [1]


def test_a_certificate_that_was_made_by_a_clock_ahead_is_made_anew(tmp_path: Path, jump: Jump) -> None:
    settings = from_environment({"SONIQUEBAY_DATA": str(tmp_path), "SONIQUEBAY_TLS": "self-signed"})
    assert certificates.make_if_due(settings)
    jump(-3600)  # as before the network has told the time
    assert not certificates.make_if_due(settings)
    jump(-TEN_YEARS)
    assert certificates.make_if_due(settings)


def test_a_listener_gets_the_state_although_its_last_event_is_of_the_future(db: Database, tmp_path: Path) -> None:
    """A Redis that began anew gives smaller ids than the listener has seen."""
    from tests.unit.test_redis_files import redis_server

    with db.transaction() as connection:
        session = sessions.start(connection)

    async def first_event() -> str:
        client = redis.asyncio.Redis(unix_socket_path=str(tmp_path / "redis.sock"))
        try:
            feed = ProgressFeed(db, client)
            async for chunk in feed.follow(f"{int((time.time() + TEN_YEARS) * 1000)}-0"):
                return chunk.decode()
            return ""
        finally:
            await client.aclose()

    with redis_server(tmp_path, tmp_path):
        assert f'"session_id": {session}' in asyncio.run(first_event())
