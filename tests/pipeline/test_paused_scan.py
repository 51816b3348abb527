"""A scan that is paused and resumed again and again: nothing is sent a second time, and nothing is lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from soniquebay.library.paths import encode
from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

TRACKS = 6
REPETITIONS = 4


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    for number in range(TRACKS):
        path = tmp_path / "music" / f"{number}.flac"
        path.parent.mkdir(exist_ok=True)
        tone(path, seconds=1, frequency=200 + 50 * number, title=f"Song {number}", artist="A")
    running = Stack(tmp_path / "music", tmp_path / "data")
    yield running
    assert running.stop() == 0


def change(stack: Stack, session_id: int, to: str) -> None:
    httpx.post(f"{stack.url}/api/scan-sessions/{session_id}/{to}", timeout=30).raise_for_status()


def register_batches(stack: Stack, session_id: int, numbers: range) -> None:
    """Register a batch for each file, as a discovery does."""
    api_socket = stack.environment()["SONIQUEBAY_API_SOCKET"]
    with httpx.Client(transport=httpx.HTTPTransport(uds=api_socket), base_url="http://api", timeout=30) as api:
        for number in numbers:
            path = stack.music / f"{number}.flac"
            stamp = {"path": encode(str(path)), "size": path.stat().st_size, "mtime_ns": path.stat().st_mtime_ns}
            body = {"batch_id": f"batch {number}", "files": [stamp]}
            api.post(f"/internal/sessions/{session_id}/batches", json=body).raise_for_status()


def waiting(stack: Stack) -> dict[str, Any]:
    lengths = stack.get("/api/queues")
    return {queue: lengths[queue] for queue in ("scan", "extract", "batch", "insert")}


def test_resuming_sends_only_what_no_message_stands_for(stack: Stack) -> None:
    with stack.frozen("worker"):
        session_id: int = httpx.post(f"{stack.url}/api/scan", timeout=30).json()["session_id"]
        register_batches(stack, session_id, range(3))
        sent = waiting(stack)
        assert sent["extract"] == 3
        for _ in range(REPETITIONS):
            change(stack, session_id, "pause")
            change(stack, session_id, "resume")
        assert waiting(stack) == sent
        change(stack, session_id, "pause")
        register_batches(stack, session_id, range(3, 4))  # by a discovery that has not heard of the pause
        assert waiting(stack) == sent
        change(stack, session_id, "resume")
        assert waiting(stack) == {**sent, "extract": 4}
        change(stack, session_id, "pause")
    wait_until(lambda: not any(waiting(stack).values()))  # the worker has dropped them all
    wait_until(lambda: stack.get("/api/worker")["workers"])
    change(stack, session_id, "resume")
    wait_until(lambda: stack.get(f"/api/scan-sessions/{session_id}")["status"] == "completed", 60)
    assert len(stack.tracks()) == TRACKS
    assert stack.get(f"/api/scan-sessions/{session_id}/failures")["items"] == []


def test_what_was_dropped_without_a_word_is_sent_once_the_scan_goes_on(stack: Stack) -> None:
    """The API was away when the worker dropped the messages of the paused scan."""
    with stack.frozen("worker"):
        session_id: int = httpx.post(f"{stack.url}/api/scan", timeout=30).json()["session_id"]
        register_batches(stack, session_id, range(3))
        change(stack, session_id, "pause")
        redis.Redis.from_url(stack.environment()["SONIQUEBAY_REDIS"]).flushall()
        change(stack, session_id, "resume")
    wait_until(lambda: stack.get(f"/api/scan-sessions/{session_id}")["status"] == "completed", 60)
    assert len(stack.tracks()) == TRACKS
