"""Running a command whose output is shown as it comes, and read at the same time."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CHUNK_BYTES = 65536
_POLL_SECONDS = 0.5
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_and_read(command: Sequence[str], on_line: Callable[[str], None]) -> int:
    """Run a command, hand each line of its output, standard error included, to `on_line`, and return its exit status.

    On a terminal the command has one, too, so that it shows colours and progress as ever. Signals that end a program go
    on to the command. The status of a command that a signal ended is 128 and the signal's number, as a shell has it.
    """
    sys.stdout.flush()
    output, slave = _terminal() if sys.stdout.isatty() else os.pipe()
    child = subprocess.Popen(command, stdout=slave, stderr=slave)
    os.close(slave)

    def forward(number: int, _: FrameType | None) -> None:
        # Ctrl-C has reached the child already: it is in the same process group
        if number != signal.SIGINT:
            child.send_signal(number)

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        _show(output, child, on_line)
        status = child.wait()
    finally:
        os.close(output)
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


def _terminal() -> tuple[int, int]:
    """Return both ends of a new pseudo-terminal of the size of ours."""
    master, slave = pty.openpty()
    size = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
    fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
    settings = termios.tcgetattr(slave)
    settings[1] &= ~termios.OPOST  # ours makes the line ends
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    return master, slave


def _show(output: int, child: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> None:
    """Show and read the output until the command has ended; what it leaves running may keep the other end open."""
    decoder, rest = codecs.getincrementaldecoder("utf-8")("replace"), ""
    with suppress(OSError):  # a pseudo-terminal reports its closed end as an error
        while True:
            ended = child.poll() is not None
            if select.select([output], [], [], 0 if ended else _POLL_SECONDS)[0]:
                chunk = os.read(output, _CHUNK_BYTES)
                if not chunk:
                    break
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
                *lines, rest = (rest + decoder.decode(chunk)).split("\n")
                for line in lines:
                    on_line(_COLOURS.sub("", line))
            elif ended:
                break
    on_line(_COLOURS.sub("", rest))
