"""What the fetcher sends for the API, run as a program against a double of the services of scrobbling."""

import json
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import pytest

from soniquebay.listeners.heard import MAX_NAME_CHARACTERS, Heard
from soniquebay.online import exchanges, fetcher, lastfm, listenbrainz
from soniquebay.settings import from_environment
from tests.support.doubles.scrobbling import MAX_LISTEN_BYTES, Reply, ScrobblingDouble, listenbrainz_error
from tests.support.fetcher import FetcherProcess
from tests.support.stack import free_port

TOKEN = "aaaa-secret-token"  # noqa: S105 - of the double
MBID = "11111111-0000-4000-8000-000000000000"
LISTEN = {"listened_at": 1700000000, "track_metadata": {"artist_name": "A", "track_name": "T"}}
SUBMISSION = json.dumps({"listen_type": "single", "payload": [LISTEN]}).encode()
SUBMIT = "/listenbrainz/submit-listens"


@pytest.fixture
def double() -> Iterator[ScrobblingDouble]:
    running = ScrobblingDouble()
    running.users[TOKEN] = "ada"
    yield running
    running.stop()


@pytest.fixture
def running(tmp_path: Path, double: ScrobblingDouble) -> Iterator[FetcherProcess]:
    started = FetcherProcess(tmp_path, **double.environment())
    yield started
    started.stop()


@pytest.mark.slow
def test_listens_and_tokens_reach_listenbrainz(running: FetcherProcess, double: ScrobblingDouble) -> None:
    status, answer = running.post("/listenbrainz/validate-token", token=TOKEN)
    assert (status, answer["status"], answer["content"]["user_name"]) == (200, 200, "ada")
    assert running.post(SUBMIT, SUBMISSION, TOKEN)[1]["content"] == {"status": "ok"}
    assert double.listens == [LISTEN]
    # A refusal is an answer, too, and does not keep others from asking.
    status, answer = running.post(SUBMIT, SUBMISSION, "another")
    assert (status, answer["status"], answer["content"]["error"]) == (200, 401, "Invalid authorization token.")
    assert running.post(SUBMIT, b'{"listen_type": "single", "payload": []}', TOKEN)[1]["status"] == 400
    assert running.post(SUBMIT, SUBMISSION, TOKEN)[1]["status"] == 200
    assert {headers["User-Agent"].partition("/")[0] for _, _, headers in double.requests} == {"SoniqueBay"}
    times = [when for when, _, _ in double.requests]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 1.0


@pytest.mark.slow
def test_nothing_else_is_sent(running: FetcherProcess, double: ScrobblingDouble) -> None:
    for path, body, token in (
        ("/", b"", TOKEN), ("/listenbrainz/delete-listen", b"{}", TOKEN), (SUBMIT, SUBMISSION, ""),
        (f"{SUBMIT}?token=x", SUBMISSION, TOKEN), (SUBMIT, SUBMISSION, "two words"), (SUBMIT, SUBMISSION, "x" * 201),
        ("/lastfm", b"", ""), ("/lastfm", b"method=user.getInfo", ""), ("/lastfm", b"method=auth.getMobileSession", ""),
        ("/lastfm", b"method=track.scrobble&method=user.getInfo", ""), ("/musicbrainz/release?query=x", b"", ""),
    ):  # fmt: skip
        assert running.post(path, body, token) == (403, {"reason": "not an allowed request"}), path
    for length in (str(exchanges.MAX_BODY_BYTES + 1), "9" * 30, "-1", "", "0" * 10):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(str(running.socket))
            raw.sendall(f"POST {SUBMIT} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n".encode())
            assert raw.recv(100).split()[1] == b"413"
    assert double.requests == []


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_the_worker_cannot_send_anything(running: FetcherProcess, double: ScrobblingDouble, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    running.socket.chmod(0o666)
    code = (
        "import os, socket, sys\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "s.sendall(b'POST /listenbrainz/validate-token HTTP/1.0\\r\\nAuthorization: Token aaaa-secret-token\\r\\n"
        "Content-Length: 0\\r\\n\\r\\n')\n"
        "print(s.makefile().read())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(running.socket)], capture_output=True, text=True, check=True)
    assert ("403" in done.stdout, "only the API may send" in done.stdout) == (True, True)
    assert double.requests == []


def test_the_api_has_a_user_of_its_own_on_the_appliance(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        pw_uid = os.geteuid() + 7

    assert fetcher.may_send(os.geteuid())
    assert not fetcher.may_send(Entry.pw_uid)
    monkeypatch.setattr(pwd, "getpwnam", {"soniquebay-api": Entry}.__getitem__)
    assert fetcher.may_send(Entry.pw_uid)
    assert not fetcher.may_send(Entry.pw_uid + 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reply", "expected"),
    [(listenbrainz_error(429, "too many", **{"X-RateLimit-Reset-In": "70"}), ("asks to wait", 70, False)),
     (listenbrainz_error(503, "down", **{"Retry-After": "90"}), ("asks to wait", 90, False)),
     (Reply(502, b"<html>Bad gateway"), ("502 without JSON", 0, True)), (Reply(200, b"[]"), ("without JSON", 0, True)),
     (Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), ("not followed", 0, True)),
     (Reply(200, b"{" * (exchanges.MAX_ANSWER_BYTES + 2)), ("more than", 0, True))],
)  # fmt: skip
def test_a_failure_has_a_reason_and_a_cool_down(
    running: FetcherProcess, double: ScrobblingDouble, reply: Reply, expected: tuple[str, float, bool]
) -> None:
    reason, wait, answered = expected
    double.replies.append(reply)
    status, problem = running.post(SUBMIT, SUBMISSION, TOKEN)
    assert (status, problem["retry_after"], problem["answered"]) == (502, wait, answered)
    assert reason in problem["reason"] and TOKEN not in problem["reason"]
    assert running.post(SUBMIT, SUBMISSION, TOKEN)[0] == 502
    assert len(double.requests) == 1
    # The other service is asked all the same.
    assert running.post("/lastfm", b"method=auth.getToken")[1]["content"]["error"] == 10


@pytest.mark.slow
def test_the_last_allowed_request_of_a_window_is_followed_by_a_pause(
    running: FetcherProcess, double: ScrobblingDouble
) -> None:
    limits = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-In": "60"}
    double.replies.append(Reply(200, b'{"status": "ok"}', limits))
    assert running.post(SUBMIT, SUBMISSION, TOKEN)[1]["wait_seconds"] == 60
    status, problem = running.post(SUBMIT, SUBMISSION, TOKEN)
    assert (status, 50 < problem["retry_after"] <= 60, len(double.requests)) == (502, True, 1)


@pytest.mark.slow
def test_without_a_network_or_when_off_the_reason_is_given(tmp_path: Path) -> None:
    unreachable = f"http://127.0.0.1:{free_port()}"
    for setting, expected in (("on", (502, "refused")), ("off", (403, "SONIQUEBAY_ONLINE is off"))):
        started = FetcherProcess(tmp_path, SONIQUEBAY_LISTENBRAINZ_URL=unreachable, SONIQUEBAY_ONLINE=setting)
        try:
            status, problem = started.post(SUBMIT, SUBMISSION, TOKEN)
            assert (status, expected[1] in problem["reason"]) == (expected[0], True)
        finally:
            started.stop()
            started.socket.unlink()


def test_the_addresses_are_settings() -> None:
    for name in ("LISTENBRAINZ_URL", "LASTFM_URL"):
        with pytest.raises(ValueError, match=name):
            from_environment({f"SONIQUEBAY_{name}": "maloja.lan"})
    maloja = from_environment({"SONIQUEBAY_LISTENBRAINZ_URL": "http://maloja.lan:42010/apis/listenbrainz/"})
    sent = exchanges.resolve(SUBMIT, "Token x", b"{}", maloja)
    assert sent is not None and sent.url == "http://maloja.lan:42010/apis/listenbrainz/1/submit-listens"
    form = urlencode({"method": "track.scrobble"}).encode()
    sent = exchanges.resolve("/lastfm", "", form, from_environment({}))
    assert sent is not None and sent.url == "https://ws.audioscrobbler.com/2.0/"


def test_what_is_not_known_is_left_out() -> None:
    heard = Heard("T", "A", duration=0.0)
    told = listenbrainz.metadata(heard)
    assert (told["artist_name"], told["track_name"], "release_name" in told) == ("A", "T", False)
    assert told["additional_info"].keys() == {"submission_client", "submission_client_version"}
    assert lastfm.track(heard) == {"artist": "A", "track": "T", "duration": "0"}
    whole = Heard("T", "A & B", "L", "A & B", 3, 61.26, MBID, MBID, MBID, (MBID,))
    more = listenbrainz.metadata(whole)["additional_info"]
    assert (more["duration_ms"], more["tracknumber"], more["artist_mbids"]) == (61260, 3, [MBID])
    assert "albumArtist" not in lastfm.track(whole)


def test_the_longest_names_fit_into_a_listen() -> None:
    heard = Heard(*("🎵" * MAX_NAME_CHARACTERS,) * 4, 3, 61.26, MBID, MBID, MBID, (MBID,) * 5)
    listen = {"listened_at": 1700000000, "track_metadata": listenbrainz.metadata(heard)}
    assert len(listenbrainz.document("single", [listen])) < MAX_LISTEN_BYTES


def test_a_signature_has_the_parameters_in_the_order_of_ascii() -> None:
    parameters = {"s": "", "artist[1]": "Ü", "artist[10]": "X"}
    # of "artist[10]Xartist[1]ÜsZ" in UTF-8
    assert lastfm.signature(parameters, "Z") == "eb46e0db50a734065043f0cf8d633e6d"
