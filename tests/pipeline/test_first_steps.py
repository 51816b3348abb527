"""What `soniquebay serve` and `soniquebay scan` say to somebody who uses them for the first time."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack

TRACKS = 6
WAITING = re.compile(r"(\d+) tracks? (?:is|are) still to be analysed, which goes on by itself; `--wait-vectors` waits")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    (tmp_path / "music").mkdir()
    for number in range(TRACKS):
        tone(tmp_path / f"music/{number}.flac", 20, 200 + number, title=f"Song {number}", artist="A", album="B")
    running = Stack(tmp_path / "music", tmp_path / "data")
    yield running
    assert running.stop() == 0


def test_the_printed_command_scans_and_says_what_is_still_done(stack: Stack) -> None:
    line = next(line for line in stack.output if line.startswith("Scan: "))
    command = line.removeprefix("Scan: ").partition("    Stop:")[0]
    assert f"/control.sock {sys.executable} -m soniquebay.cli scan --wait" in command

    def scan(more: str = "") -> str:
        return subprocess.run(command + more, shell=True, check=True, capture_output=True, text=True).stdout  # noqa: S602

    told = WAITING.search(scan())
    assert told is not None
    assert 1 <= int(told[1]) <= TRACKS
    assert WAITING.search(scan(" --wait-vectors")) is None
