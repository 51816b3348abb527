"""What the checks look at: settings, the kernel's files, the API, systemd. A test gives others."""

import pwd
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soniquebay.settings import Settings

WORKER_USER = "soniquebay-worker"
COMMAND_TIMEOUT_SECONDS = 10.0

Ask = Callable[[str], dict[str, Any] | str]
"""Sends a request to a path of the public API; returns the JSON, or in words why there is none.

Raises ``PermissionError`` when this user may not ask.
"""


@dataclass
class Surroundings:
    """The machine, as the checks see it."""

    settings: Settings
    ask: Ask
    """By GET."""
    post: Ask
    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    clock: Callable[[], float] = time.time
    worker_user: str = WORKER_USER
    run: Callable[[list[str]], str | None] = lambda command: output_of(command)  # noqa: PLW0108 - defined below
    _answers: dict[str, dict[str, Any] | str] = field(default_factory=dict)

    def answer(self, path: str) -> dict[str, Any] | str:
        """Return what the API answers to a GET, asked once; or in words why it does not. Raises ``PermissionError``."""
        if path not in self._answers:
            self._answers[path] = self.ask(path)
        return self._answers[path]

    def worker(self) -> pwd.struct_passwd | None:
        """Return the user of the worker; None where there is none of its own, as with `soniquebay serve`."""
        try:
            return pwd.getpwnam(self.worker_user)
        except KeyError:
            return None


def output_of(command: list[str]) -> str | None:
    """Return what a command prints; None when there is no such command, or it fails."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=COMMAND_TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
