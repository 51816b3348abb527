"""What strangers may hold of the public API: a real server on real sockets, whose limits are made small."""

import asyncio
import ipaddress
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from soniquebay import certificates, reach
from soniquebay.api import connections, errors, http_server, tls
from soniquebay.api.peers import _plain
from soniquebay.quota import Limits, Quota
from soniquebay.reach import reach_of
from soniquebay.settings import from_environment
from soniquebay.sockets import bind_unix_socket
from tests.support.stack import wait_until

STRANGER, OTHER, PROXY = "127.0.0.2", "127.0.0.3", "127.0.0.9"
HEAD = b"GET /client HTTP/1.1\r\nHost: localhost\r\n"
LARGE_BYTES = 16 << 20  # more than the kernel keeps for a client that does not read
GET = HEAD + b"\r\n"
POST = b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


async def client(request: Request) -> Response:
    return PlainTextResponse(str(request.scope["client"][0]))


async def large(_: Request) -> Response:
    return Response(b"x" * LARGE_BYTES)


async def body(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


class Server:
    """The public server with an application of the test, in a thread."""

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        settings = from_environment({
            "SONIQUEBAY_TRUSTED_PROXIES": PROXY, "SONIQUEBAY_DATA": str(folder), "SONIQUEBAY_TLS": "self-signed",
        })  # fmt: skip
        app = FastAPI(
            routes=[
                Route("/client", client, methods=["GET"]),
                Route("/body", body, methods=["POST"]),
                Route("/large", large, methods=["GET"]),
            ],
            openapi_url=None,
        )
        errors.install(app)
        tcp = socket.create_server(("127.0.0.1", 0))
        self.address = tcp.getsockname()
        self.unix = folder / "control.sock"
        quota = http_server.public_quota(settings)
        if tls:
            certificates.make_if_due(settings)
            self._server = http_server.tls_server(app, quota, reach_of(settings), certificates.server_context(settings))
        else:
            self._server = http_server.public_server(app, quota, reach_of(settings))
        self.client_context = ssl.create_default_context(cafile=settings.self_signed if tls else None)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve([tcp, bind_unix_socket(self.unix, 8)]))
        )
        self._thread.start()
        wait_until(lambda: self._server.started)

    def connect(self, source: str = STRANGER) -> socket.socket:
        return socket.create_connection(self.address, timeout=10, source_address=(source, 0))

    def connect_by_tls(self, source: str = STRANGER) -> ssl.SSLSocket:
        return self.client_context.wrap_socket(self.connect(source), server_hostname="localhost")

    def ask(self, data: bytes, source: str = STRANGER) -> bytes:
        """Return what a client gets that sends `data` and waits until the server closes."""
        with self.connect(source) as sock:
            sock.sendall(data)
            return everything(sock)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


def everything(sock: socket.socket) -> bytes:
    received = b""
    try:
        while piece := sock.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def until(sock: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        piece = sock.recv(65536)
        assert piece, received
        received += piece
    return received


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.fixture
def tls_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http_server, "CONNECTION_LIMITS", Limits(in_all=6, of_client=4, of_network=5))
    monkeypatch.setattr(connections, "HEAD_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(tls, "CLOSE_TIMEOUT_SECONDS", 0.5)
    running = Server(tmp_path, tls=True)
    yield running
    running.stop()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http_server, "CONNECTION_LIMITS", Limits(in_all=6, of_client=4, of_network=5))
    monkeypatch.setattr(connections, "HEAD_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(connections, "BODY_TIMEOUT_SECONDS", 1.5)
    running = Server(tmp_path)
    yield running
    running.stop()


def test_one_client_holds_a_limited_number_and_keeps_nobody_else_out(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(server.connect())
        for _ in range(30):
            refusal = server.ask(GET)
            assert refusal == b"" or (status(refusal) == 503 and b"Retry-After: 10\r\n" in refusal)
        answer = server.ask(HEAD + b"Connection: close\r\n\r\n", OTHER)
        assert (status(answer), answer.endswith(OTHER.encode())) == (200, True)
    assert {r.levelname for r in caplog.records if r.name == connections.__name__} == {"WARNING"}
    # Given back, they count no longer.
    wait_until(lambda: server.ask(HEAD + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200"))


def test_all_clients_together_leave_room_for_the_machines_administrators(server: Server) -> None:
    with ExitStack() as held:
        for number in range(6):
            held.enter_context(server.connect(f"127.0.1.{number + 1}"))
        refusal = server.ask(GET, OTHER)
        assert refusal == b"" or status(refusal) == 503
        with socket.socket(socket.AF_UNIX) as administrator:
            administrator.connect(str(server.unix))
            administrator.sendall(HEAD + b"Connection: close\r\n\r\n")
            assert everything(administrator).endswith(b"unix")


def test_a_trusted_proxy_speaks_for_many_clients(server: Server) -> None:
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(server.connect(PROXY))
        assert status(server.ask(HEAD + b"Connection: close\r\n\r\n", PROXY)) == 200


def drip(sock: socket.socket, data: bytes, pause: float = 0.2) -> bytes:
    """Send one byte after the other until there is an answer."""
    for byte in data:
        try:
            sock.sendall(bytes([byte]))
        except OSError:
            break
        sock.settimeout(pause)
        try:
            if piece := sock.recv(65536):
                return piece
        except TimeoutError:
            continue
        except ConnectionResetError:
            break
    raise AssertionError("closed without an answer")


@pytest.mark.parametrize(
    ("begun", "rest", "seconds"),
    [(b"", HEAD, 1.0), (b"GET / HTTP/1.1\r\nX: ", b"y" * 100, 1.0), (POST % 100, b"z" * 99, 1.5)],
    ids=["from the first byte", "within a header", "within a body"],
)
def test_a_request_that_does_not_arrive_in_time_is_ended(
    server: Server, begun: bytes, rest: bytes, seconds: float
) -> None:
    started = time.monotonic()
    with server.connect() as sock:
        sock.sendall(begun)
        assert status(drip(sock, rest)) == 408
    assert seconds - 0.2 < time.monotonic() - started < seconds + 3


def test_the_time_of_a_later_request_is_limited_too(server: Server) -> None:
    with server.connect() as sock:
        for _ in range(3):
            sock.sendall(GET)
            assert status(until(sock, STRANGER.encode())) == 200
        assert status(drip(sock, HEAD)) == 408


def test_the_time_of_a_request_behind_another_one_is_limited_too(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(GET + POST % 100 + b"half a body")
        answers = everything(sock)
    assert answers.startswith(b"HTTP/1.1 200") and b"HTTP/1.1 408" in answers


def test_silence_is_ended(server: Server) -> None:
    with server.connect() as sock:
        assert status(everything(sock)) == 408


@pytest.mark.parametrize(
    "send",
    [
        lambda sock: sock.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000),
        lambda sock: sock.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 90_000 + b"\r\n\r\n"),
        lambda sock: sock.sendall(b"GET /" + b"y" * 90_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ],
    ids=["without an end", "complete", "address"],
)
def test_a_huge_head_is_refused(server: Server, send: Callable[[socket.socket], None]) -> None:
    with server.connect() as sock:
        send(sock)
        sock.shutdown(socket.SHUT_WR)
        answer = everything(sock)
    assert answer == b"" or status(answer) == 431  # nothing: closed while more arrived


def test_what_is_no_http_is_refused_without_a_traceback(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    assert status(server.ask(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")) == 400
    broken_chunk = b"POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    assert status(server.ask(broken_chunk)) == 400
    # Behind a complete answer, while the body of the request goes on.
    unread = broken_chunk.replace(b"POST /body", b"PUT /client").removesuffix(b"zz\r\n")
    with server.connect() as sock:
        sock.sendall(unread)
        assert status(until(sock, b'Not Allowed"}')) == 405
        sock.sendall(b"zz\r\n")
        everything(sock)
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


def test_ordinary_requests_are_answered(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall((POST % (1 << 20)) + b"x" * (1 << 20))
        assert status(until(sock, b"1048576")) == 200
        sock.sendall(GET * 3)
        received = b""
        while received.count(b"HTTP/1.1 200") < 3:
            received += sock.recv(65536)
        # The answer may take longer than the request.
        sock.sendall(HEAD + b"X: " + b"y" * 20_000 + b"\r\nConnection: close\r\n\r\n")
        assert status(everything(sock)) == 200


def test_a_network_of_ipv6_counts_as_a_whole_and_each_of_its_machines() -> None:
    quota = Quota(Limits(in_all=6, of_client=2, of_network=3))
    first = [quota.take(("fe80::1%eth0", 1)) for _ in range(3)]
    assert [held is not None for held in first] == [True, True, False]
    assert quota.take(("fe80::2%eth0", 1))
    assert quota.take(("fe80::3%eth0", 1)) is None
    assert quota.take(("192.168.1.7", 1))
    assert first[0]
    quota.give_back(first[0])
    assert quota.take(("fe80::3%eth0", 1))


def test_an_ipv4_client_has_its_own_address_on_a_socket_for_both_families() -> None:
    assert [_plain(a) for a in ("::ffff:192.168.1.7", "192.168.1.7", "fe80::1%eth0", "::1")] == [
        "192.168.1.7", "192.168.1.7", "fe80::1%eth0", "::1",
    ]  # fmt: skip


def test_connections_count_before_their_handshake(tls_server: Server) -> None:
    """Also those that send nothing, which asyncio would keep for a minute, and uvicorn would not know."""
    with ExitStack() as held:
        silent = [held.enter_context(tls_server.connect()) for _ in range(4)]
        started = time.monotonic()
        assert everything(held.enter_context(tls_server.connect())) == b""
        assert time.monotonic() - started < 0.7  # at once, because it is one too many
        with tls_server.connect_by_tls(OTHER) as other:
            other.sendall(GET)
            assert status(until(other, OTHER.encode())) == 200
        for sock in silent:
            assert everything(sock) == b""
        assert time.monotonic() - started < 4

    def answers() -> bool:
        with tls_server.connect_by_tls() as sock:
            sock.sendall(GET)
            return status(until(sock, STRANGER.encode())) == 200

    for _ in range(8):  # each is given back
        wait_until(answers)


def test_a_request_by_tls_has_the_same_time(tls_server: Server) -> None:
    with tls_server.connect_by_tls() as sock:
        assert status(drip(sock, HEAD)) == 408


def test_what_is_no_tls_is_closed_without_a_traceback(tls_server: Server, caplog: pytest.LogCaptureFixture) -> None:
    assert b"HTTP/1.1 200" not in tls_server.ask(GET)
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


def test_a_player_that_pauses_gets_the_end_of_a_closing_connection(tls_server: Server) -> None:
    with tls_server.connect_by_tls() as sock:
        sock.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = sock.recv(65536)
        time.sleep(2)  # the server has nothing more to say, and waits for its last bytes to leave
        received += everything(sock)
    assert len(received.partition(b"\r\n\r\n")[2]) == LARGE_BYTES


@pytest.mark.parametrize("by_tls", [False, True])
def test_who_is_not_of_the_local_network_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, by_tls: bool
) -> None:
    """Each address of a client here is of this machine, so it is said which of them is local."""
    monkeypatch.setattr(reach, "LOCAL_NETWORKS", (ipaddress.ip_network(STRANGER),))
    running = Server(tmp_path, tls=by_tls)
    try:
        with running.connect(OTHER) as sock:
            # In words without TLS, which would need a handshake first.
            assert everything(sock).partition(b"\r\n")[0] == (b"" if by_tls else b"HTTP/1.1 403 Forbidden")
        for source in (STRANGER, PROXY):  # a trusted proxy may be anywhere
            with running.connect_by_tls(source) if by_tls else running.connect(source) as sock:
                sock.sendall(GET)
                assert status(sock.recv(65536)) == 200
    finally:
        running.stop()
