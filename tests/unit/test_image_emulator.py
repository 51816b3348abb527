"""Processes of emulated machines, with a stand-in for QEMU that only sleeps."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from image.emulated.console import Console
from image.emulated.emulator import Emulator

SLEEP = ["sleep", "1000"]
STARTS = """
import os, sys
from pathlib import Path
from image.emulated.emulator import Emulator
started = Emulator.start(["sleep", "1000"], os.environ, Path(sys.argv[1]), outlives=sys.argv[2] == "outlives")
print(started.pid)
"""


def started_by_another(log: Path, word: str) -> int:
    """Start it in a process that ends at once; returns its number."""
    command = [sys.executable, "-c", STARTS, str(log), word]
    root = Path(__file__).parents[2]
    # the output goes to a file: what outlives its parent would hold a pipe open
    return int(subprocess.run(command, check=True, capture_output=True, text=True, cwd=root).stdout)


def test_it_runs_until_it_is_killed(tmp_path: Path) -> None:
    emulator = Emulator.start(SLEEP, os.environ, tmp_path / "log", outlives=False)
    assert emulator.running
    assert not emulator.wait(0.05)
    emulator.kill()
    assert not emulator.running
    emulator.close()


def test_one_that_outlives_us_is_found_again(tmp_path: Path) -> None:
    pid = started_by_another(tmp_path / "log", "outlives")
    found = Emulator.find(pid, "sleep")
    assert found is not None
    assert found.running
    found.kill()
    assert not found.running
    found.close()


def test_one_that_does_not_dies_with_who_started_it(tmp_path: Path) -> None:
    pid = started_by_another(tmp_path / "log", "bound")
    deadline = time.monotonic() + 5
    while Emulator.find(pid, "sleep") is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_another_process_of_that_number_is_not_it() -> None:
    assert Emulator.find(os.getpid(), "no such argument") is None
    assert Emulator.find(2**22 - 1, "sleep") is None


def test_the_console_tells_what_systemd_said_last(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    assert Console(log).line() == ""
    log.write_bytes(b"[    1.000000] usb 1-1: new\n")
    assert Console(log).line() == "usb 1-1: new"
    with log.open("ab") as file:
        file.write(b"[\x1b[0;32m  OK  \x1b[0m] Started \x1b[0;1;39mssh.service\x1b[0m.\n[    2.000000] later\n")
    assert Console(log).line() == "Started ssh.service."
    assert "later" in Console(log).last_words()
    assert Console(log).has_said("Started ssh.service")
    assert not Console(log).has_said("Started later.service")
