"""The process of an emulated machine: one that dies with us, or one that outlives the command which started it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Emulator:
    """A running QEMU, our own child or not."""

    def __init__(self, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        """Raises ProcessLookupError when there is no such process."""
        self.pid = pid
        self._child = child
        self._handle = os.pidfd_open(pid)

    @classmethod
    def start(cls, command: Sequence[str], environment: Mapping[str, str], log: Path, *, outlives: bool) -> Emulator:
        """Start a command whose messages go to `log`. Unless it `outlives` us, the kernel kills it when we die."""
        bound = [] if outlives else ["setpriv", "--pdeathsig", "KILL"]
        with log.open("wb") as file:
            # a session of its own: Ctrl-C must not stop it before it could shut down
            child = subprocess.Popen(
                [*bound, *command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=dict(environment),
                start_new_session=True,
            )
        return cls(child.pid, child)

    @classmethod
    def find(cls, pid: int, mark: str) -> Emulator | None:
        """The process of that number, if it still is the one that was started with `mark` among its arguments."""
        try:
            found = cls(pid)
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (ProcessLookupError, FileNotFoundError):
            return None
        return found if mark.encode() in arguments else None

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; tells whether it came."""
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return False
        if self._child is not None:
            self._child.wait()
        return True

    def freeze(self) -> None:
        """Hold it still where it is."""
        signal.pidfd_send_signal(self._handle, signal.SIGSTOP)

    def kill(self) -> None:
        """End it at once, and wait until it is gone."""
        if self.running:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            self.wait(60)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._handle)
