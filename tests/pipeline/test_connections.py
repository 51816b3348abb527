"""A guest of the network who opens as much as they can: the real programs go on, and their logs stay small."""

import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from soniquebay.api import http_server
from soniquebay.api.connections import CONNECTION_LIMITS
from soniquebay.api.event_answer import STREAM_LIMITS
from soniquebay.overrides import flower_server
from tests.support.stack import Stack, wait_until

EVENTS = b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack of its own, with as many descriptors as a shell gives."""
    (music := tmp_path_factory.mktemp("music")).joinpath("Album").mkdir()
    _, hard = limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        running = Stack(music, tmp_path_factory.mktemp("data"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    yield running
    assert running.stop() == 0


def connect(stack: Stack, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", stack.port), timeout=20, source_address=(source, 0))


def sockets(stack: Stack, program: str = "api") -> int:
    """Return how many sockets a program holds; its threads open files of databases when they are first needed."""
    held = 0
    for descriptor in Path(f"/proc/{stack.program(program)}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            held += str(descriptor.readlink()).startswith("socket:")
    return held


def cpu_seconds(stack: Stack) -> float:
    fields = Path(f"/proc/{stack.program('api')}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def api_log(stack: Stack) -> str:
    return (stack.data / "logs" / "api.log").read_text()


def is_well(stack: Stack) -> bool:
    return bool(httpx.get(f"{stack.url}/api/health", timeout=20).json()["status"] == "ok")


def test_half_open_connections_stop_nothing(attacked: Stack) -> None:
    log_before, open_before = len(api_log(attacked)), sockets(attacked)
    with ExitStack() as held:
        for _ in range(1100):
            held.enter_context(connect(attacked, "127.0.0.66")).send(b"GET / HTTP/1.1\r\n")
        assert is_well(attacked)
        assert sockets(attacked) - open_before < CONNECTION_LIMITS.of_client + 10
        # It does not spin while they stay.
        before = cpu_seconds(attacked)
        time.sleep(2)
        assert cpu_seconds(attacked) - before < 1
    assert len(api_log(attacked)) - log_before < 2000
    wait_until(lambda: sockets(attacked) < open_before + 5)


def test_many_clients_that_say_nothing_hold_the_door_for_seconds_only(attacked: Stack) -> None:
    open_before = sockets(attacked)
    with ExitStack() as held:
        for number in range(1100):
            held.enter_context(connect(attacked, f"127.0.7.{number % 100 + 1}"))
        # Those that came at once are accepted before any of them can be refused.
        assert sockets(attacked) - open_before <= CONNECTION_LIMITS.in_all + 2 * http_server.BACKLOG
        # They wait for ever; the appliance does not.
        wait_until(lambda: attempt(lambda: is_well(attacked)), 30)
    assert "Traceback" not in api_log(attacked)


def test_half_open_connections_do_not_stop_flower(attacked: Stack) -> None:
    log = attacked.data / "logs" / "flower.log"
    log_before, open_before = log.stat().st_size, sockets(attacked, "flower")
    with ExitStack() as held:
        for number in range(1100):
            source = ("127.0.0.66" if number % 2 else f"127.0.8.{number % 100 + 1}", 0)
            sock = socket.create_connection(("127.0.0.1", attacked.flower_port), timeout=20, source_address=source)
            held.enter_context(sock).send(b"GET / HTTP/1.1\r\n")
        assert sockets(attacked, "flower") - open_before <= flower_server.CONNECTION_LIMITS.in_all + 10
        wait_until(lambda: attempt(lambda: list(attacked.flower_workers()) == ["worker"]), 40)
    assert log.stat().st_size - log_before < 2000
    assert "Traceback" not in log.read_text()[log_before:]


def attempt(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except (httpx.HTTPError, ValueError):
        return False


def head_of_answer(sock: socket.socket) -> bytes:
    received = b""
    try:
        while b"\r\n\r\n" not in received and (piece := sock.recv(4096)):
            received += piece
    except ConnectionResetError:
        pass
    return received


def test_streams_of_events_are_limited_and_all_get_the_same_events(attacked: Stack) -> None:
    with ExitStack() as held:
        of_one = [held.enter_context(connect(attacked, "127.0.0.67")) for _ in range(20)]
        for sock in of_one:
            sock.send(EVENTS)
        answers = [head_of_answer(sock) for sock in of_one]
        assert [a.startswith(b"HTTP/1.1 200") for a in answers].count(True) == STREAM_LIMITS.of_client
        refused = [a for a in answers if not a.startswith(b"HTTP/1.1 200")]
        assert all(a.startswith(b"HTTP/1.1 503") and b"retry-after: 15\r\n" in a for a in refused)

        others = [held.enter_context(connect(attacked, f"127.0.8.{n + 1}")) for n in range(60)]
        for sock in others:
            sock.send(EVENTS)
        listening = [sock for sock in others if head_of_answer(sock).startswith(b"HTTP/1.1 200")]
        assert len(listening) == STREAM_LIMITS.in_all - STREAM_LIMITS.of_client
        assert is_well(attacked)
        assert httpx.post(f"{attacked.url}/api/scan", timeout=20).status_code == 202
        deadline = time.monotonic() + 60
        for sock in listening:
            received = b""
            while b'"status": "completed"' not in received:
                piece = sock.recv(65536)
                assert piece
                assert time.monotonic() < deadline
                received += piece
    # Those who have left make room.
    wait_until(lambda: opens(attacked))


def opens(stack: Stack) -> bool:
    with connect(stack, "127.0.0.67") as sock:
        sock.send(EVENTS)
        return head_of_answer(sock).startswith(b"HTTP/1.1 200")
