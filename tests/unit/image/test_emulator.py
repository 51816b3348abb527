"""Processes of emulated machines, with `sleep` in the place of QEMU."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from image.emulated.console import Console
from image.emulated.emulator import Emulator

SLEEP = ["sleep", "1000"]
START = """
import os, sys
from pathlib import Path
from image.emulated.emulator import Emulator
started = Emulator.start(["sleep", "1000"], os.environ, Path(sys.argv[1]), detached=sys.argv[2] == "detached")
print(started.pid)
"""


def start_in_short_lived_process(log: Path, mode: str) -> int:
    """Start the emulator in a process that ends at once, and return the emulator's pid."""
    command = [sys.executable, "-c", START, str(log), mode]
    root = Path(__file__).parents[3]
    # the emulator's output goes to a file: a detached one would keep a pipe open
    return int(subprocess.run(command, check=True, capture_output=True, text=True, cwd=root).stdout)


def test_an_emulator_runs_until_it_is_killed(tmp_path: Path) -> None:
    emulator = Emulator.start(SLEEP, os.environ, tmp_path / "log", detached=False)
    assert emulator.running
    assert not emulator.wait(0.05)
    emulator.kill()
    assert not emulator.running
    emulator.close()


def test_a_detached_emulator_is_found_again(tmp_path: Path) -> None:
    pid = start_in_short_lived_process(tmp_path / "log", "detached")
    emulator = Emulator.find(pid, "sleep")
    assert emulator is not None
    assert emulator.running
    emulator.kill()
    assert not emulator.running
    emulator.close()


def test_an_emulator_ends_with_the_process_that_started_it_unless_it_is_detached(tmp_path: Path) -> None:
    pid = start_in_short_lived_process(tmp_path / "log", "attached")
    deadline = time.monotonic() + 5
    while Emulator.find(pid, "sleep") is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_another_process_with_the_same_pid_is_not_taken_for_the_emulator() -> None:
    assert Emulator.find(os.getpid(), "no such argument") is None
    assert Emulator.find(2**22 - 1, "sleep") is None


def test_the_console_reports_the_last_message_of_systemd(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    assert Console(log).last_message() == ""
    log.write_bytes(b"[    1.000000] usb 1-1: new\n")
    assert Console(log).last_message() == "usb 1-1: new"
    with log.open("ab") as file:
        file.write(b"[\x1b[0;32m  OK  \x1b[0m] Started \x1b[0;1;39mssh.service\x1b[0m.\n[    2.000000] later\n")
    assert Console(log).last_message() == "Started ssh.service."
    assert "later" in Console(log).last_lines()
    assert Console(log).contains("Started ssh.service")
    assert not Console(log).contains("Started later.service")
