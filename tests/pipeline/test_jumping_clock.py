"""The clock of a real stack jumps ten years back and forth: scans go on, and nothing is lost."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from tests.support.audio_files import tone
from tests.support.clock import Clock
from tests.support.stack import Stack, wait_until
from tests.support.workers import ROOT, Bench

pytestmark = pytest.mark.slow

TRACKS = 8


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def stack(tmp_path: Path, clock: Clock) -> Iterator[Stack]:
    add_tracks(tmp_path / "music", range(TRACKS))
    running = Stack(tmp_path / "music", tmp_path / "data", **clock.environment)
    yield running
    assert running.stop() == 0


def add_tracks(music: Path, numbers: range) -> None:
    music.mkdir(exist_ok=True)
    for number in numbers:
        tone(music / f"{number}.flac", seconds=1, frequency=200 + 20 * number, title=f"Song {number}", artist="A")


def scan_that_loses_its_messages(stack: Stack, clock: Clock, years: float) -> None:
    """Start a scan, let the clock jump while its messages wait, and empty Redis."""
    with stack.frozen("worker"):
        assert httpx.post(f"{stack.url}/api/scan", timeout=30).status_code == 202
        wait_until(lambda: stack.get("/api/queues")["scan"])
        clock.jump(years)
        redis.Redis.from_url(stack.environment()["SONIQUEBAY_REDIS"]).flushall()
    wait_until(lambda: stack.get("/api/scan-sessions")["items"][0]["status"] == "completed", 60)


@pytest.mark.parametrize(
    ("away", "back"),
    [(-10, 0), pytest.param(10, 0, marks=pytest.mark.long), pytest.param(-10, 10, marks=pytest.mark.long)],
)
def test_scans_complete_and_nothing_is_purged(stack: Stack, clock: Clock, away: float, back: float) -> None:
    scan_that_loses_its_messages(stack, clock, away)
    wait_until(lambda: all(track["has_vector"] for track in stack.tracks().values()), 60)
    ids = {title: track["id"] for title, track in stack.tracks().items()}
    assert len(ids) == TRACKS
    (stack.music / "0.flac").unlink()
    add_tracks(stack.music, range(TRACKS, TRACKS + 4))
    scan_that_loses_its_messages(stack, clock, back)
    wait_until(lambda: len(stack.tracks()) == TRACKS + 3)
    wait_until(lambda: all(track["has_vector"] for track in stack.tracks().values()), 60)
    purge = stack.environment()["SONIQUEBAY_API_SOCKET"]
    with httpx.Client(transport=httpx.HTTPTransport(uds=purge)) as api:
        clock.jump(20)
        now: float = stack.get("/api/machine")["time"]
        answer = api.post("http://api/internal/maintenance/purge", json={"missing_before": now - 30 * 86400})
    assert answer.status_code == 409, answer.text
    clock.jump(back)
    missing: list[Any] = stack.get("/api/tracks", missing=True)["items"]
    assert [track["id"] for track in missing] == [ids["Song 0"]]


def test_a_task_that_is_to_run_in_ten_years_runs_now(bench: Bench) -> None:
    """A retry that a clock ahead has sent: the worker would hold it for ten years."""
    code = (
        "from datetime import UTC, datetime, timedelta; from soniquebay.worker.app import app;"
        f"app.send_task('test.work', [{str(bench.notes)!r}, 'late'], queue='scan',"
        "eta=datetime.now(UTC) + timedelta(days=3650))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=bench.environment, check=True, timeout=60)
    bench.start()
    wait_until(lambda: bench.count("end")["late"])
