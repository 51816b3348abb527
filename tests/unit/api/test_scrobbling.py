"""Telling other services what users hear: the API and its job, with a real fetcher and a double of the services."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay.api import scrobbler
from soniquebay.api.access import COOKIE
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.listeners import app_passwords, scrobble_accounts, users
from soniquebay.listeners.scrobbles import RULES
from soniquebay.settings import from_environment
from tests.support.doubles.scrobbling import API_KEY, SECRET, Reply, ScrobblingDouble, lastfm_error, listenbrainz_error
from tests.support.fetcher import FetcherProcess
from tests.unit.songs import file, insert

pytestmark = pytest.mark.slow
TOKEN = "11111111-2222-3333-4444-token-of-ada"  # noqa: S105 - of the double
SONGS, NOW = 8, int(time.time())
INTERVAL_SECONDS = 0.1  # between two requests to one service; that it is a second: tests/unit/online


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FetcherProcess, ScrobblingDouble]]:
    double = ScrobblingDouble()
    fetcher = FetcherProcess(tmp_path_factory.mktemp("run"), INTERVAL_SECONDS, **double.environment())
    yield fetcher, double
    fetcher.stop()
    double.stop()


@pytest.fixture
def double(running: tuple[FetcherProcess, ScrobblingDouble]) -> Iterator[ScrobblingDouble]:
    _, double = running
    double.users[TOKEN] = "ada_lb"
    yield double
    for kept in (double.listens, double.playing_now, double.submissions, double.scrobbles, double.announced,
                 double.requests, double.bodies):  # fmt: skip
        kept.clear()
    for named in (double.users, double.tokens, double.sessions, double.ignored):
        named.clear()
    double.refused.clear()
    double.replies.clear()


@pytest.fixture
def services(tmp_path: Path, running: tuple[FetcherProcess, ScrobblingDouble]) -> Services:
    fetcher, double = running
    more = {"SONIQUEBAY_ONLINE_SOCKET": str(fetcher.socket), **double.environment()}
    return made(tmp_path, **more)


def made(folder: Path, **settings: str) -> Services:
    built = make_services(from_environment({"SONIQUEBAY_DATA": str(folder), "SONIQUEBAY_MUSIC": "/r", **settings}))
    built.accounts.make_owner("Ada", "correct horse")
    with built.accounts.change() as db:
        users.add(db, "Bob", "long enough", "listen")
    insert(
        built.database,
        *(file(f"/r/{n}.flac", title=f"Song {n}", artist="A", album="X", duration=60) for n in range(1, SONGS + 1)),
    )
    return built


def client_of(services: Services, name: str = "Ada", password: str = "correct horse") -> TestClient:  # noqa: S107
    _, token = services.accounts.sign_in(name, password, "testclient", "")
    return TestClient(public_app(services), "http://localhost", cookies={COOKIE: token})


@pytest.fixture
def ada(services: Services) -> TestClient:
    return client_of(services)


def state(client: TestClient, service: str = "listenbrainz") -> dict[str, Any]:
    answer = client.get("/api/account/scrobbling")
    assert answer.status_code == 200, answer.text
    return {item["service"]: item for item in answer.json()["items"]}[service]


def connect_listenbrainz(client: TestClient) -> None:
    answer = client.put("/api/account/scrobbling/listenbrainz", json={"token": TOKEN})
    assert answer.status_code == 204, answer.text


def connect_lastfm(client: TestClient, double: ScrobblingDouble) -> None:
    page = client.put("/api/account/scrobbling/lastfm", json={"api_key": API_KEY, "secret": SECRET}).json()["url"]
    double.approve(page, "ada_fm")
    answer = client.post("/api/account/scrobbling/lastfm/approved")
    assert answer.status_code == 204, answer.text


def play(client: TestClient, track: int, at: float) -> None:
    assert client.post("/api/plays", json={"track_id": track, "played_at": at}).json() == {"recorded": True}


def send(services: Services, *, again: bool = False) -> None:
    """Send what waits; `again`: also what has failed, as after the back-off."""
    if again:
        with services.accounts.database.transaction() as db:
            db.execute("UPDATE scrobble_accounts SET retry_at = 0")
    while asyncio.run(services.scrobbler.send_waiting()):
        pass


def titles(double: ScrobblingDouble) -> list[str]:
    return [listen["track_metadata"]["track_name"] for listen in double.listens]


def test_a_token_of_listenbrainz_is_checked(ada: TestClient, double: ScrobblingDouble, services: Services) -> None:
    assert state(ada) == {
        "service": "listenbrainz", "state": "none", "name": None, "server": double.url, "waiting": 0, "sent_at": None,
        "problem": None, "retry_at": None, "dropped": 0, "dropped_reason": None,
    }  # fmt: skip
    refused = ada.put("/api/account/scrobbling/listenbrainz", json={"token": "nobody"})
    assert (refused.status_code, "does not know this token" in refused.json()["detail"]) == (422, True)
    for body in ({}, {"token": "two words"}, {"token": ""}, {"token": "x" * 201}, {"token": "x", "server": "http://x"}):
        assert ada.put("/api/account/scrobbling/listenbrainz", json=body).status_code == 422
    connect_listenbrainz(ada)
    assert (state(ada)["state"], state(ada)["name"]) == ("connected", "ada_lb")
    assert ada.delete("/api/account/scrobbling/listenbrainz").status_code == 204
    assert ada.delete("/api/account/scrobbling/listenbrainz").status_code == 404
    assert ada.delete("/api/account/scrobbling/spotify").status_code == 422
    assert state(ada)["state"] == "none"
    # An app may play, but not choose who is told of it.
    with services.accounts.change() as db:
        _, password = app_passwords.make(db, services.accounts.key, 1, "phone", "manage")
    app = TestClient(public_app(services), "http://localhost", headers={"Authorization": f"Bearer {password}"})
    assert app.put("/api/account/scrobbling/listenbrainz", json={"token": TOKEN}).status_code == 403


def test_lastfm_is_connected_after_its_user_has_approved_it(ada: TestClient, double: ScrobblingDouble) -> None:
    assert ada.post("/api/account/scrobbling/lastfm/approved").status_code == 409
    for key, secret, words in ((API_KEY, "wrong", "signature"), ("wrong", SECRET, "Invalid API key")):
        refused = ada.put("/api/account/scrobbling/lastfm", json={"api_key": key, "secret": secret})
        assert (refused.status_code, words in refused.json()["detail"]) == (422, True)
    assert state(ada, "lastfm")["state"] == "none"
    page = ada.put("/api/account/scrobbling/lastfm", json={"api_key": API_KEY, "secret": SECRET}).json()["url"]
    assert page.startswith(f"https://www.last.fm/api/auth/?api_key={API_KEY}&token=")
    early = ada.post("/api/account/scrobbling/lastfm/approved")
    assert (early.status_code, "approve it first" in early.json()["detail"]) == (409, True)
    assert state(ada, "lastfm")["state"] == "approval"
    double.approve(page, "ada_fm")
    assert ada.post("/api/account/scrobbling/lastfm/approved").status_code == 204
    assert (state(ada, "lastfm")["state"], state(ada, "lastfm")["name"]) == ("connected", "ada_fm")
    assert ada.post("/api/account/scrobbling/lastfm/approved").status_code == 409  # the token is consumed


def test_plays_are_sent_in_order_and_once(ada: TestClient, services: Services, double: ScrobblingDouble) -> None:
    connect_listenbrainz(ada)
    connect_lastfm(ada, double)
    for track, at in ((1, NOW - 300), (2, NOW - 500), (3, NOW - 400.5)):
        play(ada, track, at)
    assert (state(ada)["waiting"], state(ada, "lastfm")["waiting"]) == (3, 3)
    send(services)
    expected = [("Song 2", NOW - 500), ("Song 3", NOW - 401), ("Song 1", NOW - 300)]
    assert [(x["track_metadata"]["track_name"], x["listened_at"]) for x in double.listens] == expected
    assert [(x["track"], int(x["timestamp"])) for x in double.scrobbles] == expected
    play(ada, 4, NOW - 200)
    send(services)
    send(services)
    assert double.submissions == [("import", 3), ("single", 1)]
    assert (state(ada)["waiting"], state(ada)["problem"], state(ada)["sent_at"] >= NOW) == (0, None, True)
    assert len(double.scrobbles) == 4


def test_a_batch_that_is_sent_again_is_stored_once(ada: TestClient, services: Services, double: ScrobblingDouble,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    connect_lastfm(ada, double)
    play(ada, 1, NOW - 300)
    with monkeypatch.context() as crash, pytest.raises(SystemExit):
        crash.setattr(scrobbler.Scrobbler, "_note_result", lambda *_: (_ for _ in ()).throw(SystemExit))
        send(services)
    send(services)
    assert (sum(b"track.scrobble" in body for body in double.bodies), len(double.scrobbles)) == (2, 1)


def test_a_large_queue_is_sent_in_batches(ada: TestClient, services: Services, double: ScrobblingDouble) -> None:
    connect_lastfm(ada, double)
    for number in range(120):
        play(ada, 1 + number % SONGS, NOW - 5000 + number)
    send(services)
    assert [int(x["timestamp"]) for x in double.scrobbles] == [NOW - 5000 + number for number in range(120)]
    assert sum(b"track.scrobble" in body for body in double.bodies) == 3
    times = [when for when, _, _ in double.requests]
    assert min(later - earlier for earlier, later in pairwise(times)) >= INTERVAL_SECONDS


def test_what_a_service_refuses_is_dropped_alone(ada: TestClient, services: Services, double: ScrobblingDouble) -> None:
    connect_listenbrainz(ada)
    connect_lastfm(ada, double)
    for track in range(1, 5):
        play(ada, track, NOW - 1000 + track)
    double.refused.add("Song 3")
    double.ignored["Song 2"] = 1
    send(services)
    assert titles(double) == ["Song 1", "Song 2", "Song 4"]
    assert [x["track"] for x in double.scrobbles] == ["Song 1", "Song 4"]
    assert (state(ada)["dropped"], state(ada)["waiting"], state(ada)["problem"]) == (1, 0, None)
    assert "this track is refused" in state(ada)["dropped_reason"]
    lastfm = state(ada, "lastfm")
    assert (lastfm["dropped"], lastfm["waiting"], "Invalid parameters" in lastfm["dropped_reason"]) == (2, 0, True)


def test_the_daily_limit_of_lastfm_is_waited_for(ada: TestClient, services: Services, double: ScrobblingDouble) -> None:
    connect_lastfm(ada, double)
    for track in (1, 2, 3):
        play(ada, track, NOW - 1000 + track)
    double.ignored |= {"Song 2": 5, "Song 3": 5}
    send(services)
    assert [x["track"] for x in double.scrobbles] == ["Song 1"]
    assert (state(ada, "lastfm")["waiting"], "today" in state(ada, "lastfm")["problem"]) == (2, True)
    double.ignored.clear()
    send(services, again=True)
    assert [x["track"] for x in double.scrobbles] == ["Song 1", "Song 2", "Song 3"]


def test_plays_older_than_14_days_are_not_sent_to_lastfm(
    ada: TestClient, services: Services, double: ScrobblingDouble
) -> None:
    connect_lastfm(ada, double)
    play(ada, 1, NOW - 15 * 86400)
    play(ada, 2, NOW - 13 * 86400)
    send(services)
    assert [x["track"] for x in double.scrobbles] == ["Song 2"]
    assert (state(ada, "lastfm")["dropped"], "14 days" in state(ada, "lastfm")["dropped_reason"]) == (1, True)


def test_a_token_that_ends_is_told_to_its_user(
    ada: TestClient, services: Services, double: ScrobblingDouble, caplog: pytest.LogCaptureFixture
) -> None:
    connect_listenbrainz(ada)
    connect_lastfm(ada, double)
    play(ada, 1, NOW - 100)
    double.users.clear()
    double.sessions.clear()
    with caplog.at_level(logging.DEBUG):
        send(services)
        requests = len(double.requests)
        send(services, again=True)
    assert len(double.requests) == requests  # nobody is asked with what is known to be wrong
    for service, words in (("listenbrainz", "Invalid authorization token"), ("lastfm", "Invalid session key")):
        told = state(ada, service)
        assert (told["state"], told["waiting"], words in told["problem"]) == ("renewal", 1, True)
    assert "connect Last.fm anew" in caplog.text
    assert TOKEN not in caplog.text and SECRET not in caplog.text and API_KEY not in caplog.text
    # Connected anew, the plays arrive.
    double.users[TOKEN] = "ada_lb"
    connect_listenbrainz(ada)
    connect_lastfm(ada, double)
    send(services)
    assert (titles(double), len(double.scrobbles)) == (["Song 1"], 1)


def test_a_server_that_repeats_the_token_does_not_spread_it(
    ada: TestClient, services: Services, double: ScrobblingDouble, caplog: pytest.LogCaptureFixture
) -> None:
    double.replies.append(listenbrainz_error(401, f"no user has {TOKEN}"))
    refused = ada.put("/api/account/scrobbling/listenbrainz", json={"token": TOKEN})
    assert (refused.status_code, TOKEN in refused.text, "no user has …" in refused.text) == (422, False, True)
    connect_listenbrainz(ada)
    play(ada, 1, NOW - 100)
    for reply in (listenbrainz_error(500, f"{TOKEN} fails"), listenbrainz_error(400, f"{TOKEN} is bad"),
                  listenbrainz_error(401, f"{TOKEN} ended")):  # fmt: skip
        double.replies.append(reply)
        with caplog.at_level(logging.DEBUG):
            send(services, again=True)
        assert "…" in (state(ada)["problem"] or state(ada)["dropped_reason"])
        assert TOKEN not in caplog.text + json.dumps(state(ada))
        if reply.status == 400:
            play(ada, 2, NOW - 90)


@pytest.mark.parametrize("code", [8, 11, 16, 29])
def test_lastfm_is_asked_again_when_it_has_trouble(
    ada: TestClient, services: Services, double: ScrobblingDouble, code: int
) -> None:
    connect_lastfm(ada, double)
    play(ada, 1, NOW - 100)
    # Last.fm also answers errors with the status 200.
    double.replies.append(lastfm_error(11 if code == 8 else code, 200))
    if code == 8:
        double.replies[-1] = Reply(200, b'{"error": 8, "message": "Operation failed"}')
    send(services)
    told = state(ada, "lastfm")
    assert (told["state"], told["waiting"], told["dropped"]) == ("connected", 1, 0)
    assert 30 < told["retry_at"] - time.time() <= 60 and f"({code})" in told["problem"]
    send(services, again=True)
    assert (len(double.scrobbles), state(ada, "lastfm")["problem"]) == (1, None)


def test_what_is_heard_now_is_told_at_once_or_never(
    ada: TestClient, services: Services, double: ScrobblingDouble
) -> None:
    connect_listenbrainz(ada)
    connect_lastfm(ada, double)
    with services.accounts.change() as db:
        _, password = app_passwords.make(db, services.accounts.key, 1, "phone", "listen")

    def announce(track: int) -> None:
        given = {"u": "Ada", "p": password, "v": "1.16.1", "c": "test", "id": f"tr-{track}", "submission": "false"}
        assert 'status="ok"' in ada.get("/rest/scrobble", params=given).text
        asyncio.run(services.scrobbler._send_announcements())

    announce(1)
    [listen] = double.playing_now
    assert (listen["track_metadata"]["track_name"], double.announced[0]["track"]) == ("Song 1", "Song 1")
    assert (state(ada)["waiting"], state(ada)["sent_at"]) == (0, None)
    # While a service is left alone, nothing is announced, and nothing later.
    with services.accounts.database.transaction() as db:
        db.execute("UPDATE scrobble_accounts SET retry_at = ?", (time.time() + 60,))
    announce(2)
    with services.accounts.database.transaction() as db:
        db.execute("UPDATE scrobble_accounts SET retry_at = 0")
    asyncio.run(services.scrobbler._send_announcements())
    assert (len(double.playing_now), len(double.announced)) == (1, 1)
    # A failure of an announcement changes nothing.
    double.sessions.clear()
    double.users.clear()
    announce(3)
    assert (state(ada)["state"], state(ada, "lastfm")["state"]) == ("connected", "connected")


def test_each_user_has_accounts_of_their_own(ada: TestClient, services: Services, double: ScrobblingDouble) -> None:
    bob = client_of(services, "Bob", "long enough")
    connect_listenbrainz(ada)
    play(bob, 1, NOW - 100)
    send(services)
    assert (state(bob)["state"], double.listens) == ("none", [])
    assert bob.delete("/api/account/scrobbling/listenbrainz").status_code == 404


def test_another_key_of_the_machine_is_told(ada: TestClient, services: Services, double: ScrobblingDouble) -> None:
    connect_listenbrainz(ada)
    play(ada, 1, NOW - 100)
    with services.accounts.database.transaction() as db:
        db.execute("UPDATE scrobble_accounts SET encrypted = ?", (b"x" * 80,))
    send(services)
    assert (state(ada)["state"], "decrypt" in state(ada)["problem"], state(ada)["waiting"]) == ("renewal", True, 1)


def test_without_the_internet_the_answer_says_so(tmp_path: Path) -> None:
    offline = made(tmp_path, SONIQUEBAY_ONLINE="off")
    client = client_of(offline)
    for method, path, body in (("PUT", "listenbrainz", {"token": "x"}), ("POST", "lastfm/approved", None),
                               ("PUT", "lastfm", {"api_key": "x", "secret": "x"})):  # fmt: skip
        answer = client.request(method, f"/api/account/scrobbling/{path}", json=body)
        assert (answer.status_code, "SONIQUEBAY_ONLINE is off" in answer.json()["detail"]) == (409, True)
    assert client.get("/api/account/scrobbling").json()["online"] is False
    asyncio.run(offline.scrobbler.run())  # it ends
    with offline.accounts.database.transaction() as db:
        save = scrobble_accounts.save
        save(db, offline.accounts.key, 1, "listenbrainz", state="connected", secrets={"token": "x"}, name="ada")
    play(client, 1, NOW)
    assert state(client)["waiting"] == 1


def test_without_a_fetcher_the_answer_says_so(tmp_path: Path) -> None:
    client = client_of(made(tmp_path, SONIQUEBAY_ONLINE_SOCKET=str(tmp_path / "nobody")))
    answer = client.put("/api/account/scrobbling/listenbrainz", json={"token": TOKEN})
    assert (answer.status_code, "fetcher does not answer" in answer.json()["detail"]) == (502, True)


def test_batches_are_as_large_as_the_services_take() -> None:
    assert {name: rules.batch for name, rules in RULES.items()} == {"listenbrainz": 1000, "lastfm": 50}
