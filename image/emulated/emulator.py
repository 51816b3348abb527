"""The QEMU process of an emulated machine, which ends with this process unless it is detached."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Emulator:
    """A running QEMU, which need not be a child of this process."""

    def __init__(self, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        """Raises `ProcessLookupError` when there is no such process."""
        self.pid = pid
        self._child = child
        self._pidfd = os.pidfd_open(pid)

    @classmethod
    def start(cls, command: Sequence[str], environment: Mapping[str, str], log: Path, *, detached: bool) -> Emulator:
        """Start a command that writes its messages to `log`.

        The kernel kills it when this process ends, unless it is `detached`.
        """
        prefix = [] if detached else ["setpriv", "--pdeathsig", "KILL"]
        with log.open("wb") as file:
            # a session of its own: Ctrl-C must not kill it before it has shut down
            child = subprocess.Popen(
                [*prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=dict(environment),
                start_new_session=True,
            )
        return cls(child.pid, child)

    @classmethod
    def find(cls, pid: int, argument: str) -> Emulator | None:
        """Return the process `pid`, or None when it has ended or when its command line does not contain `argument`."""
        try:
            emulator = cls(pid)
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (ProcessLookupError, FileNotFoundError):
            return None
        return emulator if argument.encode() in arguments else None

    @property
    def running(self) -> bool:
        """Tell whether the process runs."""
        return not self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for the process to end; return whether it has ended."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return False
        if self._child is not None:
            self._child.wait()
        return True

    def suspend(self) -> None:
        """Stop the process where it is, by SIGSTOP."""
        signal.pidfd_send_signal(self._pidfd, signal.SIGSTOP)

    def kill(self) -> None:
        """Kill the process and wait for its end."""
        if self.running:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self.wait(60)

    def close(self) -> None:
        """Close the pidfd; the process is not touched."""
        os.close(self._pidfd)
