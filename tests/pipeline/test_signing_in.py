"""A stack as it is shipped, on which visitors have to sign in: the claim, users, app passwords, and who is refused."""

import http.cookies
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from soniquebay.overrides.flower_server import CONNECTION_LIMITS, MAX_BODY_BYTES
from tests.support.audio_files import tone
from tests.support.connections import open_connections
from tests.support.stack import Stack, wait_until

OWNER = {"name": "Ada", "password": "correct horse"}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack that asks for a login, with one track."""
    music = tmp_path_factory.mktemp("music")
    tone(music / "a.flac", seconds=1, title="Song")
    running = Stack(music, tmp_path_factory.mktemp("data"), login=True)
    yield running
    assert running.stop() == 0


def browser(stack: Stack) -> httpx.Client:
    return httpx.Client(base_url=stack.url, headers={"User-Agent": "Test browser"}, timeout=30)


@pytest.fixture(scope="module")
def owner(closed: Stack) -> Iterator[httpx.Client]:
    """Claim the stack as a person does, by the link that `serve` prints."""
    link = next(line for line in closed.output if "Make it yours: " in line).split(": ", 1)[1].strip()
    with browser(closed) as client:
        page = client.get(link)
        code = link.partition("code=")[2]
        assert (page.status_code, f'value="{code}"' in page.text) == (200, True)
        answer = client.post("/claim", data={"code": code, **OWNER, "again": OWNER["password"]})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = http.cookies.SimpleCookie(answer.headers.get_list("set-cookie")[0])["soniquebay_session"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "strict", "/", "")
        yield client


@pytest.fixture(scope="module")
def scanned(closed: Stack, owner: httpx.Client) -> None:
    closed.cli("scan", "--wait", control=True)


def made_password(owner: httpx.Client, name: str, role: str = "listen") -> str:
    answer = owner.post("/api/account/app-passwords", json={"name": name, "role": role})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["password"])


def test_nobody_gets_in_before_the_claim(closed: Stack) -> None:
    for path in ("/api/tracks", "/api/events", "/api/users", "/docs", "/openapi.json", "/nothing", "/api/worker"):
        answer = httpx.get(closed.url + path)
        assert (answer.status_code, "claim" in answer.json()["detail"]) == (401, True)
    assert httpx.get(closed.url + "/docs", headers={"Accept": "text/html"}).headers["location"] == "/claim"
    assert httpx.get(f"{closed.url}/sign-in").headers["location"] == "/claim"
    assert httpx.get(f"{closed.url}/api/health").json()["status"] == "ok"
    assert httpx.get(f"{closed.url}/api/session").json() == {
        "claimed": False, "user": None, "role": None, "means": None,
    }  # fmt: skip
    wrong = httpx.post(f"{closed.url}/api/claim", json={"code": "AAAA-AAAA", **OWNER})
    assert (wrong.status_code, "claim-code" in wrong.json()["detail"]) == (401, True)
    file = closed.data / "claim" / "code"
    assert (stat.S_IMODE(file.stat().st_mode), closed.cli("claim-code", control=True).stdout) == (
        0o600, file.read_text(),
    )  # fmt: skip


def test_the_claim_is_made_once(closed: Stack, owner: httpx.Client) -> None:
    assert owner.get("/api/session").json()["user"] | {"created_at": 0} == {
        "id": 1, "name": "Ada", "role": "manage", "is_owner": True, "created_at": 0,
    }  # fmt: skip
    assert not any((closed.data / "claim").iterdir())
    again = httpx.post(f"{closed.url}/api/claim", json={"code": "", **OWNER})
    assert (again.status_code, again.json()["detail"]) == (409, "this appliance has an owner already")
    refused = closed.cli("claim-code", control=True, check=False)
    assert (refused.returncode, "user reset" in refused.stderr) == (1, True)


def test_secrets_are_not_readable_by_other_users(closed: Stack, owner: httpx.Client) -> None:
    password = made_password(owner, "in the file?")
    for path in [*closed.data.glob("listeners.db*"), closed.data / "device.key"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        content = path.read_bytes()
        for secret in (password, OWNER["password"], owner.cookies["soniquebay_session"]):
            assert secret.encode() not in content


def test_a_browser_signs_in_and_out(closed: Stack, owner: httpx.Client) -> None:
    with browser(closed) as client:
        wanted = client.get("/docs?x=1", headers={"Accept": "text/html"})
        assert wanted.headers["location"] == "/sign-in?next=%2Fdocs%3Fx%3D1"
        assert 'value="/docs?x=1"' in client.get(wanted.headers["location"]).text
        refused = client.post("/sign-in", data={**OWNER, "password": "wrong", "next": "/docs"})
        assert (refused.status_code, "name or password is wrong" in refused.text) == (401, True)
        answer = client.post("/sign-in", data={**OWNER, "name": "ada", "next": "/docs"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/docs")
        assert client.get("/docs").status_code == 200
        sessions = client.get("/api/account/sessions").json()["items"]
        assert [s["browser"] for s in sessions] == ["Test browser"] * len(sessions)
        assert [s["is_current"] for s in sessions].count(True) == 1
        token = client.cookies["soniquebay_session"]
        assert client.post("/api/sign-out").status_code == 204
        assert "soniquebay_session" not in client.cookies
        assert httpx.get(f"{closed.url}/api/tracks", cookies={"soniquebay_session": token}).status_code == 401


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1"])
def test_signing_in_leads_to_no_other_site(closed: Stack, owner: httpx.Client, target: str) -> None:
    with browser(closed) as client:
        assert client.post("/sign-in", data={**OWNER, "next": target}).headers["location"] == "/"


def test_an_app_password_lets_an_app_in_until_it_is_revoked(closed: Stack, owner: httpx.Client) -> None:
    password = made_password(owner, "Phone")
    bearer = {"Authorization": f"Bearer {password}", "User-Agent": "Player 1.0"}
    assert httpx.get(f"{closed.url}/api/tracks", headers=bearer).status_code == 200
    assert httpx.get(f"{closed.url}/api/tracks", auth=("ADA", password)).status_code == 200
    assert httpx.get(f"{closed.url}/api/tracks", auth=("Eve", password)).status_code == 401
    assert httpx.get(f"{closed.url}/api/tracks", auth=("Ada", OWNER["password"])).status_code == 401
    # It may listen and nothing else.
    assert httpx.post(f"{closed.url}/api/scan", headers=bearer).status_code == 403
    assert httpx.post(f"{closed.url}/api/account/app-passwords", headers=bearer, json={"name": "x"}).status_code == 403
    shown = next(p for p in owner.get("/api/account/app-passwords").json()["items"] if p["name"] == "Phone")
    assert (shown["used_by"], shown["used_at"] > shown["created_at"]) == ("Player 1.0", True)
    assert password not in json.dumps(shown)
    assert owner.delete(f"/api/account/app-passwords/{shown['id']}").status_code == 204
    assert httpx.get(f"{closed.url}/api/tracks", headers=bearer).status_code == 401


def test_a_managing_app_scans_but_makes_no_users(closed: Stack, owner: httpx.Client) -> None:
    bearer = {"Authorization": f"Bearer {made_password(owner, 'Script', 'manage')}"}
    assert httpx.post(f"{closed.url}/api/scan", headers=bearer).status_code == 202
    user = {"name": "Mallory", "password": "long enough", "role": "manage"}
    assert httpx.post(f"{closed.url}/api/users", headers=bearer, json=user).status_code == 403
    assert httpx.delete(f"{closed.url}/api/users/1", headers=bearer).status_code == 403


def test_a_listener_reads_and_manages_nothing(closed: Stack, owner: httpx.Client, scanned: None) -> None:
    added = owner.post("/api/users", json={"name": "Bob", "password": "long enough"})
    assert (added.status_code, added.json()["role"]) == (201, "listen")
    taken = owner.post("/api/users", json={"name": "BOB", "password": "long enough"})
    assert (taken.status_code, taken.json()["detail"]) == (422, "there is a user BOB already")
    with browser(closed) as client:
        assert client.post("/api/sign-in", json={"name": "bob", "password": "long enough"}).status_code == 200
        assert [t["path"] for t in client.get("/api/tracks").json()["items"]] == ["a.flac"]
        assert [t["path"] for t in owner.get("/api/tracks").json()["items"]] == [f"{closed.music}/a.flac"]
        for method, path in [
            ("POST", "/api/scan"), ("POST", "/api/scan-sessions/1/cancel"), ("GET", "/api/users"),
            ("POST", "/api/users"), ("PATCH", "/api/users/1"), ("DELETE", "/api/users/1"), ("GET", "/api/worker"),
            ("GET", "/api/watch"), ("GET", "/api/scan-sessions/1/failures"), ("POST", "/api/tracks/1/vector"),
        ]:  # fmt: skip
            assert client.request(method, path).status_code == 403, path
        assert client.post("/api/account/app-passwords", json={"name": "x", "role": "manage"}).status_code == 403
        # What the user was found as before the change does not count.
        assert owner.patch(f"/api/users/{added.json()['id']}", json={"role": "manage"}).status_code == 200
        assert client.get("/api/users").status_code == 200
        for change in ({"password": "taken over"}, {"role": "listen"}):
            assert client.patch("/api/users/1", json=change).status_code in {403, 409}
        assert client.delete("/api/users/1").status_code == 409
        assert owner.delete(f"/api/users/{added.json()['id']}").status_code == 204
        assert client.get("/api/tracks").status_code == 401


def test_a_changed_password_ends_the_other_sessions(closed: Stack, owner: httpx.Client) -> None:
    assert owner.post("/api/users", json={"name": "Cleo", "password": "first password"}).status_code == 201
    with browser(closed) as here, browser(closed) as elsewhere:
        for client in (here, elsewhere):
            assert client.post("/api/sign-in", json={"name": "Cleo", "password": "first password"}).status_code == 200
        wrong = here.put("/api/account/password", json={"old": "wrong", "new": "second password"})
        assert wrong.status_code == 401
        short = here.put("/api/account/password", json={"old": "first password", "new": "short"})
        assert (short.status_code, "at least 8" in short.text) == (422, True)
        bearer = {"Authorization": f"Bearer {made_password(here, 'Phone')}"}
        done = here.put("/api/account/password", json={"old": "first password", "new": "second password"})
        assert done.status_code == 204
        assert here.get("/api/tracks").status_code == 200
        assert elsewhere.get("/api/tracks").status_code == 401
        assert httpx.get(f"{closed.url}/api/tracks", headers=bearer).status_code == 200
        change = {"old": "second password", "new": "third password", "revoke_apps": True}
        assert here.put("/api/account/password", json=change).status_code == 204
        assert httpx.get(f"{closed.url}/api/tracks", headers=bearer).status_code == 401


def test_the_machines_administrators_need_no_password(closed: Stack, owner: httpx.Client) -> None:
    assert closed.cli("status", "--json", control=True).returncode == 0
    assert "Ada: owner" in closed.cli("user", "list", control=True).stdout
    assert "Dora is added as listen" in closed.cli("user", "add", "Dora", control=True, typed="a password").stdout
    with browser(closed) as client:
        assert client.post("/api/sign-in", json={"name": "Dora", "password": "a password"}).status_code == 200
        bearer = {"Authorization": f"Bearer {made_password(client, 'Phone')}"}
        assert httpx.get(f"{closed.url}/api/tracks", headers=bearer).status_code == 200
        assert "another password" in closed.cli("user", "reset", "dora", control=True, typed="other one").stdout
        # Whoever knew the old password may have made app passwords with it.
        assert httpx.get(f"{closed.url}/api/tracks", headers=bearer).status_code == 401
        assert client.post("/api/sign-in", json={"name": "Dora", "password": "other one"}).status_code == 200
    nothing = closed.cli("user", "reset", "dora", control=True, typed="", check=False)
    assert (nothing.returncode, "no password" in nothing.stderr) == (1, True)
    # An argument could be read by everybody on the machine.
    flag = closed.cli("user", "add", "Eve", "--password", "a password", control=True, check=False)
    assert (flag.returncode, "No such option" in flag.stderr) == (2, True)
    assert closed.cli("user", "remove", "Dora", "--yes", control=True).returncode == 0
    refused = closed.cli("user", "remove", "Ada", "--yes", control=True, check=False)
    assert (refused.returncode, "owner" in refused.stderr) == (1, True)
    # By the port, the same command is a visitor like any other.
    assert "sign in" in closed.cli("status", check=False).stderr


def test_the_command_line_elsewhere_keeps_an_app_password(
    closed: Stack, owner: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    wrong = closed.cli("login", closed.url, "--name", "Ada", typed="wrong", check=False)
    assert (wrong.returncode, "name or password is wrong" in wrong.stderr) == (1, True)
    for _ in range(2):  # the second login finds the name of its app password taken
        done = closed.cli("login", closed.url + "/", "--name", "ada", typed=OWNER["password"])
        assert done.stdout.startswith(f"signed in at {closed.url} as Ada")
    file = tmp_path / "soniquebay" / "credentials.json"
    assert (stat.S_IMODE(file.stat().st_mode), OWNER["password"] in file.read_text()) == (0o600, False)
    assert closed.cli("status", "--json").returncode == 0
    assert json.loads(closed.cli("scan", "--wait", "--json").stdout)["status"] == "completed"
    environment = {**os.environ, "SONIQUEBAY_CONTROL_SOCKET": str(tmp_path / "none"), "SONIQUEBAY_URL": ""}
    command = [sys.executable, "-m", "soniquebay.cli", "user", "list"]
    listed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert "Ada: owner" in listed.stdout
    names = [p["name"] for p in owner.get("/api/account/app-passwords").json()["items"]]
    assert closed.cli("logout").stdout == f"signed out at {closed.url}\n"
    assert len(owner.get("/api/account/app-passwords").json()["items"]) == len(names) - 1
    assert "there is no login" in closed.cli("logout", check=False).stderr
    assert closed.cli("status", check=False).returncode == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_another_user_of_the_machine_is_refused(closed: Stack, owner: httpx.Client, tmp_path: Path) -> None:
    control = closed.environment()["SONIQUEBAY_CONTROL_SOCKET"]
    Path(control).parent.chmod(0o755)
    code = (
        "import os, socket, sys\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "s.sendall(b'GET /api/users HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n')\n"
        "print(s.makefile().read())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, control], capture_output=True, text=True, check=True, timeout=60)
    assert ("403 Forbidden" in done.stdout, "repeat it with sudo" in done.stdout) == (True, True)


FLOWER_PATHS = (
    "/",
    "/workers",
    "/tasks",
    "/metrics",
    "/healthcheck",
    "/static/css/flower.css",
    "/api/workers",
    "/nothing",
)


def test_flower_has_the_same_login_on_every_path(closed: Stack, owner: httpx.Client) -> None:
    flower = f"http://127.0.0.1:{closed.flower_port}"
    session = {"Cookie": f"soniquebay_session={owner.cookies['soniquebay_session']}"}
    listener, manager = made_password(owner, "Flower listener"), made_password(owner, "Prometheus", "manage")
    for path in FLOWER_PATHS:
        assert httpx.get(flower + path).status_code == 401, path
        assert httpx.get(flower + path, auth=("Ada", "wrong")).status_code == 401, path
        assert httpx.get(flower + path, headers={"Cookie": "soniquebay_session=wrong"}).status_code == 401, path
        assert httpx.get(flower + path, auth=("Ada", listener)).status_code == 403, path
        assert httpx.get(flower + path, auth=("Ada", manager)).status_code in {200, 404}, path
        assert httpx.get(flower + path, headers=session).status_code in {200, 404}, path
    page = httpx.get(f"{flower}/tasks", headers={"Accept": "text/html"})
    expected = f"{closed.url}/sign-in?next=http%3A%2F%2F127.0.0.1%3A{closed.flower_port}%2Ftasks"
    assert (page.status_code, page.headers["location"]) == (302, expected)
    with browser(closed) as client:
        signed_in = client.post("/sign-in", data={**OWNER, "next": f"{flower}/tasks"})
        assert signed_in.headers["location"] == f"{flower}/tasks"


def test_a_foreign_page_does_nothing_in_flower(closed: Stack, owner: httpx.Client) -> None:
    flower = f"http://127.0.0.1:{closed.flower_port}/tasks/datatable"
    session = {"Cookie": f"soniquebay_session={owner.cookies['soniquebay_session']}"}
    assert httpx.post(flower, headers=session | {"Origin": "http://evil.example"}).status_code == 403
    assert httpx.post(flower, headers=session | {"Sec-Fetch-Site": "same-site"}).status_code == 403
    assert httpx.post(flower, headers=session).status_code == 400  # it asks for nothing
    assert "access-control-allow-origin" not in httpx.get(flower, headers=session).headers


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_strangers_fill_no_memory_of_flower(closed: Stack) -> None:
    flower, address = closed.program("flower"), ("127.0.0.1", closed.flower_port)
    unknown_method = b"FOO / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: %b\r\n\r\n" % (b"x" * 60_000)
    before = resident_bytes(flower)
    for _ in range(300):
        with socket.create_connection(address, timeout=30) as stranger:
            stranger.sendall(unknown_method)
            assert stranger.recv(100).startswith(b"HTTP/1.1 405")
    with ExitStack() as strangers:
        wait_until(lambda: not open_connections(closed.flower_port))  # else one of the next would be one too many
        for _ in range(CONNECTION_LIMITS.of_client):
            stranger = strangers.enter_context(socket.create_connection(address, timeout=30))
            stranger.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % MAX_BODY_BYTES)
            stranger.sendall(b"x" * (MAX_BODY_BYTES - 1))
        assert resident_bytes(flower) - before < 10_000_000
        stranger.sendall(b"x")
        assert stranger.recv(100).startswith((b"HTTP/1.1 401", b"HTTP/1.1 403"))


def test_flower_lets_nobody_in_while_the_api_is_away(closed: Stack, owner: httpx.Client) -> None:
    session = {"Cookie": f"soniquebay_session={owner.cookies['soniquebay_session']}", "Authorization": "Bearer new"}
    with closed.frozen("api"):
        answer = httpx.get(f"http://127.0.0.1:{closed.flower_port}/tasks", headers=session, timeout=30)
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)


def test_guessing_is_slowed_down_and_keeps_nobody_out(closed: Stack, owner: httpx.Client) -> None:
    guesses = [
        httpx.post(f"{closed.url}/api/sign-in", json={"name": "nobody at all", "password": f"guess {n}"})
        for n in range(6)
    ]
    assert [guess.status_code for guess in guesses] == [401] * 5 + [429]
    assert 1 <= int(guesses[-1].headers["retry-after"]) <= 31
    assert owner.get("/api/tracks").status_code == 200
    with browser(closed) as client:
        assert client.post("/api/sign-in", json=OWNER).status_code == 200


def test_a_guesser_with_many_addresses_keeps_no_known_browser_out(closed: Stack, owner: httpx.Client) -> None:
    frida = {"name": "Frida", "password": "long enough"}
    assert owner.post("/api/users", json=frida).status_code == 201

    def at(address: str, **cookies: str) -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=address)
        return httpx.Client(base_url=closed.url, transport=transport, cookies=cookies, timeout=30)

    with at("127.0.5.1") as phone:
        answer = phone.post("/sign-in", data=frida)
        cookie = http.cookies.SimpleCookie(answer.headers.get_list("set-cookie")[1])["soniquebay_device"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
        device = phone.cookies["soniquebay_device"]
    for number in range(5):
        with at(f"127.0.6.{number + 1}") as guesser:
            for _ in range(4):
                guesser.post("/api/sign-in", json={**frida, "password": "guess"})
    with at("127.0.5.2") as elsewhere:
        assert elsewhere.post("/api/sign-in", json=frida).status_code == 429
    with at("127.0.5.2", soniquebay_device=device) as elsewhere:
        assert elsewhere.post("/api/sign-in", json=frida).status_code == 200


def test_health_tells_strangers_no_details(closed: Stack, owner: httpx.Client) -> None:
    with closed.frozen("worker"):
        stranger, manager = httpx.get(f"{closed.url}/api/health", timeout=30), owner.get("/api/health")
    assert (stranger.json()["worker"], "no answer" in manager.json()["worker"]) == ("not ok", True)


def test_without_login_only_this_machine_is_served(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    command = [sys.executable, "-m", "soniquebay.cli", "serve", "--music", str(tmp_path / "music")]
    command += ["--data", str(tmp_path / "data"), "--no-login", "--host", "0.0.0.0"]  # noqa: S104
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (refused.returncode, "can be reached from others" in refused.stderr) == (1, True)


def test_users_and_sessions_outlive_a_restart(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    first = Stack(tmp_path / "music", tmp_path / "data", login=True)
    try:
        code = (first.data / "claim" / "code").read_text()
        answer = httpx.post(f"{first.url}/api/claim", json={"code": code.lower().replace("-", " "), **OWNER})
        assert answer.status_code == 201, answer.text
    finally:
        first.stop()
    second = Stack(tmp_path / "music", tmp_path / "data", login=True)
    try:
        assert not any("Make it yours" in line for line in second.output)
        session = httpx.get(f"{second.url}/api/session", cookies=answer.cookies).json()
        assert (session["claimed"], session["user"]["name"]) == (True, "Ada")
    finally:
        second.stop()
