"""The whole stack on any Linux machine, as one command that leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx

from soniquebay.flower import USER, ensure_password
from soniquebay.settings import settings

READY_WITHIN = 60.0  # seconds
STOP_WITHIN = 40.0  # seconds; the worker's own warm stop is 20
_ORDER = ("redis", "online", "api", "worker", "flower")


@dataclass
class Stack:
    """A private Redis, the fetcher, the API, the worker and Flower, started in this order and stopped in the other."""

    music: tuple[Path, ...]
    data: Path
    host: str
    port: int
    flower_port: int

    def run(self) -> int:
        """Run until Ctrl-C or SIGTERM, or until a program ends by itself; returns the exit code."""
        redis_server = shutil.which("redis-server")
        if redis_server is None:
            raise click.ClickException("redis-server is not installed; on Debian: sudo apt install redis-server")
        for folder in self.music:
            if os.pathsep in str(folder):
                raise click.ClickException(f"{folder}: a folder of music must not have {os.pathsep!r} in its name")
        logs = self.data / "logs"
        for folder in (logs, self.data / "redis"):
            folder.mkdir(parents=True, exist_ok=True)
        password = ensure_password(self.data / "flower-password")
        processes: dict[str, subprocess.Popen[bytes]] = {}

        def stop(*_: Any) -> None:
            raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, stop)
        # Not below the data folder: a socket's path may have 107 bytes at most.
        with tempfile.TemporaryDirectory(prefix="soniquebay-") as run:
            environment = self._environment(Path(run))
            commands = {"redis": [redis_server, "-"]} | {
                name: [sys.executable, "-m", "soniquebay.cli", name] for name in _ORDER[1:]
            }
            if not settings().online:
                del commands["online"]
            try:
                for name in commands:
                    processes[name] = _start(commands[name], logs / f"{name}.log", environment)
                    if name == "redis":
                        self._configure_redis(processes[name], Path(run))
                self._wait_until_healthy(processes)
                click.echo(f"SoniqueBay is up. API    http://{self.host}:{self.port}/docs")
                click.echo(
                    f"                  Flower http://{self.host}:{self.flower_port}  user {USER}, password {password}"
                )
                click.echo(f"                  logs   {logs}")
                click.echo(
                    f"Scan: SONIQUEBAY_URL=http://{self.host}:{self.port} soniquebay scan --wait    Stop: Ctrl-C"
                )
                return _watch(processes, logs)
            except KeyboardInterrupt:
                click.echo("\nstopping …", err=True)
                return 0
            finally:
                _stop(processes)

    def _environment(self, run: Path) -> dict[str, str]:
        ours = {
            "MUSIC": os.pathsep.join(map(str, self.music)),
            "DATA": self.data,
            "REDIS": f"unix://{run}/redis.sock",
            "API_SOCKET": run / "api.sock",
            "ONLINE_SOCKET": run / "online.sock",
            "HTTP_HOST": self.host,
            "HTTP_PORT": self.port,
            "FLOWER_HOST": self.host,
            "FLOWER_PORT": self.flower_port,
            "FLOWER_PASSWORD_FILE": self.data / "flower-password",
        }
        # Numeric libraries on one thread each: four processes already use the machine.
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        # Read when Celery is imported: SIGTERM then gives running tasks back instead of waiting for them.
        threads["REMAP_SIGTERM"] = "SIGQUIT"
        return {**os.environ, **threads, **{f"SONIQUEBAY_{name}": str(value) for name, value in ours.items()}}

    def _configure_redis(self, process: subprocess.Popen[bytes], run: Path) -> None:
        lines = [
            "port 0",
            f"unixsocket {run}/redis.sock",
            "unixsocketperm 700",
            f'dir "{self.data / "redis"}"',
            "appendonly yes",
            'save ""',
            "maxmemory 256mb",
            "maxmemory-policy noeviction",  # a broker that evicts loses tasks
        ]
        assert process.stdin is not None  # noqa: S101 - opened by `_start`
        process.stdin.write("\n".join(lines).encode() + b"\n")
        process.stdin.close()
        _wait((run / "redis.sock").exists, {"redis": process}, self.data / "logs", "Redis")

    def _wait_until_healthy(self, processes: dict[str, subprocess.Popen[bytes]]) -> None:
        url = f"http://{self.host}:{self.port}/api/health"

        def healthy() -> bool:
            try:
                return httpx.get(url, timeout=10).status_code == 200
            except httpx.TransportError:
                return False

        _wait(healthy, processes, self.data / "logs", "SoniqueBay")


def _start(command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        # A group of its own: Ctrl-C reaches this process alone, which then stops the others in their order.
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environment, start_new_session=True
        )


def _wait(condition: Callable[[], bool], processes: dict[str, subprocess.Popen[bytes]], logs: Path, what: str) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not condition():
        _check(processes, logs)
        if time.monotonic() > deadline:
            raise click.ClickException(f"{what} did not get ready within {READY_WITHIN:.0f} s; look into {logs}")
        time.sleep(0.1)


def _check(processes: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            last = (logs / f"{name}.log").read_text("utf-8", "replace").strip().splitlines()[-5:]
            raise click.ClickException(
                f"{name} ended by itself (exit code {process.returncode}); its last lines:\n  " + "\n  ".join(last)
            )


def _watch(processes: dict[str, subprocess.Popen[bytes]], logs: Path) -> int:
    while True:
        _check(processes, logs)
        time.sleep(0.5)


def _stop(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    # An impatient second Ctrl-C must not leave the rest running.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for name in reversed(_ORDER):
        process = processes.get(name)
        if process is None or process.poll() is not None:
            continue
        process.terminate()
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
