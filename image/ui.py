"""What a person sees: one line a step, with its time, and the last line of what runs beneath it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from .errors import ActionableError
from .paths import cache_home, chown_to_invoking_user

console = Console(highlight=False)


class Step:
    """A running step: shows its last line of output, keeps all of it in a log."""

    def __init__(self, title: str, log: Path, status: Status | None) -> None:
        self.title = title
        self.log = log
        self._status = status
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since the step began."""
        return time.monotonic() - self._started

    def report_status(self, text: str) -> None:
        """Show what is going on at the moment."""
        if self._status is not None:
            room = max(20, console.width - len(self.title) - 16)
            self._status.update(f"{escape(self.title)} [dim]{self.seconds:4.0f} s  {escape(text[:room])}[/dim]")

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: bytes | None = None,
    ) -> None:
        """Run a command; its output goes to the log, its failure becomes an ActionableError with the last lines."""
        tail: deque[str] = deque(maxlen=15)
        with self.log.open("ab") as log:
            log.write(f"\n+ {shlex.join(command)}\n".encode())
            log.flush()
            # a session of its own: Ctrl-C reaches us alone, and we end the command in our way
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
            )
            try:
                if stdin is not None and process.stdin is not None:
                    process.stdin.write(stdin)
                    process.stdin.close()
                assert process.stdout is not None  # noqa: S101  a pipe was asked for
                for raw in process.stdout:
                    log.write(raw)
                    line = raw.decode(errors="replace").strip()
                    if line:
                        tail.append(line)
                        self.report_status(line)
                code = process.wait()
            finally:
                end_group(process)
        if code:
            last = "\n".join(f"    {line}" for line in tail)
            raise ActionableError(
                f"{self.title}: {Path(command[0]).name} ended with {code}\n{last}", f"All of it: {self.log}"
            )


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing running of a command that was started in a session of its own."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Announce a step, time it, tick it off."""
    logs = cache_home() / "logs"
    logs.mkdir(exist_ok=True)
    chown_to_invoking_user(logs)
    log = logs / f"{re.sub('[^a-z0-9.]+', '-', title.lower()).strip('-')}.log"
    log.write_bytes(b"")
    chown_to_invoking_user(log)
    if console.is_terminal:
        with console.status(escape(title), spinner="dots") as status:
            current = Step(title, log, status)
            current.report_status("")
            yield current
    else:
        current = Step(title, log, None)
        console.print(f"  … {title}")
        yield current
    console.print(f"[green]✓[/green] {escape(title)} [dim]{duration(current.seconds)}[/dim]")


def cached(title: str) -> None:
    """Say that a step had nothing to do."""
    console.print(f"[green]✓[/green] {escape(title)} [dim]cached[/dim]")


def duration(seconds: float) -> str:
    """Seconds for a person."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{seconds:.1f} s"
