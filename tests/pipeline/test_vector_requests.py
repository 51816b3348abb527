"""A manager, or their script, who asks for analyses again and again: Redis does not fill, and the answer is true."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis

from soniquebay.api.dispatcher import MAX_QUEUED_VECTORS
from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow
REQUESTS, MAX_WAITING = 200, 2 * MAX_QUEUED_VECTORS


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack of its own with analysed tracks, and a Redis that the tests may change."""
    music = tmp_path_factory.mktemp("music")
    for number in range(3):  # each test has its own: one that another test has asked for may still wait
        tone(music / f"{number}.flac", seconds=1, title=f"Song {number}")
    running = Stack(music, tmp_path_factory.mktemp("data"), SONIQUEBAY_LOUDNESS="off")  # the tests count messages
    running.scan()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def broker(attacked: Stack) -> redis.Redis:
    """Connect to the Redis of the stack."""
    return redis.Redis.from_url(attacked.environment()["SONIQUEBAY_REDIS"], decode_responses=True)


def ask(stack: Stack, track: int) -> httpx.Response:
    return httpx.post(f"{stack.url}/api/tracks/{track}/vector", timeout=60)


def send_many(stack: Stack, number: int) -> None:
    code = (
        "from soniquebay.worker.app import send_many; "
        f"send_many(('vector.calculate', {{'track_id': 1, 'path': '/none'}}) for _ in range({number}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=stack.environment(), timeout=60)


def analyses(stack: Stack, track: int) -> int:
    """Return how often the worker has analysed a track."""
    lines = (stack.data / "logs" / "worker.log").read_text().splitlines()
    return sum(
        "Task vector.calculate" in line and "succeeded" in line and f"track_id={track}]" in line for line in lines
    )


def is_analysed_again(stack: Stack, track: int) -> bool:
    """Ask for an analysis, and wait until it is done."""
    done = analyses(stack, track)
    assert ask(stack, track).status_code == 202
    return bool(wait_until(lambda: analyses(stack, track) > done))


def test_a_track_that_waits_already_is_not_sent_again(attacked: Stack) -> None:
    done = analyses(attacked, 1)
    with attacked.frozen("worker"):
        # One message may have been on its way to the worker, one waits.
        with ThreadPoolExecutor(16) as pool:
            statuses = set(pool.map(lambda _: ask(attacked, 1).status_code, range(REQUESTS)))
        assert statuses == {202}
        assert attacked.get("/api/queues")["vector"] <= 1
    wait_until(lambda: analyses(attacked, 1) > done)
    assert is_analysed_again(attacked, 1)


def test_a_redis_that_is_full_or_away_is_told(attacked: Stack, broker: redis.Redis) -> None:
    limit = broker.config_get("maxmemory")["maxmemory"]  # type: ignore[index]
    with attacked.frozen("worker"):  # it would end, and nothing starts it again here
        broker.config_set("maxmemory", "100kb")
        try:
            answer = ask(attacked, 2)
        finally:
            broker.config_set("maxmemory", limit)
    assert (answer.status_code, "Redis" in answer.json()["detail"]) == (503, True)
    with attacked.frozen("redis-server"):
        answer = ask(attacked, 2)
        assert (answer.status_code, "Redis" in answer.json()["detail"]) == (503, True)
    # A refused request does not count as one that waits.
    assert is_analysed_again(attacked, 2)


def test_requests_end_where_enough_wait(attacked: Stack, broker: redis.Redis) -> None:
    with attacked.frozen("worker"):
        send_many(attacked, MAX_WAITING + 10)  # an API that has been restarted finds such
        answer = ask(attacked, 3)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert str(MAX_WAITING) in answer.json()["detail"]
        broker.delete(*broker.keys("soniquebay:vector*"))  # type: ignore[misc]
    assert is_analysed_again(attacked, 3)
