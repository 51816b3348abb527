"""Redis' file is damaged while `soniquebay serve` is down: it starts, finishes the scan, and tells what happened."""

import os
import shutil
import signal
from pathlib import Path

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, children, wait_until

TRACKS = 12


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `music` and the `data` of a stack that was killed with all its programs during a scan."""
    folder = tmp_path_factory.mktemp("interrupted")
    (folder / "music").mkdir()
    for number in range(TRACKS):
        path = folder / "music" / f"{number}.flac"
        tone(path, seconds=1, frequency=200 + 30 * number, title=f"Song {number}", artist="A", album="X")
    stack = Stack(folder / "music", folder / "data")
    os.kill(stack.program("worker"), signal.SIGSTOP)
    assert httpx.post(f"{stack.url}/api/scan", timeout=30).status_code == 202
    wait_until(lambda: stack.get("/api/queues")["scan"] == 1)
    programs = children(stack.process.pid)
    os.kill(stack.process.pid, signal.SIGKILL)
    for pid in programs:
        os.killpg(pid, signal.SIGKILL)
    stack.process.wait()
    return folder


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
def test_the_scan_goes_on(interrupted: Path, tmp_path: Path, old: bytes, new: bytes, why: str) -> None:
    data = Path(shutil.copytree(interrupted / "data", tmp_path / "data"))
    damage(data, old, new)
    stack = Stack(interrupted / "music", data)
    try:
        wait_until(lambda: len(stack.tracks()) == TRACKS, 60)
        wait_until(lambda: stack.get("/api/scan-sessions")["items"][0]["status"] == "completed")
        (warning,) = stack.get("/api/health")["warnings"]
        assert why in warning
        assert any(warning in line for line in stack.output)
        assert warning in stack.cli("status").stdout
    finally:
        assert stack.stop() == 0
    assert (data / "redis/appendonlydir.damaged-1").is_dir()
