"""A link to a terminal among the music neither stops a scan nor gives a program that terminal."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from soniquebay.library.ignore_files import SONIQUEBAYIGNORE

APPLE_DOUBLE = "._song.mp3"

# A shell gives what is started with "&" a process group of its own, and the kernel stops one that reads the terminal.
READS_IN_THE_BACKGROUND = """
import os, signal, sys
from soniquebay.library.left_out import hidden_audio_reason
folder, name = sys.argv[1:]
os.open(f"{folder}/{name}", os.O_RDWR)  # the session has no terminal yet, so this is its own from now on
child = os.fork()
if not child:
    os.setpgid(0, 0)
    print(hidden_audio_reason(name, f"{folder}/{name}"), flush=True)
    os._exit(0)
_, status = os.waitpid(child, os.WUNTRACED)
if os.WIFSTOPPED(status):
    print(signal.Signals(os.WSTOPSIG(status)).name)
    os.kill(child, signal.SIGKILL)
"""

READS_WITHOUT_A_TERMINAL = """
import os, sys
from soniquebay.library.ignore_files import IgnoreFileError, load_ignore_file
from soniquebay.library.left_out import hidden_audio_reason
folder, name = sys.argv[1:]
try:
    if name.startswith("._"):
        hidden_audio_reason(name, f"{folder}/{name}")
    else:
        load_ignore_file(folder, name)
except IgnoreFileError as error:
    print(error)
try:
    os.open("/dev/tty", os.O_RDONLY)
    print("has a terminal")
except OSError:
    print("has none")
"""


@pytest.fixture
def terminal() -> Iterator[str]:
    """The path of a terminal that belongs to no session."""
    descriptors = os.openpty()
    yield os.ttyname(descriptors[1])
    for descriptor in descriptors:
        os.close(descriptor)


def run_in_a_session(script: str, folder: Path, name: str) -> list[str]:
    """Run a script in a session without a terminal; return the lines that it writes."""
    command = [sys.executable, "-c", script, str(folder), name]
    done = subprocess.run(command, start_new_session=True, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()


def test_a_terminal_named_as_an_apple_double_does_not_stop_a_scan(tmp_path: Path, terminal: str) -> None:
    (tmp_path / APPLE_DOUBLE).symlink_to(terminal)
    assert run_in_a_session(READS_IN_THE_BACKGROUND, tmp_path, APPLE_DOUBLE) == ["None"]


@pytest.mark.parametrize(("name", "told"), [(APPLE_DOUBLE, []), (SONIQUEBAYIGNORE, ["not a regular file"])])
def test_no_program_gets_a_terminal_of_the_music(tmp_path: Path, terminal: str, name: str, told: list[str]) -> None:
    (tmp_path / name).symlink_to(terminal)
    assert run_in_a_session(READS_WITHOUT_A_TERMINAL, tmp_path, name) == [*told, "has none"]
