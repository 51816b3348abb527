"""The fetcher, run as a program against a double of the services."""

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
from urllib.parse import urlsplit

import httpx
import pytest

from soniquebay.online import coverart
from soniquebay.online.errors import UpstreamError
from soniquebay.online.fetcher import COOL_DOWN_SECONDS, MIN_REQUEST_INTERVAL_SECONDS
from soniquebay.online.http import _redirect_url, retry_after, user_agent
from soniquebay.online.routes import resolve
from soniquebay.settings import from_environment
from tests.support.audio_files import png
from tests.support.doubles.musicbrainz import Failure, UpstreamDouble
from tests.support.fetcher import FetcherProcess
from tests.support.stack import free_port

pytestmark = pytest.mark.slow

MBID, OTHER, GROUP = (f"{n * 8}-0000-4000-8000-000000000000" for n in "123")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FetcherProcess, UpstreamDouble]]:
    double = UpstreamDouble()
    fetcher = FetcherProcess(tmp_path_factory.mktemp("run"), **double.environment())
    yield fetcher, double
    fetcher.stop()
    double.stop()


@pytest.fixture
def services(running: tuple[FetcherProcess, UpstreamDouble]) -> tuple[FetcherProcess, UpstreamDouble]:
    _, double = running
    double.failure = None
    double.requests.clear()
    return running


def test_lookups_searches_and_redirected_pictures_are_fetched(services: tuple[FetcherProcess, UpstreamDouble]) -> None:
    fetcher, double = services
    double.add_artist(MBID, "A", "rock")
    double.add_result(MBID, "T", "A", GROUP, 3)
    double.add_picture("release", MBID, png())
    assert json.loads(fetcher.get(f"/musicbrainz/artist/{MBID}")[1])["name"] == "A"
    assert json.loads(fetcher.get("/musicbrainz/release", query='release:"T & U" AND tracks:3')[1])["count"] == 1
    listing = fetcher.get(f"/coverart/release/{MBID}")[1]
    path = coverart.front_cover_path(listing)
    assert path == f"/coverart/release/{MBID}/829521842-1200.jpg"
    assert fetcher.get(path) == (200, png())
    for unknown in (f"/musicbrainz/artist/{OTHER}", f"/coverart/release/{OTHER}"):
        assert fetcher.get(unknown)[0] == 404
    agents = {headers["User-Agent"] for _, _, headers in double.requests}
    assert agents == {user_agent("http://soniquebay.local")}


def test_the_rate_is_one_request_a_second_for_any_number_of_clients(
    services: tuple[FetcherProcess, UpstreamDouble],
) -> None:
    fetcher, double = services
    clients = [
        subprocess.Popen([sys.executable, "-c",
                          "import httpx, sys; t = httpx.HTTPTransport(uds=sys.argv[1]);"
                          "c = httpx.Client(transport=t, timeout=60);"
                          f"[c.get('http://o/musicbrainz/artist/{MBID}') for _ in range(2)]", str(fetcher.socket)])
        for _ in range(3)
    ]  # fmt: skip
    assert [client.wait(60) for client in clients] == [0, 0, 0]
    times = [when for when, _, _ in double.requests]
    assert len(times) == 6
    assert MIN_REQUEST_INTERVAL_SECONDS == 1.0
    assert min(b - a for a, b in pairwise(times)) >= 1.0


@pytest.mark.parametrize(
    "path",
    ["/", "/musicbrainz/artist/x", f"/musicbrainz/artist/{MBID}/../../x", f"/musicbrainz/artist/{MBID}?inc=aliases",
     f"/musicbrainz/label/{MBID}", "/musicbrainz/release", f"/coverart/release/{MBID}/1-250.exe",
     "http://elsewhere.example/", "//elsewhere.example/x", f"/coverart/release/{MBID}/../x"],
)  # fmt: skip
def test_no_other_path_is_fetched(services: tuple[FetcherProcess, UpstreamDouble], path: str) -> None:
    fetcher, double = services
    with socket.socket(socket.AF_UNIX) as raw:  # an HTTP client would normalise the path
        raw.connect(str(fetcher.socket))
        raw.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        assert raw.recv(100).split()[1] == b"403"
    assert double.requests == []


@pytest.mark.parametrize(
    ("failure", "reason", "answered"),
    [(Failure(503, {"Retry-After": "90"}), "asks to wait", False), (Failure(429), "asks to wait", False),
     (Failure(500), "500", True), (Failure(403), "403", True),
     (Failure(302, {"Location": "https://elsewhere.example/"}), "elsewhere.example", True),
     (Failure(302, {"Location": "http://[half"}), r"127\.0\.0\.1", False),
     (Failure(307, {"Location": "/ws/2/for/ever"}), "redirects too often", True),
     (Failure(200, body=b"<html>"), "did not send", True), (Failure(200, body=b"{" * 5_000_000), "more than", True),
     (Failure(200, {"Content-Length": "500"}, b'{"name": "cut'), "127", False),
     pytest.param(Failure(200, delay_seconds=20, body=b"{}"), "timed out", False, marks=pytest.mark.long)],
)  # fmt: skip
def test_a_failure_has_a_reason_and_a_cool_down(tmp_path: Path, failure: Failure, reason: str, answered: bool) -> None:
    double = UpstreamDouble()
    fetcher = FetcherProcess(tmp_path, 0.1, **double.environment())
    double.failure = failure
    try:
        status, problem = fetcher.get(f"/musicbrainz/artist/{MBID}")
        assert (status, problem["answered"]) == (502, answered), problem
        assert re.search(reason, problem["reason"])
        assert problem["retry_after"] == (90 if "Retry-After" in failure.headers else 0)
        # A second request at once fails without reaching the service.
        before = len(double.requests)
        status, again = fetcher.get(f"/musicbrainz/artist/{OTHER}")
        assert (status, again["answered"], len(double.requests)) == (502, False, before)
        assert again["retry_after"] == pytest.approx(max(problem["retry_after"], COOL_DOWN_SECONDS), abs=3)
    finally:
        fetcher.stop()
        double.stop()


def test_a_picture_is_recognised_by_its_content(services: tuple[FetcherProcess, UpstreamDouble]) -> None:
    fetcher, double = services
    double.add_picture("release", OTHER, b"<html>not a picture</html>")
    status, problem = fetcher.get(f"/coverart/release/{OTHER}/829521842-500.jpg")
    assert (status, problem["answered"]) == (502, True)
    del double.pictures["release", OTHER]


def test_without_a_network_or_when_off_the_reason_is_given(tmp_path: Path) -> None:
    unreachable = f"http://127.0.0.1:{free_port()}"
    fetcher = FetcherProcess(tmp_path, SONIQUEBAY_MUSICBRAINZ_URL=unreachable, SONIQUEBAY_ONLINE="on")
    try:
        status, problem = fetcher.get(f"/musicbrainz/artist/{MBID}")
        assert (status, problem["answered"]) == (502, False)
        assert "refused" in problem["reason"]
    finally:
        fetcher.stop()
    fetcher = FetcherProcess(tmp_path / "..", SONIQUEBAY_ONLINE="off")
    try:
        assert fetcher.get(f"/musicbrainz/artist/{MBID}") == (403, {"reason": "SONIQUEBAY_ONLINE is off"})
    finally:
        fetcher.stop()
        fetcher.socket.unlink()


def test_only_certificates_that_the_system_trusts_are_accepted(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    command = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=double -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", *command.split(), "-keyout", certificate, "-out", tmp_path / "public.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate.write_text(certificate.read_text() + (tmp_path / "public.pem").read_text())
    double = UpstreamDouble(certificate=certificate)
    double.add_artist(MBID, "A")
    for trusted in (True, False):
        certificates = {"SSL_CERT_FILE": str(tmp_path / "public.pem")} if trusted else {}
        fetcher = FetcherProcess(tmp_path, **double.environment(), **certificates)
        try:
            status, result = fetcher.get(f"/musicbrainz/artist/{MBID}")
        finally:
            fetcher.stop()
            fetcher.socket.unlink()
        if trusted:
            assert json.loads(result)["name"] == "A"
        else:
            assert status == 502
            assert "certificate verify failed" in result["reason"]
    double.stop()


def test_with_a_socket_from_systemd_the_fetcher_ends_when_it_is_idle(tmp_path: Path) -> None:
    path = tmp_path / "given.sock"
    code = (
        "import os, sys; os.dup2(int(sys.argv[1]), 3);"
        "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1'};"
        "from soniquebay.online import fetcher; fetcher.IDLE_TIMEOUT_SECONDS = 1.5;"
        "from soniquebay.settings import settings;"
        "fetcher.run(settings())"
    )
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(listening.fileno())], pass_fds=[listening.fileno()],
            env={**os.environ, "SONIQUEBAY_ONLINE": "off"},
        )  # fmt: skip
        client = httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=30)
        assert client.get("http://online/").status_code == 403
        assert process.wait(20) == 0
        assert time.monotonic() - started >= 1.5
        # The socket stays open: a new client waits for the next fetcher, and is not refused.
        with socket.socket(socket.AF_UNIX) as late:
            late.connect(str(path))


def test_redirects_are_followed_only_to_the_service_or_the_archive() -> None:
    origin = urlsplit("https://coverartarchive.org/release/x")
    url = origin.geturl()
    assert _redirect_url(url, "http://archive.org/download/a?b=c", origin) == "https://archive.org/download/a?b=c"
    assert _redirect_url(url, "https://ia8.us.archive.org/1/x.jpg", origin) == "https://ia8.us.archive.org/1/x.jpg"
    assert _redirect_url(url, "/other", origin) == "https://coverartarchive.org/other"
    for elsewhere in ("https://evilarchive.org/", "http://127.0.0.1/", "https://archive.org:22/", "file:///etc/passwd",
                      "https://archive.org.example/", "//localhost/", "ftp://archive.org/x"):  # fmt: skip
        with pytest.raises(UpstreamError, match="not followed"):
            _redirect_url(url, elsewhere, origin)


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    assert retry_after({"Retry-After": "120"}) == 120
    assert retry_after({"Retry-After": formatdate(time.time() + 60, usegmt=True)}) == pytest.approx(60, abs=3)
    for invalid in ("", "soon", "-5", "9" * 5000, formatdate(0, usegmt=True)):
        assert 0 <= retry_after({"Retry-After": invalid}) <= 999_999_999
    assert retry_after({}) == 0


def test_an_invalid_setting_is_named() -> None:
    for name, value in (("ONLINE", "yes"), ("MUSICBRAINZ_URL", "musicbrainz.org"), ("CONTACT", "a\nb")):
        with pytest.raises(ValueError, match=f"SONIQUEBAY_{name}"):
            from_environment({f"SONIQUEBAY_{name}": value})
    settings = from_environment({})
    assert settings.online
    target = resolve(f"/musicbrainz/release/{MBID}", settings)
    assert target is not None
    assert target.url.startswith(f"https://musicbrainz.org/ws/2/release/{MBID}?inc=")
