"""A stream ends when the access that it began with ends: its session, its app password, its user or the role."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from soniquebay.api.open_requests import GRACE_SECONDS
from tests.support.audio_files import tone
from tests.support.connections import open_connections
from tests.support.stack import Stack, wait_until

PASSWORD = "long enough"  # noqa: S105 - of the test


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack with an owner and one long track, which does not fit into the buffers of a connection."""
    music = tmp_path_factory.mktemp("music")
    tone(music / "long.wav", seconds=400, title="Long")
    running = Stack(music, tmp_path_factory.mktemp("data"), login=True)
    try:
        with machine(running) as administrator:
            owner = administrator.post("/api/claim", json={"code": "", "name": "Ada", "password": PASSWORD})
            assert owner.status_code == 201, owner.text
        running.cli("scan", "--wait", control=True)
        yield running
    finally:
        code = running.stop()
    assert code == 0


def machine(stack: Stack) -> httpx.Client:
    """Return an administrator of the machine."""
    transport = httpx.HTTPTransport(uds=stack.environment()["SONIQUEBAY_CONTROL_SOCKET"])
    return httpx.Client(transport=transport, base_url="http://localhost", timeout=30)


class Listener:
    """A user with a session and an app password."""

    def __init__(self, stack: Stack, name: str, role: str = "manage") -> None:
        self.stack = stack
        with machine(stack) as administrator:
            made = administrator.post("/api/users", json={"name": name, "password": PASSWORD, "role": role})
            assert made.status_code == 201, made.text
        self.id = made.json()["id"]
        self.browser = httpx.Client(base_url=stack.url, timeout=30)
        assert self.browser.post("/api/sign-in", json={"name": name, "password": PASSWORD}).status_code == 200
        app = self.browser.post("/api/account/app-passwords", json={"name": "Phone"})
        self.app_id, self.app_password = app.json()["id"], app.json()["password"]

    def streams(self) -> dict[str, socket.socket]:
        """Open each kind of stream, and read its beginning alone."""
        cookie = f"Cookie: soniquebay_session={self.browser.cookies['soniquebay_session']}"
        bearer = f"Authorization: Bearer {self.app_password}"
        key = f"apiKey={self.app_password}&c=test&v=1.16.1"
        return {
            "events of a session": begin(self.stack, "/api/events", cookie),
            "music of a session": begin(self.stack, "/api/tracks/1/stream", cookie),
            "events of an app": begin(self.stack, "/api/events", bearer),
            "music of an app": begin(self.stack, "/api/tracks/1/stream", bearer),
            "transcoded music of an app": begin(self.stack, "/api/tracks/1/stream?format=flac", bearer),
            "OpenSubsonic": begin(self.stack, f"/rest/stream?id=tr-1&{key}", "X: y"),
        }


def begin(stack: Stack, target: str, header: str) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
    sock.settimeout(20)
    sock.connect(("127.0.0.1", stack.port))
    sock.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode())
    assert sock.recv(12) == b"HTTP/1.1 200", target
    return sock


def open_streams(stack: Stack, streams: dict[str, socket.socket]) -> set[str]:
    """Return the streams that the API has not closed. Nothing is read, so none of them comes to its end."""
    connected = open_connections(stack.port)
    return {name for name, sock in streams.items() if sock.getsockname()[1] in connected}


SESSION = {"events of a session", "music of a session"}
APP = {"events of an app", "music of an app", "transcoded music of an app", "OpenSubsonic"}


def sign_out(listener: Listener) -> None:
    assert listener.browser.post("/api/sign-out").status_code == 204


def revoke(listener: Listener) -> None:
    assert listener.browser.delete(f"/api/account/app-passwords/{listener.app_id}").status_code == 204


def by_machine(method: str, **change: str) -> Callable[[Listener], None]:
    def send(listener: Listener) -> None:
        with machine(listener.stack) as administrator:
            answer = administrator.request(method, f"/api/users/{listener.id}", json=change or None)
            assert answer.is_success, answer.text

    return send


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("Signs out", sign_out, SESSION),
        ("Revokes", revoke, APP),
        ("Is removed", by_machine("DELETE"), SESSION | APP),
        ("May manage no more", by_machine("PATCH", role="listen"), SESSION),
        ("Has another password", by_machine("PATCH", password=PASSWORD[::-1]), SESSION | APP),
    ],
)
def test_streams_end_with_the_access(
    closed: Stack, name: str, change: Callable[[Listener], None], expected: set[str]
) -> None:
    listener, other = Listener(closed, name), Listener(closed, f"Not: {name}".replace(":", ""))
    with ExitStack() as held:
        streams, others = listener.streams(), other.streams()
        for sock in [*streams.values(), *others.values()]:
            held.enter_context(sock)
        assert open_streams(closed, {**streams, **others}) == streams.keys()
        change(listener)
        wait_until(lambda: not open_streams(closed, streams) & expected)
        time.sleep(2 * GRACE_SECONDS)  # in which others would be closed by mistake, too
        assert open_streams(closed, streams) == streams.keys() - expected
        assert open_streams(closed, others) == others.keys()
    assert "Traceback" not in (closed.data / "logs" / "api.log").read_text()
