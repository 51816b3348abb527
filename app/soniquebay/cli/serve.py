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

from soniquebay.cli.scale import claim, requested_workers, state
from soniquebay.flower import USER, ensure_password
from soniquebay.settings import settings

READY_WITHIN = 60.0  # seconds
STOP_WITHIN = 40.0  # seconds; the worker's own warm stop is 5
_ORDER = ("redis", "online", "api", "worker", "flower")


@dataclass
class Stack:
    """A private Redis, the fetcher, the API, the worker and Flower, started in this order and stopped in the other."""

    music: tuple[Path, ...]
    data: Path
    host: str
    port: int
    flower_port: int
    nice: int = 10

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
        claimed = claim(self.data)
        password = ensure_password(self.data / "flower-password")
        processes: dict[str, subprocess.Popen[bytes]] = {}

        def stop(*_: Any) -> None:
            raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, stop)
        # Not below the data folder: a socket's path may have 107 bytes at most.
        with tempfile.TemporaryDirectory(prefix="soniquebay-") as run:
            environment = self.environment(Path(run))
            commands = {"redis": [redis_server, "-"]} | {
                name: [sys.executable, "-m", "soniquebay.cli", name] for name in _ORDER[1:]
            }
            if not settings().online:
                del commands["online"]
            try:
                for name in commands:
                    processes[name] = start(commands[name], logs / f"{name}.log", environment)
                    if name == "redis":
                        self._configure_redis(processes[name], Path(run))
                self._wait_until_healthy(processes)
                workers = self._scale(processes, environment)
                state(claimed, workers)
                click.echo(f"SoniqueBay is up. API    http://{self.host}:{self.port}/docs")
                click.echo(
                    f"                  Flower http://{self.host}:{self.flower_port}  user {USER}, password {password}"
                )
                click.echo(f"                  logs   {logs}")
                click.echo(
                    f"Scan: SONIQUEBAY_URL=http://{self.host}:{self.port} soniquebay scan --wait    Stop: Ctrl-C"
                )
                while True:
                    _check(processes, logs)
                    if (now := self._scale(processes, environment)) != workers:
                        workers = now
                        state(claimed, workers)
                    time.sleep(0.5)
            except KeyboardInterrupt:
                click.echo("\nstopping …", err=True)
                return 0
            finally:
                _stop(processes)

    def _scale(self, processes: dict[str, subprocess.Popen[bytes]], environment: dict[str, str]) -> int:
        """Start and stop workers until there are as many as `soniquebay scale` asked for; returns how many."""
        count = requested_workers(self.data)
        more = {f"worker{n}": n for n in range(2, count + 1)}
        for name in [name for name in processes if name not in _ORDER and name not in more]:
            _stop_one(processes.pop(name))
        for name, instance in more.items():
            if name not in processes:
                command = [sys.executable, "-m", "soniquebay.cli", "worker", f"--instance={instance}"]
                processes[name] = start(command, self.data / "logs" / f"{name}.log", environment)
        return count

    def environment(self, run: Path) -> dict[str, str]:
        """Return the environment of the programs, whose sockets are in `run`."""
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
            "NICE": self.nice,
        }
        # Threads share two heaps, as in the API's unit: one of each would keep what it once needed.
        heaps = {"MALLOC_ARENA_MAX": "2"}
        return {**os.environ, **heaps, **{f"SONIQUEBAY_{name}": str(value) for name, value in ours.items()}}

    def redis_settings(self, run: Path) -> bytes:
        """Return the configuration of Redis, whose socket is in `run`."""
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
        return "\n".join(lines).encode() + b"\n"

    def _configure_redis(self, process: subprocess.Popen[bytes], run: Path) -> None:
        assert process.stdin is not None  # noqa: S101 - opened by `start`
        process.stdin.write(self.redis_settings(run))
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


def start(command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a program, its output appended to a log."""
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


def _stop(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    # An impatient second Ctrl-C must not leave the rest running.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    more = [name for name in processes if name not in _ORDER]  # workers by `soniquebay scale`
    for name in (*more, *reversed(_ORDER)):
        if name in processes:
            _stop_one(processes[name])


def _stop_one(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
