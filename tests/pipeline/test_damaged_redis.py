"""Redis' file is damaged while `soniquebay serve` is down: it starts, finishes the scan, and tells what happened."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, children, wait_until

TRACKS = 12


@pytest.fixture
def interrupted(tmp_path: Path) -> Iterator[Path]:
    """Return the data folder of a stack that was killed, with everything it had started, during a scan."""
    for number in range(TRACKS):
        path = tmp_path / "music" / f"{number}.flac"
        path.parent.mkdir(exist_ok=True)
        tone(path, seconds=1, frequency=200 + 30 * number, title=f"Song {number}", artist="A", album="X")
    stack = Stack(tmp_path / "music", tmp_path / "data")
    os.kill(stack.program("worker"), signal.SIGSTOP)
    assert httpx.post(f"{stack.url}/api/scan", timeout=30).status_code == 202
    wait_until(lambda: stack.get("/api/queues")["scan"] == 1)
    programs = children(stack.process.pid)
    os.kill(stack.process.pid, signal.SIGKILL)
    for pid in programs:
        os.killpg(pid, signal.SIGKILL)
    stack.process.wait()
    yield tmp_path / "data"


def damage(data: Path, old: bytes, new: bytes) -> None:
    """Replace bytes of Redis' file."""
    file = max((data / "redis/appendonlydir").glob("*.incr.aof"), key=lambda path: path.stat().st_size)
    content = file.read_bytes()
    at = content.index(old, content.index(b"SELECT"))
    file.write_bytes(content[:at] + new + content[at + len(new) :])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    # the form of the file is wrong; or it is right, but Redis does not know a command in it
    [(b"\r\n*", bytes(64), "from byte"), (b"SELECT", b"?ELECT", "ended 2 times")],
)
def test_the_scan_goes_on(interrupted: Path, old: bytes, new: bytes, why: str) -> None:
    damage(interrupted, old, new)
    stack = Stack(interrupted.parent / "music", interrupted)
    try:
        wait_until(lambda: len(stack.tracks()) == TRACKS, 60)
        wait_until(lambda: stack.get("/api/scan-sessions")["items"][0]["status"] == "completed")
        (warning,) = stack.get("/api/health")["warnings"]
        assert why in warning
        assert any(warning in line for line in stack.output)
        assert warning in stack.cli("status").stdout
    finally:
        assert stack.stop() == 0
    assert (interrupted / "redis/appendonlydir.damaged-1").is_dir()
