"""What every request that writes is answered while the disk is full or can only be read."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from soniquebay import logs
from soniquebay.api import background_jobs, health, server
from soniquebay.api.access import COOKIE
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.listeners import app_passwords, users
from soniquebay.settings import from_environment
from tests.support.small_disk import full_disk, needs_root, small_disk
from tests.unit.songs import file, insert

ADA, BOB = {"name": "Ada", "password": "correct horse"}, {"name": "Bob", "password": "long enough"}
TRACKS = {"track_ids": [2]}
WRITES: dict[str, tuple[str, Any]] = {
    "POST /api/sign-in": ("/api/sign-in", ADA),
    "POST /api/sign-out": ("/api/sign-out", None),
    "PUT /api/account/password": ("/api/account/password", {"old": ADA["password"], "new": "battery staple"}),
    "POST /api/account/app-passwords": ("/api/account/app-passwords", {"name": "phone"}),
    "DELETE /api/account/app-passwords/{password_id}": ("/api/account/app-passwords/1", None),
    "DELETE /api/account/sessions/{session_id}": ("/api/account/sessions/1", None),
    "POST /api/users": ("/api/users", {"name": "Cleo", "password": "long enough"}),
    "PATCH /api/users/{user_id}": ("/api/users/2", {"role": "manage"}),
    "DELETE /api/users/{user_id}": ("/api/users/2", None),
    "POST /api/scan": ("/api/scan", {}),
    "POST /api/scan-sessions/{session_id}/pause": ("/api/scan-sessions/1/pause", None),
    "POST /api/scan-sessions/{session_id}/cancel": ("/api/scan-sessions/1/cancel", None),
    "PUT /api/stars/{kind}/{item_id}": ("/api/stars/track/2", None),
    "DELETE /api/stars/{kind}/{item_id}": ("/api/stars/track/1", None),
    "PUT /api/ratings/{kind}/{item_id}": ("/api/ratings/track/2", {"rating": 4}),
    "POST /api/plays": ("/api/plays", {"track_id": 1, "played_at": 1.7e9}),
    "PUT /api/queue": ("/api/queue", TRACKS),
    "PUT /api/bookmarks/{track_id}": ("/api/bookmarks/2", {"position_ms": 1}),
    "DELETE /api/bookmarks/{track_id}": ("/api/bookmarks/1", None),
    "POST /api/playlists": ("/api/playlists", {"name": "Other"}),
    "PATCH /api/playlists/{playlist_id}": ("/api/playlists/1", {"name": "Evening, late"}),
    "DELETE /api/playlists/{playlist_id}": ("/api/playlists/1", None),
    "POST /api/playlists/{playlist_id}/copy": ("/api/playlists/1/copy", {"name": "Copy"}),
    "PUT /api/playlists/{playlist_id}/entries": ("/api/playlists/1/entries", TRACKS),
    "POST /api/playlists/{playlist_id}/entries": ("/api/playlists/1/entries", TRACKS),
    "POST /api/playlists/{playlist_id}/entries/remove": (
        "/api/playlists/1/entries/remove",
        {"positions": [0], "revision": 0},
    ),
    "POST /api/playlists/{playlist_id}/entries/move": (
        "/api/playlists/1/entries/move",
        {"position": 0, "to": 1, "revision": 0},
    ),
}
NOT_TRIED = {
    "POST /api/backups": "it is answered before the backup is made, whose problem `GET /api/backups` tells",
    "POST /api/claim": "there is an owner",
    "POST /api/claim/machine": "there is an owner",
    "DELETE /api/account/app-passwords/current": "only an app sends it, and it writes as the one with a number does",
    "PUT /api/account/scrobbling/listenbrainz": "it asks the internet first",
    "PUT /api/account/scrobbling/lastfm": "it asks the internet first",
    "POST /api/account/scrobbling/lastfm/approved": "it asks the internet first",
    "DELETE /api/account/scrobbling/{service}": "there is no account",
    "POST /api/scan-sessions/{session_id}/resume": "no scan is paused, and it writes as the pause does",
    "POST /api/tracks/{track_id}/vector": "it sends a task, and writes nothing",
    "POST /api/marks/import": "no file has marks",
    "POST /api/users/{user_id}/marks/import": "no file has marks",
    "POST /api/workers/join-codes": "the code is in memory alone",
    "POST /api/workers/join": "it needs the proof of a code; tests/pipeline/test_joining.py",
    "DELETE /api/workers/{name}": "no worker has joined",
    "POST /api/health/check": "what it writes it takes back; tests/pipeline/test_release_check.py",
    "POST /api/updates/install": "this is no appliance that installs releases; tests/unit/api/test_updates.py",
    "POST /api/updates/upload": "as above, a full disk included",
    "PUT /api/updates/upload": "as above",
    "DELETE /api/updates/upload": "there is no upload",
}
FORMS = {
    "/sign-in": ADA,
    "/apps": {"name": "tablet"},
    "/apps/revoke": {"id": "2"},
    "/sign-out": {},
}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Give the services of a library on a disk of its own, with something to change and to delete."""
    with small_disk(tmp_path / "data") as data:
        made = make_services(from_environment({"SONIQUEBAY_DATA": str(data), "SONIQUEBAY_CLAIM_FOLDER": str(tmp_path)}))
        made.accounts.make_owner(**ADA)
        with made.accounts.change() as db:
            users.add(db, BOB["name"], BOB["password"], "listen")
            app_passwords.make(db, made.accounts.key, 1, "car", "listen")
        insert(made.database, *(file(f"/r/{n}.flac", title=f"Song {n}", artist="A", album="X") for n in range(3)))
        yield made


@pytest.fixture
def owner(services: Services) -> TestClient:
    client = client_of(services, **ADA)
    client.put("/api/stars/track/1").raise_for_status()
    client.put("/api/bookmarks/1", json={"position_ms": 1}).raise_for_status()
    client.post("/api/playlists", json={"name": "Evening", "track_ids": [1, 2, 3]}).raise_for_status()
    return client


def client_of(services: Services, name: str, password: str) -> TestClient:
    _, token = services.accounts.sign_in(name, password, "testclient", "")
    return TestClient(public_app(services), "http://localhost", cookies={COOKIE: token}, raise_server_exceptions=False)


@contextmanager
def full(services: Services) -> Iterator[None]:
    """Fill the disk; the write-ahead logs have no room left that they could use again."""
    for database in (services.database, services.accounts.database):
        with database._locked_writer() as writer:
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with full_disk(services.settings.data):
        yield


@contextmanager
def read_only(services: Services) -> Iterator[None]:
    """Have SQLite refuse every write, as it does when the file cannot be opened for writing."""
    with ExitStack() as after:
        for database in (services.database, services.accounts.database):
            with database._locked_writer() as writer:
                writer.execute("PRAGMA query_only = ON")
                after.callback(writer.execute, "PRAGMA query_only = OFF")
        yield


Trouble = Callable[[Services], AbstractContextManager[None]]
TROUBLES = [
    pytest.param(full, 507, ("disk_full", "the disk is full"), id="full"),
    pytest.param(read_only, 503, ("read_only", "the disk can only be read"), id="read-only"),
]


def send(client: TestClient, request: str) -> Response:
    path, body = WRITES[request]
    return client.request(request.split(maxsplit=1)[0], path, json=body)


@needs_root
@pytest.mark.parametrize(("trouble", "status", "told"), TROUBLES)
def test_every_request_that_writes_is_told_why_it_cannot_and_works_again_afterwards(
    services: Services, owner: TestClient, trouble: Trouble, status: int, told: tuple[str, str]
) -> None:
    paths = public_app(services).openapi()["paths"]
    writing = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods} - {
        f"GET {path}" for path in paths
    }
    assert writing == WRITES.keys() | NOT_TRIED.keys()
    with trouble(services):
        for request in WRITES.keys() - {"POST /api/scan"}:  # one runs
            answer = send(owner, request)
            assert (answer.status_code, answer.json().get("code")) == (status, told[0]), (request, answer.text)
            assert answer.json()["detail"].startswith(told[1]), request
            assert str(services.settings.data) in answer.json()["detail"]
        assert owner.get("/api/playlists/1/entries").json()["total"] == 3  # reading goes on
    for request in ("PUT /api/ratings/{kind}/{item_id}", "POST /api/plays", "PUT /api/queue", "POST /api/playlists"):
        assert send(owner, request).is_success, request
    assert send(owner, "POST /api/scan-sessions/{session_id}/cancel").is_success
    with trouble(services):
        assert send(owner, "POST /api/scan").status_code == status


@needs_root
@pytest.mark.parametrize(("trouble", "status", "told"), TROUBLES)
def test_a_listener_a_form_and_an_app_are_told_without_paths_of_the_machine(
    services: Services, owner: TestClient, trouble: Trouble, status: int, told: tuple[str, str]
) -> None:
    listener = client_of(services, **BOB)
    with services.accounts.change() as db:
        _, password = app_passwords.make(db, services.accounts.key, 2, "bus", "listen")
    with trouble(services):
        answers = [listener.put("/api/stars/track/2")]
        for path, form in FORMS.items():
            answer = listener.post(path, data=form, headers={"Accept": "text/html,*/*"})
            assert '<p role="alert" lang="en">' in answer.text, path
            answers.append(answer)
        app = listener.get(
            "/rest/star", params={"u": "Bob", "p": password, "v": "1.16.1", "c": "t", "f": "json", "id": "tr-1"}
        )
    assert {answer.status_code for answer in answers} == {status}
    assert app.json()["subsonic-response"]["error"]["message"].startswith(told[1])
    for answer in (*answers, app):
        assert told[1] in answer.text
        assert str(services.settings.data) not in answer.text


@needs_root
def test_the_health_of_the_machine_warns_those_who_manage_it(
    services: Services, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_CHECKS", dict.fromkeys(health._CHECKS, lambda _: "ok"))  # none waits for Redis
    listener = client_of(services, **BOB)
    assert owner.get("/api/health").json()["warnings"] == []
    with full(services):
        (warning,) = owner.get("/api/health").json()["warnings"]
        assert f"make room on the disk of {services.settings.data}" in warning
        assert listener.get("/api/health").json()["warnings"] == []


@needs_root
def test_the_log_has_one_line_a_minute_of_what_repeats(
    services: Services, owner: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("soniquebay.api.errors", "soniquebay.api.background_jobs"):
        assert name in server._REPEATING_LOGGERS
        monkeypatch.setattr(logging.getLogger(name), "filters", [logs.RepeatFilter()])

    async def keep_up() -> None:
        def upkeep() -> None:
            with services.database.transaction() as db:
                db.execute("UPDATE tracks SET title = title || '!'")

        jobs = [
            asyncio.create_task(background_jobs._repeat(services, what, upkeep, 0.01))
            for what in ("no upkeep", "no lookups")
        ]
        await asyncio.sleep(0.3)
        for job in jobs:
            job.cancel()

    with full(services):
        for _ in range(3):
            owner.put("/api/stars/track/2")
            owner.post("/api/playlists", json={"name": "Other"})
        asyncio.run(keep_up())
    lines = [record.getMessage() for record in caplog.records]
    assert [line.partition(":")[0] for line in lines] == ["PUT /api/stars/track/2", "no upkeep", "no lookups"]
    assert all("full" in line and "Traceback" not in line for line in lines)
