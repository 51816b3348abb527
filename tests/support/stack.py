"""`soniquebay serve` for tests: the real programs, on free ports, over a folder of music."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from soniquebay.library import artist_pictures, queries

_given_ports: set[int] = set()


def free_port() -> int:
    """Return a port that nobody listens on, and another one at each call: the caller may need several."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = int(sock.getsockname()[1])
        if port not in _given_ports:
            _given_ports.add(port)
            return port


def wait_until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Return the condition's first true value. Raises ``AssertionError`` when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


class Stack:
    """A running SoniqueBay, by the interpreter `python`."""

    def __init__(
        self,
        music: Path | Sequence[Path],
        data: Path,
        python: Path | str = sys.executable,
        *,
        login: bool = False,
        **settings: str,
    ) -> None:
        self.python = str(python)
        self.roots = [music] if isinstance(music, Path) else list(music)
        self.music = self.roots[0]
        self.settings = settings
        self.data = data
        self.port, self.flower_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._login, self._settings = login, settings
        self.start()

    def start(self) -> None:
        """Start the programs, also again after `stop`: on the same ports, with the same data."""
        self.process = subprocess.Popen(
            [self.python, "-m", "soniquebay.cli", "serve",
             *(word for folder in self.roots for word in ("--music", str(folder))), "--data", str(self.data),
             "--port", str(self.port), "--flower-port", str(self.flower_port),
             *([] if self._login else ["--no-login"])],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            # off: a test asks no service on the internet but a double, and scans when it starts a scan
            env={**os.environ, "SONIQUEBAY_ONLINE": "off", "SONIQUEBAY_WATCH": "off", "SONIQUEBAY_LOG_TASKS": "on",
                 **self._settings},
            # a shell starts background jobs with Ctrl-C ignored, and these tests may be one
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )  # fmt: skip
        self.output: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if "Stop: Ctrl-C" in line:
                return
        raise AssertionError("serve did not start:\n" + "".join(self.output))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        finally:
            if self.process.poll() is None:
                self.process.kill()

    def get(self, path: str, **params: Any) -> Any:
        response = httpx.get(self.url + path, params=params, timeout=30)
        assert response.status_code == 200, response.text
        return response.json()

    def cli(
        self, *arguments: str, check: bool = True, control: bool = False, typed: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command by the API's port, or with `control` as an administrator of the machine, by its Unix socket.

        `typed`: a line for its standard input, as a password.
        """
        url = f"unix://{self.environment()['SONIQUEBAY_CONTROL_SOCKET']}" if control else self.url
        done = subprocess.run(
            [self.python, "-m", "soniquebay.cli", *arguments],
            check=False, capture_output=True, text=True, timeout=120, input=None if typed is None else f"{typed}\n",
            env={**os.environ, "SONIQUEBAY_URL": url, "SONIQUEBAY_CLAIM_FOLDER": str(self.data / "claim")},
        )  # fmt: skip
        assert done.returncode == 0 or not check, f"{arguments} ended with {done.returncode}: {done.stderr}"
        return done

    def scan(self) -> dict[str, Any]:
        """Scan as an operator does, until every track has its vector."""
        result: dict[str, Any] = json.loads(self.cli("scan", "--wait-vectors", "--json").stdout)
        return result

    def pictures_are_found(self) -> bool:
        """Tell whether no picture of an album, a track or an artist is to be searched any more."""
        with closing(sqlite3.connect(self.data / "library.db")) as db:
            db.row_factory = sqlite3.Row
            return not (
                queries.albums_with_unchecked_cover(db, 1)
                or queries.tracks_with_unchecked_cover(db, 1)
                or artist_pictures.unsearched(db, 1)
            )

    def failures(self, session_id: int) -> dict[str, str]:
        items = self.get(f"/api/scan-sessions/{session_id}/failures", limit=500)["items"]
        return {Path(item["path"]).name: item["reason"] for item in items}

    def tracks(self) -> dict[str, Any]:
        return {track["title"]: track for track in self.get("/api/tracks", limit=500)["items"]}

    def flower_workers(self) -> dict[str, Any]:
        """Return what Flower knows of each worker, by its name without the host.

        A Flower that has just started may have no answers yet: it asked before the worker was there.
        """
        url = f"http://127.0.0.1:{self.flower_port}/api/workers?refresh=1"
        shown = httpx.get(url, timeout=30).json()
        return {name.split("@")[0]: facts for name, facts in shown.items()}

    def program(self, name: str) -> int:
        """Return the process id of one of the stack's programs."""
        for pid in children(self.process.pid):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            # Redis puts its address behind its own name, in one word.
            if name.encode() in words or words[0].split(b" ")[0].endswith(name.encode()):
                return pid
        raise AssertionError(f"no program {name}")

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop one of the programs and its children with SIGSTOP, and continue them afterwards."""
        pids = [self.program(name), *children(self.program(name))]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def send(self, task: str, limit: float | None = None, **arguments: Any) -> None:
        """Send a task to the worker, as the API does. `limit` replaces its soft time limit (seconds)."""
        code = (
            "from soniquebay.worker.app import app;"
            f"app.send_task({task!r}, kwargs={arguments!r}, soft_time_limit={limit!r})"
        )
        subprocess.run([sys.executable, "-c", code], check=True, env=self.environment(), timeout=60)

    def environment(self) -> dict[str, str]:
        """Return the environment of the programs."""
        raw = Path(f"/proc/{self.program('api')}/environ").read_bytes()
        return dict(pair.split("=", 1) for pair in raw.decode().split("\0") if "=" in pair)


def children(pid: int) -> list[int]:
    with suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
