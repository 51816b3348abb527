"""A user of the network whose requests take long: they take no threads from the worker's inserts."""

import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack

OWNER = {"name": "Ada", "password": "correct horse"}
REQUESTS = 60
SOURCES = ("127.0.0.71", "127.0.0.72")  # one address may not hold so many connections
PROMPT_SECONDS = 1.0


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack of its own with one track."""
    music = tmp_path_factory.mktemp("music")
    tone(music / "a.flac", seconds=1, title="Song")
    running = Stack(music, tmp_path_factory.mktemp("data"), login=True)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def cookie(attacked: Stack) -> str:
    """Make an owner, scan, and return the header of the owner's session."""
    code = (attacked.data / "claim" / "code").read_text().strip()
    answer = httpx.post(f"{attacked.url}/api/claim", json={"code": code, **OWNER}, timeout=30)
    assert answer.status_code == 201, answer.text
    attacked.cli("scan", "--wait", control=True)
    return f"Cookie: soniquebay_session={answer.cookies['soniquebay_session']}\r\n"


def send_slow(stack: Stack, held: ExitStack, request: str, cookie: str) -> list[socket.socket]:
    sent = []
    for number in range(REQUESTS):
        source = (SOURCES[number % len(SOURCES)], 0)
        sock = held.enter_context(socket.create_connection(("127.0.0.1", stack.port), 60, source_address=source))
        sock.sendall(f"{request} HTTP/1.1\r\nHost: localhost\r\n{cookie}Connection: close\r\n\r\n".encode())
        sent.append(sock)
    return sent


def status_of(sock: socket.socket) -> int:
    return int(sock.recv(4096).split(b" ", 2)[1])


def insert_seconds(stack: Stack) -> float:
    """Return how long an insert takes that is refused once the database was asked."""
    transport = httpx.HTTPTransport(uds=stack.environment()["SONIQUEBAY_API_SOCKET"])
    with httpx.Client(transport=transport, base_url="http://api", timeout=60) as client:
        begin = time.monotonic()
        answer = client.post("/internal/batches/none", json={"tracks": [], "failures": []})
        assert answer.status_code in {404, 422}, answer.text
        return time.monotonic() - begin


def test_requests_that_wait_for_a_slow_disk_delay_no_insert(attacked: Stack, cookie: str) -> None:
    assert insert_seconds(attacked) < PROMPT_SECONDS
    with ExitStack() as held, closing(sqlite3.connect(attacked.data / "listeners.db", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")  # stars wait for it
        slow = send_slow(attacked, held, "PUT /api/stars/track/1", cookie)
        time.sleep(1)
        assert insert_seconds(attacked) < PROMPT_SECONDS
        db.execute("ROLLBACK")
        assert {status_of(sock) for sock in slow} == {204}


def test_many_who_ask_for_the_workers_wait_for_one_answer(attacked: Stack, cookie: str) -> None:
    with ExitStack() as held:
        begin = time.monotonic()
        slow = send_slow(attacked, held, "GET /api/worker", cookie)
        slow += send_slow(attacked, held, "GET /api/queues", cookie)[:20]
        assert insert_seconds(attacked) < PROMPT_SECONDS
        assert {status_of(sock) for sock in slow} == {200}
        # One answer takes 2 s: nobody knows how many workers there are. The last ones may ask for a second one.
        assert time.monotonic() - begin < 8
