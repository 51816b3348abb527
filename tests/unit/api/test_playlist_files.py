"""What a scan tells of playlist files, and what becomes of their playlists."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay.api.internal import internal_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.library import sessions
from soniquebay.settings import from_environment

KNOWN = ("/r/a.m3u", "/r/in/b.m3u", "/r/in/deep/c.m3u", "/r-2/d.m3u", "/old/e.m3u")


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(from_environment({"SONIQUEBAY_DATA": str(tmp_path), "SONIQUEBAY_CLAIM_FOLDER": str(tmp_path)}))


@pytest.fixture
def worker(services: Services) -> TestClient:
    client = TestClient(internal_app(services))
    files = [file(path) for path in KNOWN]
    assert client.post("/internal/playlist-files", json={"files": files}).status_code == 200
    return client


def file(path: str, **said: Any) -> dict[str, Any]:
    return {
        "path": path,
        "size": 1,
        "mtime_ns": 1,
        "name": "List",
        "comment": "",
        "rules": None,
        "locations": [],
        **said,
    }


def scan(services: Services, worker: TestClient, found: dict[str, Any], **told: Any) -> list[str]:
    """Report a scan, and return which files the API wants."""
    kinds = {name: told.pop(name) for name in ("full", "removal_confirmed") if name in told}
    with services.database.transaction() as db:
        session = sessions.start(db, **kinds)
    body = {"folders": None, "found": found, "unreadable": [], "roots": {"/r": 1, "/r-2": 1}, **told}
    answer = worker.post(f"/internal/sessions/{session}/playlist-files", json=body)
    with services.database.transaction() as db:
        sessions.cancel(db, session)
    assert answer.status_code == 200, answer.text
    wanted: list[str] = answer.json()["wanted"]
    return wanted


def known(services: Services) -> list[str]:
    rows = services.accounts.database.reader().execute("SELECT path FROM playlist_files ORDER BY path")
    return [row["path"] for row in rows]


def test_new_and_changed_files_are_wanted(services: Services, worker: TestClient) -> None:
    found = dict.fromkeys(KNOWN, (1, 1)) | {"/r/a.m3u": (2, 1), "/r/in/b.m3u": (1, 2), "/r/new.m3u": (1, 1)}
    assert scan(services, worker, found) == ["/r/a.m3u", "/r/in/b.m3u", "/r/new.m3u"]
    assert scan(services, worker, found, full=True) == [*found]
    assert known(services) == sorted(KNOWN)


@pytest.mark.parametrize(
    ("told", "gone"),
    [
        ({}, set(KNOWN)),
        ({"folders": ["/r/in"]}, {"/r/in/b.m3u", "/r/in/deep/c.m3u"}),
        ({"folders": ["/r"]}, {"/r/a.m3u", "/r/in/b.m3u", "/r/in/deep/c.m3u"}),
        ({"unreadable": ["/r/in/", "/r-2/d.m3u"]}, {"/r/a.m3u", "/old/e.m3u"}),
        ({"unreadable": ["/"]}, set()),
        ({"roots": {"/r": 0, "/r/in": 1, "/r-2": 0, "/old": 0}}, {"/r/in/b.m3u", "/r/in/deep/c.m3u"}),
        ({"roots": {"/r": 0, "/r-2": 0, "/old": 0}, "removal_confirmed": True}, set(KNOWN)),
        ({"found": {"/r/a.m3u": (9, 9)}}, set(KNOWN) - {"/r/a.m3u"}),
    ],
)
def test_which_files_are_gone(services: Services, worker: TestClient, told: dict[str, Any], gone: set[str]) -> None:
    scan(services, worker, **{"found": {}, **told})
    assert known(services) == sorted(set(KNOWN) - gone)


def test_a_scan_that_was_cancelled_changes_nothing(services: Services, worker: TestClient) -> None:
    with services.database.transaction() as db:
        session = sessions.start(db)
        sessions.cancel(db, session)
    body = {"folders": None, "found": {"/r/x.m3u": (1, 1)}, "unreadable": [], "roots": {}}
    answer = worker.post(f"/internal/sessions/{session}/playlist-files", json=body)
    assert (answer.json(), known(services)) == ({"wanted": []}, sorted(KNOWN))
    assert worker.post("/internal/sessions/999/playlist-files", json=body).status_code == 404


def test_what_is_no_playlist_is_refused_as_a_whole(services: Services, worker: TestClient) -> None:
    for wrong in ({"locations": ["a\\b"]}, {"rules": "{"}, {"name": ""}, {"name": " "}, {"name": "a\nb"}):
        answer = worker.post("/internal/playlist-files", json={"files": [file("/new.m3u"), file("/r/n.nsp", **wrong)]})
        assert answer.status_code == 422
    assert known(services) == sorted(KNOWN)
