"""How the CLI follows a scan: when it returns, and what its bar shows meanwhile."""

import io
import re
import socket
import threading
from typing import Any

import pytest
from rich.console import Console

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.cli.follow import analysed, client_of, searchable
from soniquebay.cli.progress_bar import progress_bar
from soniquebay.library import progress, sessions
from soniquebay.library.database import Database
from soniquebay.library.similarity import vectors
from tests.unit.songs import file, insert


def state(db: Database, session_id: int, pace: float | None = None) -> dict[str, Any]:
    snapshot = progress.snapshot(db.reader(), session_id, pace)
    assert snapshot is not None
    return snapshot


@pytest.fixture
def rescanned(db: Database) -> Database:
    """A scan of three tracks without vectors, and after it a scan that found nothing new."""
    insert(db, file("/1"), file("/2"), file("/3"), batch_id="b")
    with db.transaction() as connection:
        sessions.end_discovery(connection, 1, 0, [])
        assert sessions.end_discovery(connection, sessions.start(connection), 3, [])
    return db


def test_waiting_for_vectors_means_those_of_the_whole_library(rescanned: Database) -> None:
    for waiting in (3, 2, 1):
        current = state(rescanned, 2, pace=10.0)
        assert (current["phase"], current["vectors_waiting"], current["percent"]) == ("done", 0, 100.0)
        assert (current["library_vectors_waiting"], current["seconds_left"]) == (waiting, 10 * waiting)
        assert searchable(current)
        assert not analysed(current)
        with rescanned.transaction() as connection:
            # A track that cannot be analysed is not waited for.
            vectors.store(connection, waiting, FEATURE_VERSION, None, "no sound", retry_later=waiting == 1)
    current = state(rescanned, 2, pace=10.0)
    assert (current["library_vectors_waiting"], current["seconds_left"]) == (0, 0)
    assert analysed(current)


def test_a_missing_track_is_not_waited_for(rescanned: Database) -> None:
    with rescanned.transaction() as connection:
        connection.execute("UPDATE tracks SET missing_since = 1")
    assert analysed(state(rescanned, 2))


def test_a_paused_scan_is_waited_for_and_a_cancelled_one_is_not(rescanned: Database) -> None:
    with rescanned.transaction() as connection:
        session_id = sessions.start(connection)
        sessions.pause(connection, session_id)
    assert not analysed(state(rescanned, session_id))
    with rescanned.transaction() as connection:
        sessions.cancel(connection, session_id)
    assert analysed(state(rescanned, session_id))


def test_the_bar_shows_what_is_left_in_the_library(rescanned: Database) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=120, color_system=None)
    with progress_bar(console) as show:
        show(state(rescanned, 2, pace=40.0))
        with rescanned.transaction() as connection:
            vectors.store(connection, 1, FEATURE_VERSION, None, "no sound")
        show(state(rescanned, 2, pace=40.0))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.getvalue())
    assert re.search(r"analysing .* 33% .*2 tracks to analyse  0:01:20 left", shown)


def test_a_connection_that_the_api_closes_while_it_is_idle_is_not_used_again() -> None:
    """Uvicorn closes an idle connection after five seconds, perhaps just when the next request arrives."""

    def answer_one_request_each() -> None:
        for _ in range(2):
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            threading.Thread(target=close_at_the_next_request, args=(connection,)).start()

    def close_at_the_next_request(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer_one_request_each, daemon=True)
        thread.start()
        with client_of(f"http://127.0.0.1:{server.getsockname()[1]}") as api:
            assert [api.get("/").json(), api.get("/").json()] == [{}, {}]
        thread.join(10)
