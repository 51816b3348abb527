"""A file that holds no readable audio is not read again as long as it is the same, and still told by each scan."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    music = tmp_path / "music"
    music.mkdir()
    tone(music / "good.ogg", title="Good", artist="A", album="B")
    (music / "broken.flac").write_bytes(b"fLaC" + bytes(100))
    (music / "empty.mp3").touch()
    running = Stack(music, tmp_path / "data")
    yield running
    assert running.stop() == 0


def scan(stack: Stack, *options: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(stack.cli("scan", "--wait", "--json", *options).stdout)
    session: dict[str, Any] = stack.get(f"/api/scan-sessions/{result['session_id']}")
    return session


def read_files(stack: Stack) -> list[str]:
    """Return what the last discovery has logged of the files that it had read."""
    lines = [line for line in (stack.data / "logs/worker.log").read_text().splitlines() if "files to read" in line]
    return lines[-1].partition(": ")[2].split(", ")[:3]


def test_it_is_read_once_and_told_each_time(stack: Stack) -> None:
    first = scan(stack)
    assert (first["files"], first["failures"], first["status"]) == (3, 2, "completed")
    assert read_files(stack)[0] == "3 files to read"
    reasons = stack.failures(first["id"])
    assert reasons.keys() == {"broken.flac", "empty.mp3"}

    second = scan(stack)
    assert read_files(stack) == ["0 files to read", "1 unchanged", "2 unreadable as before"]
    assert (second["files"], second["failures"], second["status"]) == (3, 2, "completed")
    assert stack.failures(second["id"]) == reasons

    scan(stack, "--full")
    assert read_files(stack)[0] == "3 files to read"


def test_one_that_has_changed_is_read_again_and_one_that_is_gone_is_forgotten(stack: Stack) -> None:
    scan(stack)
    broken, empty = stack.music / "broken.flac", stack.music / "empty.mp3"
    os.utime(empty, (time.time() + 10, time.time() + 10))
    tone(broken, title="Mended", artist="A", album="B")
    mended = scan(stack)
    assert read_files(stack) == ["2 files to read", "1 unchanged", "0 unreadable as before"]
    assert mended["failures"] == 1
    assert stack.tracks().keys() == {"Good", "Mended"}
    stamp = empty.stat()
    aside = shutil.move(empty, stack.music.with_name("aside"))
    gone = scan(stack)
    assert gone["failures"] == 0
    shutil.move(aside, empty)
    os.utime(empty, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    scan(stack)
    assert read_files(stack)[0] == "1 files to read"


def test_a_track_that_was_overwritten_stays_missing_without_being_read_again(stack: Stack) -> None:
    scan(stack)
    (stack.music / "good.ogg").write_bytes(b"no music" * 100)
    scan(stack)
    assert stack.tracks() == {}
    scan(stack)
    assert read_files(stack) == ["0 files to read", "0 unchanged", "3 unreadable as before"]
    assert stack.tracks() == {}


def test_a_partial_scan_forgets_nothing(stack: Stack) -> None:
    scan(stack)
    (stack.music / "other").mkdir()
    scan(stack, str(stack.music / "other"))
    scan(stack)
    assert read_files(stack)[2] == "2 unreadable as before"
