"""No request makes one of the two applications answer 5xx, or the public one answer what it does not describe."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.fuzz import fuzz, relay
from tests.support.stack import Stack

pytestmark = pytest.mark.slow

DESCRIBED = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance"
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield a stack of its own with a few tracks, because the requests change it."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "music").mkdir()
    for n in range(3):
        tone(folder / "music" / f"{n}.flac", 1.0, 300 + 50 * n, title=f"S{n}", artist="A", album="B", picture=True)
    running = Stack(folder / "music", folder / "data")
    try:
        running.scan()
        yield running
    finally:
        running.stop()


def _log(stack: Stack) -> str:
    return (stack.data / "logs" / "api.log").read_text()


def test_the_public_api_answers_as_it_describes(small: Stack, tmp_path: Path) -> None:
    # /api/events never ends: the next test has its requests.
    report = fuzz(small.url, DESCRIBED, tmp_path, "--exclude-path", "/api/events")
    assert not report, report
    assert "Traceback" not in _log(small)


def test_what_a_user_keeps_is_answered_as_described(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    tone(tmp_path / "music" / "a.flac", 1.0, title="S", artist="A", album="B")
    running = Stack(tmp_path / "music", tmp_path / "data", login=True)
    try:
        running.cli("scan", "--wait", control=True)
        code = (running.data / "claim" / "code").read_text()
        owner = {"name": "Ada", "password": "correct horse"}
        token = httpx.post(f"{running.url}/api/claim", json={"code": code, **owner}).cookies["soniquebay_session"]
        report = fuzz(
            running.url, DESCRIBED, tmp_path, "--header", f"Cookie: soniquebay_session={token}",
            "--include-path-regex", "^/api/(account|users|stars|ratings|plays|queue|bookmarks|playlists|marks)",
            # These would end the session.
            "--exclude-path", "/api/account/sessions/{session_id}", "--exclude-path", "/api/users/{user_id}",
        )  # fmt: skip
        assert not report, report
        assert "Traceback" not in _log(running)
        session = httpx.get(f"{running.url}/api/session", cookies={"soniquebay_session": token}).json()
        assert session["means"] == "session"  # to the end
    finally:
        running.stop()


@pytest.mark.parametrize("event_id", ["", "0", "-", "0-0", "9" * 20 + "-" + "9" * 20, "9" * 5000, "\x7f", "ü$+*"])
def test_any_last_event_id_is_answered(small: Stack, event_id: str) -> None:
    headers = {b"Last-Event-ID": event_id.encode()}
    with httpx.stream("GET", f"{small.url}/api/events", headers=headers, timeout=10) as answer:
        assert answer.status_code == 200 or (event_id == "\x7f" and answer.status_code == 400)
    assert "Traceback" not in _log(small)


@pytest.mark.parametrize(
    "query", ["%00", "%ED%A0%80", "%FF", '"', "*", "a" * 200, "NEAR(a b)", "-", "^", "%F0%9F%8E%B5"]
)
def test_any_search_is_answered(small: Stack, query: str) -> None:
    assert httpx.get(f"{small.url}/api/search?q={query}").status_code == 200


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"folders": ["\\ud800"]}', b'{"folders": [1e999]}']
)
def test_a_malformed_body_is_refused(small: Stack, body: bytes) -> None:
    answer = httpx.post(f"{small.url}/api/scan", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}, answer.text


@pytest.mark.long
def test_the_internal_api_never_answers_5xx(small: Stack, tmp_path: Path) -> None:
    with relay(small.environment()["SONIQUEBAY_API_SOCKET"]) as url:
        report = fuzz(url, "not_a_server_error", tmp_path)
    assert not report, report
    assert "Traceback" not in _log(small)
