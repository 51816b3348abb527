"""Which visitor may send which request: every route of the public API, with the role that it needs."""

import errno
import sqlite3
from pathlib import Path
from unittest.mock import Mock

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from soniquebay.addresses import OWN_PATHS
from soniquebay.api import access, web_page
from soniquebay.api.access import COOKIE, credentials
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.library import covers
from soniquebay.listeners import app_passwords, users, web_sessions
from soniquebay.listeners.accounts import WrongPasswordError
from soniquebay.settings import from_environment
from soniquebay.sockets import UnixPeer

OPEN = {
    "GET /api/health", "GET /api/session", "POST /api/claim", "POST /api/sign-in", "GET /claim", "POST /claim",
    "GET /sign-in", "POST /sign-in", "GET /sign-in/style.css", "GET /icon.svg", "GET /manifest.webmanifest",
    "GET /assets/none.js", "POST /api/workers/join",
}  # fmt: skip
MANAGE = {
    "POST /api/scan", "POST /api/scan-sessions/{session_id}/pause", "POST /api/scan-sessions/{session_id}/resume",
    "POST /api/scan-sessions/{session_id}/cancel", "GET /api/scan-sessions", "GET /api/scan-sessions/{session_id}",
    "GET /api/scan-sessions/{session_id}/failures", "GET /api/watch", "GET /api/worker", "GET /api/queues",
    "GET /api/machine", "GET /api/activity", "GET /metrics", "GET /api/logs", "GET /api/missing", "GET /api/backups",
    "POST /api/backups", "POST /api/tracks/{track_id}/vector", "GET /api/online", "GET /api/users", "POST /api/users",
    "GET /api/updates", "POST /api/updates/install", "POST /api/updates/upload", "PUT /api/updates/upload",
    "DELETE /api/updates/upload", "GET /api/duplicates",
    "POST /api/health/check", "POST /api/claim/machine", "PATCH /api/users/{user_id}", "DELETE /api/users/{user_id}",
    "POST /api/users/{user_id}/marks/import", "GET /api/workers", "POST /api/workers/join-codes",
    "DELETE /api/workers/{name}",
}  # fmt: skip


# They would not end, end the session, or are for apps alone.
NOT_TRIED = {"GET /api/events", "POST /api/sign-out", "POST /sign-out", "DELETE /api/account/app-passwords/current"}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    folder = str(tmp_path_factory.mktemp("data"))
    made = make_services(from_environment({"SONIQUEBAY_DATA": folder, "SONIQUEBAY_CLAIM_FOLDER": folder}))
    made.accounts.make_owner("Ada", "correct horse")
    with made.accounts.change() as db:
        users.add(db, "Bob", "long enough", "listen")
    return made


@pytest.fixture(scope="module")
def app(services: Services) -> FastAPI:
    return public_app(services)


def requests(app: FastAPI) -> set[str]:
    described = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    pages = {request for request in OPEN if "/api/" not in request}
    apps = {"GET /apps", "POST /apps", "POST /apps/revoke", "POST /sign-out"}
    views = {"GET /", *(f"GET /{view}/7" for view in web_page.VIEWS)}
    return described | pages | apps | views | {"GET /docs", "GET /docs/assets/swagger-ui.css", "GET /openapi.json"}


def client_of(app: FastAPI, services: Services, name: str, password: str) -> TestClient:
    _, token = services.accounts.sign_in(name, password, "testclient", "")
    return TestClient(app, "http://localhost", cookies={COOKIE: token}, raise_server_exceptions=False)


def status(client: TestClient, request: str) -> int:
    method, path = request.split()
    for name in (
        "session_id",
        "track_id",
        "user_id",
        "item_id",
        "password_id",
        "album_id",
        "artist_id",
        "genre_id",
        "playlist_id",
    ):
        path = path.replace(f"{{{name}}}", "999")
    return client.request(method, path.replace("{kind}", "album"), follow_redirects=False).status_code


def test_every_request_needs_a_login_but_these(app: FastAPI) -> None:
    client = TestClient(app, "http://localhost")
    everything = requests(app)
    assert everything >= OPEN | MANAGE
    for request in everything - {"POST /sign-in", "POST /claim"}:  # 401 there means that the password is wrong
        assert (status(client, request) == 401) == (request not in OPEN), request
    assert client.get("/nothing").status_code == 401


def test_the_paths_of_opensubsonic_look_at_no_cookie_and_no_header(app: FastAPI, services: Services) -> None:
    owner = client_of(app, services, "Ada", "correct horse")
    for path in ("/rest/ping", "/rest/ping.view", "/rest/../api/users", "/rest//api/users"):
        answer = owner.get(f"http://localhost{path}", headers={"Authorization": "Basic eDp5"})
        assert (answer.status_code, 'status="ok"' in answer.text) in {(200, False), (401, False)}, path
    assert "WWW-Authenticate" not in owner.get("/rest/ping").headers
    assert [TestClient(app, "http://localhost").get(path).status_code for path in ("/rest", "/restx")] == [401, 401]


def test_only_managers_send_what_manages(app: FastAPI, services: Services) -> None:
    listener, owner = client_of(app, services, "Bob", "long enough"), client_of(app, services, "Ada", "correct horse")
    for request in requests(app) - OPEN - NOT_TRIED:
        assert (status(listener, request) == 403) == (request in MANAGE), request
        if request == "POST /api/claim/machine":
            assert status(owner, request) in {403, 422}  # only administrators of the machine
        elif "/scan" not in request and "vector" not in request and "worker" not in request and "queues" not in request:
            assert status(owner, request) != 403, request


def test_guests_read_on_the_local_network_when_a_setting_lets_them(tmp_path: Path) -> None:
    variables = {"DATA": str(tmp_path), "CLAIM_FOLDER": str(tmp_path), "GUESTS": "on"}
    settings = from_environment({f"SONIQUEBAY_{name}": value for name, value in variables.items()})
    app = public_app(make_services(settings))
    local = TestClient(app, "http://localhost", client=("192.168.1.9", 1))
    assert (local.get("/api/tracks").status_code, local.get("/api/users").status_code) == (200, 403)
    assert local.post("/api/scan").status_code == 401
    assert local.get("/api/session").json()["means"] == "guest"
    assert TestClient(app, "http://localhost", client=("8.8.8.8", 1)).get("/api/tracks").status_code == 401


def test_only_a_trusted_proxy_tells_who_the_client_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    variables = {
        "DATA": tmp_path,
        "CLAIM_FOLDER": tmp_path,
        "GUESTS": "on",
        "TRUSTED_PROXIES": "10.0.0.7 172.16.0.0/12",
    }
    services = make_services(from_environment({f"SONIQUEBAY_{name}": str(value) for name, value in variables.items()}))
    services.accounts.make_owner("Ada", "correct horse")
    app = public_app(services)
    for proxy, trusted in (("10.0.0.7", True), ("172.20.1.1", True), ("10.0.0.8", False)):
        client = TestClient(app, "http://localhost", client=(proxy, 1))
        forwarded = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Proto": "https"}
        # A guest of the internet is none of the local network, whoever says so.
        assert client.get("/api/tracks", headers=forwarded).status_code == 401
        spoofed = {"X-Forwarded-For": "192.168.1.2, 8.8.8.8"}
        assert client.get("/api/tracks", headers=spoofed).status_code == 401
        account = {"name": "Ada", "password": "correct horse"}
        answer = client.post("/api/sign-in", headers=forwarded, json=account)
        assert ("secure" in answer.headers["set-cookie"].lower()) == trusted
        (address,) = {s["address"] for s in web_sessions.of_user(services.accounts.database.reader(), 1)[:1]}
        assert address == ("8.8.8.8" if trusted else proxy)
    # The one that is not named is told once.
    (told,) = [record.getMessage() for record in caplog.records if "TRUSTED_PROXIES" in record.getMessage()]
    assert told.startswith("10.0.0.8 seems to be a reverse proxy")


def test_the_cookie_lasts_as_long_as_its_session(services: Services, app: FastAPI) -> None:
    def a_day_passes() -> None:
        with services.accounts.change() as db:
            db.execute("UPDATE web_sessions SET used_at = used_at - 2 * 86400")

    client = client_of(app, services, "Bob", "long enough")
    token = client.cookies[COOKIE]
    assert "set-cookie" not in client.get("/api/session").headers
    a_day_passes()
    renewed = client.get("/api/tracks").headers["set-cookie"]
    assert (f"{COOKIE}={token}" in renewed, f"Max-Age={int(web_sessions.LIFETIME_SECONDS)}" in renewed) == (True, True)
    assert "set-cookie" not in client.get("/api/tracks").headers
    a_day_passes()
    (ended,) = client.post("/api/sign-out").headers.get_list("set-cookie")
    assert "Max-Age=0" in ended


def test_credentials() -> None:
    assert credentials("Bearer abc ") == (None, "abc")
    assert credentials("bAsIc QWRhOmE6Yg==") == ("Ada", "a:b")
    for wrong in ("", "Basic", "Basic %%%", "Basic QWRh", "Basic /w==", "Digest x", "x" * 100_000):
        with pytest.raises(WrongPasswordError):
            credentials(wrong)


def test_a_session_of_a_cookie_that_is_wrong_is_none(app: FastAPI) -> None:
    for value in ("", "x", "\x7f", "é" * 5000, "a=b; c", '"quoted"'):
        headers = [(b"cookie", f"{COOKIE}={value}".encode("latin-1"))]
        assert TestClient(app, "http://localhost").get("/api/tracks", headers=headers).status_code == 401


def test_an_app_password_is_no_session(app: FastAPI, services: Services) -> None:
    with services.accounts.change() as db:
        _, password = app_passwords.make(db, services.accounts.key, 1, "x", "manage")
    client = TestClient(app, "http://localhost", headers={"Authorization": f"Bearer {password}"})
    assert client.get("/api/users").status_code == 200
    for path in ("/api/account/app-passwords", "/api/account/sessions"):
        assert client.get(path).status_code == 403


def test_errors_tell_listeners_no_path_of_the_machine(
    app: FastAPI, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [
        PermissionError(errno.EACCES, "Permission denied", "/var/lib/soniquebay/library.db"),
        OSError(errno.ENOSPC, "No space left on device", "/var/lib/soniquebay/x"),
        sqlite3.OperationalError("unable to open database: /var/lib/soniquebay/library.db"),
    ]
    listener, owner = client_of(app, services, "Bob", "long enough"), client_of(app, services, "Ada", "correct horse")
    data = str(services.settings.data)
    for error in errors:
        monkeypatch.setattr(covers, "find_cover", Mock(side_effect=error))
        told, known = listener.get("/api/covers/album/1"), owner.get("/api/covers/album/1")
        assert told.status_code == known.status_code in {503, 507}
        assert not any(path in told.text for path in ("/var", data))
        assert ("/var/lib/soniquebay" if known.status_code == 503 else data) in known.text


def test_the_administrators_socket_answers_others_on_no_path(
    app: FastAPI, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "is_administrator", lambda uid: uid == 0)
    other = TestClient(app, "http://localhost", client=UnixPeer("unix", 1234))  # type: ignore[arg-type]
    for request in OPEN | {"GET /api/tracks"}:
        assert status(other, request) == 403, request
    administrator = TestClient(app, "http://localhost", client=UnixPeer("unix", 0))  # type: ignore[arg-type]
    assert administrator.get("/api/session").json()["means"] == "machine"
    _, token = services.accounts.sign_in("Bob", "long enough", "testclient", "")
    assert other.get("/api/session", cookies={COOKIE: token}).json()["user"]["name"] == "Bob"


def test_no_path_of_the_api_can_be_the_base_path(app: FastAPI) -> None:
    """Else a request could mean two things."""
    assert {request.split("/")[1] for request in requests(app)} - {""} | {"rest", "internal"} == OWN_PATHS
