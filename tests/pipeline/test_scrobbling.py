"""Plays on their way to ListenBrainz and Last.fm, through all programs, to a double of both; and without a network."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from soniquebay import __version__
from tests.support.audio_files import tone
from tests.support.doubles.scrobbling import API_KEY, SECRET, ScrobblingDouble, listenbrainz_error
from tests.support.stack import Stack, free_port, wait_until

pytestmark = pytest.mark.slow

OWNER = {"name": "Ada", "password": "correct horse"}
TOKEN = "0f1e2d3c-token-of-ada"  # noqa: S105 - of the double
RECORDING, RELEASE, ARTIST = (f"{n * 8}-0000-4000-8000-000000000000" for n in "123")


class Listener:
    """A user in a browser, who has an app as well."""

    def __init__(self, stack: Stack) -> None:
        link = next(line for line in stack.output if "Make it yours: " in line)
        self.browser = httpx.Client(base_url=stack.url, timeout=30)
        code = link.partition("code=")[2].strip()
        assert self.browser.post("/api/claim", json={"code": code, **OWNER}).status_code == 201
        made = self.browser.post("/api/account/app-passwords", json={"name": "phone"})
        self.password = made.json()["password"]
        stack.cli("scan", "--wait", control=True)
        self.tracks = {track["title"]: track["id"] for track in self.browser.get("/api/tracks").json()["items"]}

    def connect(self, double: ScrobblingDouble) -> None:
        double.users[TOKEN] = "ada_lb"
        answer = self.browser.put("/api/account/scrobbling/listenbrainz", json={"token": TOKEN})
        assert answer.status_code == 204, answer.text
        keys = {"api_key": API_KEY, "secret": SECRET}
        double.approve(self.browser.put("/api/account/scrobbling/lastfm", json=keys).json()["url"], "ada_fm")
        assert self.browser.post("/api/account/scrobbling/lastfm/approved").status_code == 204

    def play(self, title: str, at: float) -> None:
        body = {"track_id": self.tracks[title], "played_at": at}
        assert self.browser.post("/api/plays", json=body).json() == {"recorded": True}

    def scrobble(self, title: str, **parameters: Any) -> None:
        given = {"u": "Ada", "p": self.password, "v": "1.16.1", "c": "phone", "f": "json",
                 "id": f"tr-{self.tracks[title]}", **parameters}  # fmt: skip
        answer = self.browser.get("/rest/scrobble", params=given).json()["subsonic-response"]
        assert answer["status"] == "ok", answer

    def state(self, service: str) -> dict[str, Any]:
        items = self.browser.get("/api/account/scrobbling").json()["items"]
        return next(item for item in items if item["service"] == service)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    tone(folder / "1.flac", seconds=31, title="Gobbledigook", artist="Sigur Rós", album="Með suð", tracknumber="1",
         albumartist="Von", mb_track=RECORDING, mb_album=RELEASE, mb_artist=ARTIST)  # fmt: skip
    for number in (2, 3):
        tone(folder / f"{number}.flac", seconds=31, frequency=200 + 50 * number, title=f"Song {number}", artist="Björk")
    return folder


@pytest.fixture
def double() -> Iterator[ScrobblingDouble]:
    running = ScrobblingDouble()
    yield running
    running.stop()


def no_secret_in_logs(stack: Stack, *secrets: str) -> None:
    logs = "".join(path.read_text() for path in (stack.data / "logs").glob("*.log")) + "".join(stack.output)
    assert not [secret for secret in (TOKEN, API_KEY, SECRET, *secrets) if secret in logs]
    assert "Traceback" not in logs


def test_plays_arrive_with_what_the_files_say(music: Path, tmp_path: Path, double: ScrobblingDouble) -> None:
    stack = Stack(music, tmp_path / "data", login=True, **double.environment())
    try:
        ada = Listener(stack)
        ada.connect(double)
        at = int(time.time()) - 600
        ada.play("Gobbledigook", at)
        wait_until(lambda: double.listens and double.scrobbles)
        [listen] = double.listens
        assert (listen["listened_at"], double.submissions[0][0]) == (at, "single")
        told = listen["track_metadata"]
        assert (told["artist_name"], told["track_name"]) == ("Sigur Rós", "Gobbledigook")
        assert told["release_name"] == "Með suð"
        more = told["additional_info"]
        assert 31000 <= more.pop("duration_ms") <= 31100
        assert more == {
            "recording_mbid": RECORDING, "release_mbid": RELEASE, "artist_mbids": [ARTIST], "tracknumber": 1,
            "submission_client": "SoniqueBay", "submission_client_version": __version__,
        }  # fmt: skip
        # The double has verified the signature.
        assert double.scrobbles == [{
            "artist": "Sigur Rós", "track": "Gobbledigook", "album": "Með suð", "albumArtist": "Von",
            "trackNumber": "1", "mbid": RECORDING, "duration": "31", "timestamp": str(at),
        }]  # fmt: skip
        # An app's plays arrive, too, and what is heard now.
        ada.scrobble("Song 2", submission="false")
        wait_until(lambda: double.playing_now and double.announced)
        assert double.announced[0] == {"artist": "Björk", "track": "Song 2", "duration": "31"}
        ada.scrobble("Song 2", time=(at + 100) * 1000)
        wait_until(lambda: len(double.listens) == len(double.scrobbles) == 2)
        assert double.listens[1]["listened_at"] == int(double.scrobbles[1]["timestamp"]) == at + 100
        wait_until(lambda: ada.state("lastfm")["waiting"] == ada.state("listenbrainz")["waiting"] == 0)
        assert (ada.state("lastfm")["name"], ada.state("listenbrainz")["name"]) == ("ada_fm", "ada_lb")
        no_secret_in_logs(stack, *double.sessions)
        secrets = [TOKEN, API_KEY, SECRET, *double.sessions]
        for path in stack.data.glob("listeners.db*"):
            assert not [secret for secret in secrets if secret.encode() in path.read_bytes()]
    finally:
        assert stack.stop() == 0


def test_without_a_network_plays_are_kept_and_arrive_in_order(music: Path, tmp_path: Path) -> None:
    port = free_port()
    double = ScrobblingDouble(port)
    stack = Stack(music, tmp_path / "data", login=True, **double.environment())
    try:
        ada = Listener(stack)
        ada.connect(double)
        sessions = dict(double.sessions)
        double.stop()
        at = int(time.time()) - 600
        for number, title in enumerate(("Song 3", "Gobbledigook", "Song 2")):
            ada.play(title, at - 100 * number)
        wait_until(lambda: ada.state("listenbrainz")["problem"] and ada.state("lastfm")["problem"])
        for service in ("listenbrainz", "lastfm"):
            told = ada.state(service)
            assert (told["state"], told["waiting"], told["dropped"]) == ("connected", 3, 0)
            assert "refused" in told["problem"] and 0 < told["retry_at"] - time.time() <= 60
        # They outlive a restart of all programs, during which the back-off passes.
        assert stack.stop() == 0
        with closing(sqlite3.connect(stack.data / "listeners.db")) as db, db:
            assert db.execute("UPDATE scrobble_accounts SET retry_at = ?", (time.time(),)).rowcount == 2
        double = ScrobblingDouble(port)
        double.users[TOKEN], double.sessions = "ada_lb", sessions
        stack = Stack(music, tmp_path / "data", login=True, **double.environment())
        wait_until(lambda: len(double.listens) == len(double.scrobbles) == 3, 90)
        titles = ["Song 2", "Gobbledigook", "Song 3"]
        assert [listen["track_metadata"]["track_name"] for listen in double.listens] == titles
        assert [scrobble["track"] for scrobble in double.scrobbles] == titles
        assert double.submissions == [("import", 3)]
        no_secret_in_logs(stack, *sessions)
    finally:
        double.stop()
        assert stack.stop() == 0


def test_a_service_that_asks_to_wait_is_left_alone(music: Path, tmp_path: Path, double: ScrobblingDouble) -> None:
    stack = Stack(music, tmp_path / "data", login=True, **double.environment())
    try:
        ada = Listener(stack)
        ada.connect(double)
        double.replies.append(listenbrainz_error(429, "slow down", **{"X-RateLimit-Reset-In": "900"}))
        assert ada.browser.delete("/api/account/scrobbling/lastfm").status_code == 204
        ada.play("Song 2", time.time() - 60)
        told = wait_until(lambda: (state := ada.state("listenbrainz"))["problem"] and state)
        assert (told["waiting"], "asks to wait (429)" in told["problem"]) == (1, True)
        assert 800 < told["retry_at"] - time.time() <= 900
        before = len(double.requests)
        ada.play("Song 3", time.time() - 30)
        ada.scrobble("Song 3", submission="false")
        time.sleep(3)
        assert (len(double.requests), ada.state("listenbrainz")["waiting"]) == (before, 2)
        log = (stack.data / "logs" / "api.log").read_text()
        assert log.count("ListenBrainz takes no plays now") == 1
        no_secret_in_logs(stack)
    finally:
        assert stack.stop() == 0
