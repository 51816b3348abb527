"""The fetcher as a program of its own, against a double of the internet."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from soniquebay.online import coverart
from soniquebay.online.errors import UpstreamError
from soniquebay.online.fetcher import INTERVAL, REST
from soniquebay.online.http import _onward, retry_after, user_agent
from soniquebay.online.routes import target
from soniquebay.settings import from_environment
from tests.audio_files import png
from tests.doubles.musicbrainz import Double, Trouble
from tests.stack import free_port, wait_until

pytestmark = pytest.mark.slow

MBID, OTHER, GROUP = (f"{n * 8}-0000-4000-8000-000000000000" for n in "123")


class Asker:
    """The fetcher as a process, and one who asks it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.socket = folder / "online.sock"
        environment = {**os.environ, "SONIQUEBAY_ONLINE_SOCKET": str(self.socket), **settings}
        self.process = subprocess.Popen([sys.executable, "-m", "soniquebay.cli", "online"], env=environment)
        wait_until(self.socket.exists)
        transport = httpx.HTTPTransport(uds=str(self.socket))
        self.client = httpx.Client(transport=transport, base_url="http://online", timeout=90)

    def ask(self, path: str, **query: str) -> tuple[int, Any]:
        answer = self.client.get(path, params=query)
        return answer.status_code, answer.content if answer.status_code == 200 else answer.json()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asker, Double]]:
    double = Double()
    asker = Asker(tmp_path_factory.mktemp("run"), **double.settings())
    yield asker, double
    asker.stop()
    double.stop()


@pytest.fixture
def asked(running: tuple[Asker, Double]) -> tuple[Asker, Double]:
    _, double = running
    double.trouble = None
    double.asked.clear()
    return running


def test_it_fetches_by_id_by_words_and_through_the_archives_redirects(asked: tuple[Asker, Double]) -> None:
    asker, double = asked
    double.add_artist(MBID, "A", "rock")
    double.add_result(MBID, "T", "A", GROUP, 3)
    double.add_picture("release", MBID, png())
    assert json.loads(asker.ask(f"/musicbrainz/artist/{MBID}")[1])["name"] == "A"
    assert json.loads(asker.ask("/musicbrainz/release", query='release:"T & U" AND tracks:3')[1])["count"] == 1
    index = asker.ask(f"/coverart/release/{MBID}")[1]
    path = coverart.front_path(index)
    assert path == f"/coverart/release/{MBID}/829521842-1200.jpg"
    assert asker.ask(path) == (200, png())
    for nothing in (f"/musicbrainz/artist/{OTHER}", f"/coverart/release/{OTHER}"):
        assert asker.ask(nothing)[0] == 404
    agents = {headers["User-Agent"] for _, _, headers in double.asked}
    assert agents == {user_agent("http://soniquebay.local")}


def test_its_pace_is_one_a_second_however_many_ask(asked: tuple[Asker, Double]) -> None:
    asker, double = asked
    clients = [
        subprocess.Popen([sys.executable, "-c",
                          "import httpx, sys; t = httpx.HTTPTransport(uds=sys.argv[1]);"
                          "c = httpx.Client(transport=t, timeout=60);"
                          f"[c.get('http://o/musicbrainz/artist/{MBID}') for _ in range(2)]", str(asker.socket)])
        for _ in range(3)
    ]  # fmt: skip
    assert [client.wait(60) for client in clients] == [0, 0, 0]
    times = [when for when, _, _ in double.asked]
    assert len(times) == 6
    assert INTERVAL == 1.0
    assert min(b - a for a, b in pairwise(times)) >= 1.0


@pytest.mark.parametrize(
    "path",
    ["/", "/musicbrainz/artist/x", f"/musicbrainz/artist/{MBID}/../../x", f"/musicbrainz/artist/{MBID}?inc=aliases",
     f"/musicbrainz/label/{MBID}", "/musicbrainz/release", f"/coverart/release/{MBID}/1-250.exe",
     "http://elsewhere.example/", "//elsewhere.example/x", f"/coverart/release/{MBID}/../x"],
)  # fmt: skip
def test_nothing_else_is_fetched(asked: tuple[Asker, Double], path: str) -> None:
    asker, double = asked
    with socket.socket(socket.AF_UNIX) as raw:  # as it stands: a client would tidy it up
        raw.connect(str(asker.socket))
        raw.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        assert raw.recv(100).split()[1] == b"403"
    assert double.asked == []


@pytest.mark.parametrize(
    ("trouble", "reason", "answered"),
    [(Trouble(503, {"Retry-After": "90"}), "patience", False), (Trouble(429), "patience", False),
     (Trouble(500), "500", True), (Trouble(403), "403", True),
     (Trouble(302, {"Location": "https://elsewhere.example/"}), "elsewhere.example", True),
     (Trouble(302, {"Location": "http://[half"}), r"127\.0\.0\.1", False),
     (Trouble(307, {"Location": "/ws/2/for/ever"}), "without end", True),
     (Trouble(200, body=b"<html>"), "something else", True), (Trouble(200, body=b"{" * 5_000_000), "more than", True),
     (Trouble(200, {"Content-Length": "500"}, b'{"name": "cut'), "127", False),
     (Trouble(200, seconds=20, body=b"{}"), "timed out", False)],
)  # fmt: skip
def test_trouble_has_a_reason_and_a_rest(tmp_path: Path, trouble: Trouble, reason: str, answered: bool) -> None:
    double = Double()
    asker = Asker(tmp_path, **double.settings())
    double.trouble = trouble
    try:
        status, words = asker.ask(f"/musicbrainz/artist/{MBID}")
        assert (status, words["answered"]) == (502, answered), words
        assert re.search(reason, words["reason"])
        assert words["retry_after"] == (90 if "Retry-After" in trouble.headers else 0)
        # Asked again at once, it answers by itself.
        before = len(double.asked)
        status, again = asker.ask(f"/musicbrainz/artist/{OTHER}")
        assert (status, again["answered"], len(double.asked)) == (502, False, before)
        assert again["retry_after"] == pytest.approx(max(words["retry_after"], REST), abs=3)
    finally:
        asker.stop()
        double.stop()


def test_a_picture_is_told_by_its_bytes(asked: tuple[Asker, Double]) -> None:
    asker, double = asked
    double.add_picture("release", OTHER, b"<html>not a picture</html>")
    status, words = asker.ask(f"/coverart/release/{OTHER}/829521842-500.jpg")
    assert (status, words["answered"]) == (502, True)
    del double.pictures["release", OTHER]


def test_no_network_and_off(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    asker = Asker(tmp_path, SONIQUEBAY_MUSICBRAINZ_URL=nobody, SONIQUEBAY_ONLINE="on")
    try:
        status, words = asker.ask(f"/musicbrainz/artist/{MBID}")
        assert (status, words["answered"]) == (502, False)
        assert "refused" in words["reason"]
    finally:
        asker.stop()
    asker = Asker(tmp_path / "..", SONIQUEBAY_ONLINE="off")
    try:
        assert asker.ask(f"/musicbrainz/artist/{MBID}") == (403, {"reason": "SONIQUEBAY_ONLINE is off"})
    finally:
        asker.stop()
        asker.socket.unlink()


def test_over_tls_only_whom_the_system_trusts(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    command = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=double -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", *command.split(), "-keyout", certificate, "-out", tmp_path / "public.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate.write_text(certificate.read_text() + (tmp_path / "public.pem").read_text())
    double = Double(certificate=certificate)
    double.add_artist(MBID, "A")
    for trusted in (True, False):
        settings = {"SSL_CERT_FILE": str(tmp_path / "public.pem")} if trusted else {}
        asker = Asker(tmp_path, **double.settings(), **settings)
        try:
            status, words = asker.ask(f"/musicbrainz/artist/{MBID}")
        finally:
            asker.stop()
            asker.socket.unlink()
        if trusted:
            assert json.loads(words)["name"] == "A"
        else:
            assert status == 502
            assert "certificate verify failed" in words["reason"]
    double.stop()


def test_with_systemds_socket_it_ends_when_nobody_asks(tmp_path: Path) -> None:
    path = tmp_path / "given.sock"
    code = (
        "import os, sys; os.dup2(int(sys.argv[1]), 3);"
        "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1'};"
        "from soniquebay.online import fetcher; fetcher.IDLE = 1.5; from soniquebay.settings import settings;"
        "fetcher.run(settings())"
    )
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(listening.fileno())], pass_fds=[listening.fileno()],
            env={**os.environ, "SONIQUEBAY_ONLINE": "off"},
        )  # fmt: skip
        client = httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=30)
        assert client.get("http://online/").status_code == 403
        assert process.wait(20) == 0
        assert time.monotonic() - began >= 1.5
        # The door stays open: who comes now waits for the next one, and is not refused.
        with socket.socket(socket.AF_UNIX) as late:
            late.connect(str(path))


def test_only_the_archive_is_followed_and_only_safely() -> None:
    home = urlsplit("https://coverartarchive.org/release/x")
    url = home.geturl()
    assert _onward(url, "http://archive.org/download/a?b=c", home) == "https://archive.org/download/a?b=c"
    assert _onward(url, "https://ia8.us.archive.org/1/x.jpg", home) == "https://ia8.us.archive.org/1/x.jpg"
    assert _onward(url, "/other", home) == "https://coverartarchive.org/other"
    for elsewhere in ("https://evilarchive.org/", "http://127.0.0.1/", "https://archive.org:22/", "file:///etc/passwd",
                      "https://archive.org.example/", "//localhost/", "ftp://archive.org/x"):  # fmt: skip
        with pytest.raises(UpstreamError, match="not followed"):
            _onward(url, elsewhere, home)


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after({"Retry-After": "120"}) == 120
    assert retry_after({"Retry-After": formatdate(time.time() + 60, usegmt=True)}) == pytest.approx(60, abs=3)
    for nothing in ("", "soon", "-5", "9" * 5000, formatdate(0, usegmt=True)):
        assert 0 <= retry_after({"Retry-After": nothing}) <= 999_999_999
    assert retry_after({}) == 0


def test_settings_that_are_wrong_name_themselves() -> None:
    for name, value in (("ONLINE", "yes"), ("MUSICBRAINZ_URL", "musicbrainz.org"), ("CONTACT", "a\nb")):
        with pytest.raises(ValueError, match=f"SONIQUEBAY_{name}"):
            from_environment({f"SONIQUEBAY_{name}": value})
    settings = from_environment({})
    assert settings.online
    found = target(f"/musicbrainz/release/{MBID}", settings)
    assert found is not None
    assert found.url.startswith(f"https://musicbrainz.org/ws/2/release/{MBID}?inc=")
