"""What strangers may hold of Flower: tornado's server within limits, on real sockets; some of them are made small."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import tornado.web

from soniquebay import certificates
from soniquebay.overrides import flower_server
from soniquebay.overrides.flower_server import MAX_BODY_BYTES, MAX_HEAD_BYTES, GuardedServer
from soniquebay.quota import Limits
from soniquebay.reach import Reach
from soniquebay.settings import from_environment
from tests.support.stack import wait_until

STRANGER, OTHER, PROXY = "127.0.0.2", "127.0.0.3", "127.0.0.9"
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
GET = HEAD + b"\r\n"
LAST = HEAD + b"Connection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


class Page(tornado.web.RequestHandler):
    """Answers with the size of the body."""

    def get(self) -> None:
        self.finish("hello")

    def post(self) -> None:
        self.finish(str(len(self.request.body)))


class Server:
    """The server with an application of the test, in a thread."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        tcp = socket.create_server(("127.0.0.1", 0))
        tcp.setblocking(False)
        self.address = tcp.getsockname()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

        async def start() -> GuardedServer:
            server = GuardedServer(tornado.web.Application([("/", Page)]), Reach(), [PROXY], tls)
            server.add_sockets([tcp])
            return server

        self.server = asyncio.run_coroutine_threadsafe(start(), self._loop).result()

    def connect(self, source: str = STRANGER) -> socket.socket:
        return socket.create_connection(self.address, timeout=10, source_address=(source, 0))

    def ask(self, data: bytes, source: str = STRANGER) -> bytes:
        """Return what a client gets that sends `data` and waits until the server closes."""
        with self.connect(source) as sock:
            try:
                sock.sendall(data)
            except ConnectionError:
                return b""
            return everything(sock)

    def stop(self) -> None:
        async def end() -> None:
            self.server.stop()
            await self.server.close_all_connections()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def everything(sock: socket.socket) -> bytes:
    received = b""
    try:
        while piece := sock.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flower_server, "CONNECTION_LIMITS", Limits(in_all=6, of_client=4, of_network=5))
    monkeypatch.setattr(flower_server, "HEAD_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(flower_server, "BODY_TIMEOUT_SECONDS", 1.5)


@pytest.fixture
def server(small_limits: None) -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def is_refusal(answer: bytes) -> bool:
    return answer == b"" or (answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 10\r\n" in answer)


def test_one_client_holds_a_limited_number_and_keeps_nobody_else_out(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(server.connect()).sendall(HEAD)
        answers = [server.ask(GET) for _ in range(30)]
        assert all(is_refusal(answer) for answer in answers) and any(answers)
        assert server.ask(LAST, OTHER).endswith(b"hello")
    assert {r.levelname for r in caplog.records if r.name == flower_server.__name__} == {"WARNING"}
    # Given back, they count no longer.
    wait_until(lambda: server.ask(LAST).endswith(b"hello"))


def test_all_clients_together_are_limited_and_a_trusted_proxy_speaks_for_many(server: Server) -> None:
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(server.connect(PROXY))
        assert server.ask(LAST, PROXY).endswith(b"hello")
        held.enter_context(server.connect(OTHER))
        assert is_refusal(server.ask(GET))


@pytest.mark.parametrize(
    ("begun", "rest", "seconds"),
    [(b"", HEAD, 1.0), (GET, b"", 1.0), (HEAD + b"X: ", b"y" * 100, 1.0), (POST % 100, b"z" * 99, 1.5)],
    ids=["from the first byte", "after an answer", "within a header", "within a body"],
)
def test_a_request_that_does_not_arrive_in_time_is_ended(
    server: Server, begun: bytes, rest: bytes, seconds: float
) -> None:
    started = time.monotonic()
    with server.connect() as sock:
        sock.sendall(begun)
        sock.settimeout(0.2)
        for byte in [*rest, *[None] * 100]:  # one after the other
            try:
                if byte is not None:
                    sock.sendall(bytes([byte]))
                if not sock.recv(65536):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert seconds - 0.3 < time.monotonic() - started < seconds + 3
    wait_until(lambda: server.ask(LAST).endswith(b"hello"))


def test_a_client_that_ends_early_is_counted_no_longer(server: Server) -> None:
    for begun in (b"", HEAD, POST % 100, GET, b"nonsense\r\n\r\n"):
        for _ in range(4):
            with server.connect() as sock:
                sock.sendall(begun)
        wait_until(lambda: server.ask(LAST).endswith(b"hello"))
    assert len(server.server._held) <= 1


def test_a_request_has_a_size(server: Server) -> None:
    body = b"x" * MAX_BODY_BYTES
    assert server.ask(POST % len(body) + body).endswith(str(MAX_BODY_BYTES).encode())
    assert server.ask(POST % (len(body) + 1)).startswith(b"HTTP/1.1 400 ")
    chunks = POST.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked")
    chunks += b"10000\r\n%b\r\n" % (b"x" * 65536) * 17
    assert b" 200 " not in server.ask(chunks)[:20]
    long = b"X: %b\r\n" % (b"y" * 30_000)
    assert server.ask(HEAD + long * 2 + b"Connection: close\r\n\r\n").endswith(b"hello")
    assert b" 200 " not in server.ask(HEAD + long * 3 + b"\r\n")[:20]
    assert len(HEAD + long * 2) < MAX_HEAD_BYTES < len(HEAD + long * 3)


def test_a_handshake_of_tls_is_within_the_limits(small_limits: None, tmp_path: Path) -> None:
    settings = from_environment({"SONIQUEBAY_DATA": str(tmp_path), "SONIQUEBAY_TLS": "self-signed"})
    certificates.make_if_due(settings)
    trusting = ssl.create_default_context(cafile=settings.self_signed)
    server = Server(certificates.server_context(settings))

    def is_answered() -> bool:
        try:
            with trusting.wrap_socket(server.connect(), server_hostname="localhost") as client:
                client.sendall(LAST)
                return everything(client).endswith(b"hello")
        except OSError:
            return False

    try:
        assert is_answered()
        with ExitStack() as held:
            for _ in range(4):
                held.enter_context(server.connect()).sendall(b"\x16\x03\x01")  # the beginning of a handshake
            assert server.ask(GET) == b""
            assert not is_answered()
            wait_until(is_answered)  # they are still held here
    finally:
        server.stop()
