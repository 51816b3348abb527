"""deploy/compose.yml as its users start it: by Docker Compose."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from image.containers.docker_compose import VARIABLE

FILE = Path(__file__).resolve().parents[2] / "deploy/compose.yml"
TIMEOUT_SECONDS = 300


class Project:
    """The services of the file with values of its variables."""

    def __init__(self, name: str, variables: dict[str, str]) -> None:
        self._command = [os.environ[VARIABLE], "--ansi", "never", "--file", str(FILE), "--project-name", name]
        self.variables = variables

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of Compose."""
        done = subprocess.run(
            [*self._command, *arguments], env={**os.environ, **self.variables}, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or not check, f"{arguments} ended with {done.returncode}: {done.stderr}"
        return done

    def run(self, service: str, *command: str, check: bool = True) -> tuple[int, str]:
        """Run a command in a service as its user; return its status and its output."""
        done = self.compose("exec", "-T", service, *command, check=check)
        return done.returncode, done.stdout
