"""Run the whole stack on any Linux machine with one command, which stops all of it at the end."""

import os
import shlex
import shutil
import signal
import socket
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

from soniquebay import allowed_workers, redis_files
from soniquebay.addresses import url_of
from soniquebay.atomic_file import replace_file
from soniquebay.cli.scale import lock_folder, requested_workers, write_running_workers
from soniquebay.settings import settings
from soniquebay.worker_proxy.commands import REDIS_RULES

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 40.0  # the worker's own warm stop takes 5 s
_START_ORDER = ("redis", "online", "api", "worker", "flower")
_WORKER_PROXY = "worker-proxy"


@dataclass
class Stack:
    """A private Redis, the fetcher, the API, the worker and Flower, which start in this order and stop in reverse."""

    music: tuple[Path, ...]
    data: Path
    host: str
    port: int
    flower_port: int
    nice: int = 10
    login: bool = True

    def run(self) -> int:
        """Run until Ctrl-C or SIGTERM, and return the exit code.

        Raises ``click.ClickException`` when a program does not start, or ends by itself.
        """
        redis_server = shutil.which("redis-server")
        if redis_server is None:
            raise click.ClickException("redis-server is not installed; on Debian: sudo apt install redis-server")
        for folder in self.music:
            if os.pathsep in str(folder):
                raise click.ClickException(f"{folder}: a folder of music must not have {os.pathsep!r} in its name")
        logs = self.data / "logs"
        for folder in (logs, self.data / "redis"):
            folder.mkdir(parents=True, exist_ok=True)
        state_file = lock_folder(self.data)
        processes: dict[str, subprocess.Popen[bytes]] = {}

        def stop(*_: Any) -> None:
            raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, stop)
        # Not below the data folder: the path of a Unix socket has 107 bytes at most.
        with tempfile.TemporaryDirectory(prefix="soniquebay-") as sockets:
            environment = self.environment(Path(sockets))
            self._keep_environment(environment)
            commands = {"redis": [redis_server, "-"]} | {
                name: [sys.executable, "-m", "soniquebay.cli", name] for name in _START_ORDER[1:]
            }
            if not settings().online:
                del commands["online"]
            try:
                processes["redis"] = self._start_redis(commands.pop("redis"), Path(sockets), environment)
                for name in commands:
                    processes[name] = start(commands[name], logs / f"{name}.log", environment)
                self._wait_until_healthy(processes)
                workers = self._scale(processes, environment)
                write_running_workers(state_file, workers)
                click.echo(f"SoniqueBay is up. API    {self._url()}/docs")
                click.echo(f"                  Flower {url_of(self.host, self.flower_port, tls=settings().has_tls)}")
                click.echo(f"                  logs   {logs}")
                if code := self._claim_code():
                    click.echo(f"Make it yours: {self._url()}/claim?code={code}")
                scan = f"SONIQUEBAY_URL=unix://{sockets}/control.sock {called_as(sys.argv[0])} scan --wait"
                click.echo(f"Scan: {scan}    Stop: Ctrl-C")
                while True:
                    self._keep_worker_proxy(processes, environment)
                    _check(processes, logs)
                    if (now := self._scale(processes, environment)) != workers:
                        workers = now
                        write_running_workers(state_file, workers)
                    time.sleep(0.5)
            except KeyboardInterrupt:
                click.echo("\nstopping …", err=True)
                return 0
            finally:
                _stop(processes)

    def _url(self) -> str:
        port = settings().https_port if settings().has_tls else self.port
        return url_of(self.host, port, tls=settings().has_tls)

    def _claim_code(self) -> str | None:
        """Return the code that claims this stack; None when it has an owner, or asks for no login."""
        try:
            return (self.data / "claim" / "code").read_text("utf-8").strip() if self.login else None
        except FileNotFoundError:
            return None

    def _keep_worker_proxy(self, processes: dict[str, subprocess.Popen[bytes]], environment: dict[str, str]) -> None:
        """Have the worker proxy run while there is a worker on another machine that may connect, and only then."""
        if _WORKER_PROXY in processes and processes[_WORKER_PROXY].poll() == 0:  # it ends with the last of them
            del processes[_WORKER_PROXY]
        if _WORKER_PROXY not in processes and (self.data / "allowed-workers" / allowed_workers.FILE_NAME).exists():
            command = [sys.executable, "-m", "soniquebay.cli", _WORKER_PROXY]
            processes[_WORKER_PROXY] = start(command, self.data / "logs" / "worker-proxy.log", environment)

    def _scale(self, processes: dict[str, subprocess.Popen[bytes]], environment: dict[str, str]) -> int:
        """Start and stop workers until there are as many as `soniquebay scale` has requested; return how many."""
        count = requested_workers(self.data)
        added = {f"worker{n}": n for n in range(2, count + 1)}
        for name in [name for name in processes if name not in (*_START_ORDER, _WORKER_PROXY, *added)]:
            _stop_one(processes.pop(name))
        for name, instance in added.items():
            if name not in processes:
                command = [sys.executable, "-m", "soniquebay.cli", "worker", f"--instance={instance}"]
                processes[name] = start(command, self.data / "logs" / f"{name}.log", environment)
        return count

    def environment(self, sockets: Path) -> dict[str, str]:
        """Return the environment of the programs, with their sockets in the folder `sockets`."""
        values = {
            "MUSIC": os.pathsep.join(map(str, self.music)),
            "DATA": self.data,
            "REDIS": f"unix://{sockets}/redis.sock",
            "API_SOCKET": sockets / "api.sock",
            "CLAIM_FOLDER": self.data / "claim",
            "ALLOWED_WORKERS_FOLDER": self.data / "allowed-workers",
            "REMOTE_SOCKET": sockets / "remote.sock",
            "WORKER_PROXY_HOST": self.host,
            "CONTROL_SOCKET": sockets / "control.sock",
            "LOGIN": "on" if self.login else "off",
            "ONLINE_SOCKET": sockets / "online.sock",
            "HTTP_HOST": self.host,
            "HTTP_PORT": self.port,
            "FLOWER_HOST": self.host,
            "FLOWER_PORT": self.flower_port,
            "NICE": self.nice,
        }
        variables = {f"SONIQUEBAY_{name}": str(value) for name, value in values.items()}
        # Two malloc arenas, as in the API's unit: with one for each thread, all of them keep the most they ever needed.
        return {**os.environ, "MALLOC_ARENA_MAX": "2", **variables}

    def _keep_environment(self, environment: dict[str, str]) -> None:
        """Write the settings of the programs into the folder of the data, for `soniquebay doctor`."""
        own = {name: value for name, value in environment.items() if name.startswith("SONIQUEBAY_")}
        lines = "".join(f"{name}={value}\n" for name, value in own.items() if "\n" not in value)
        replace_file(self.data / "soniquebay.env", lines.encode("utf-8", "surrogateescape"))

    def redis_settings(self, sockets: Path) -> bytes:
        """Return the configuration of Redis, with its socket in the folder `sockets`."""
        lines = [
            "port 0",
            f"unixsocket {sockets}/redis.sock",
            "unixsocketperm 700",
            f'dir "{self.data / "redis"}"',
            "appendonly yes",
            'save ""',
            "maxmemory 256mb",
            "maxmemory-policy noeviction",  # a broker that evicts loses tasks
            REDIS_RULES,
        ]
        return "\n".join(lines).encode() + b"\n"

    def _start_redis(self, command: list[str], sockets: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start Redis, anew when it ends because of its files; return it once it has read them."""
        data, logs = self.data / "redis", self.data / "logs"
        for starts_left in range(redis_files.MAX_DEAD_STARTS, -1, -1):
            if sentence := redis_files.prepare(data, sockets):
                click.echo(sentence, err=True)
            process = start(command, logs / "redis.log", environment)
            assert process.stdin is not None  # noqa: S101 - opened by `start`
            process.stdin.write(self.redis_settings(sockets))
            process.stdin.close()
            try:
                _wait_until(lambda: _answers(sockets / "redis.sock"), {"redis": process}, logs, "Redis")
            except click.ClickException:
                if process.poll() is None or not starts_left:
                    _stop_one(process)
                    raise
            else:
                break
        redis_files.ready(sockets)
        return process

    def _wait_until_healthy(self, processes: dict[str, subprocess.Popen[bytes]]) -> None:
        url = f"{url_of(self.host, self.port, tls=False)}/api/health"

        def healthy() -> bool:
            try:
                answer = httpx.get(url, timeout=10)
            except httpx.TransportError:
                return False
            if answer.status_code == 503 and (fault := answer.json()["fault"]):
                raise click.ClickException(f"{fault} (the folder is {self.data})")
            return answer.status_code == 200

        _wait_until(healthy, processes, self.data / "logs", "SoniqueBay")


def called_as(program: str) -> str:
    """Return the command, for a shell, by which the user has called this program. `program`: the first of `sys.argv`.

    It has a slash, too, if the shell has found it on the PATH.
    """
    path = Path(program)
    if path.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m soniquebay.cli"
    return path.name if "/" not in program or shutil.which(path.name) == program else shlex.quote(program)


def _answers(redis_socket: Path) -> bool:
    """Tell whether Redis has read its files; before that it answers that it is loading."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(redis_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def start(command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a program whose output is appended to a log file."""
    with log.open("ab") as output:
        # In a session of its own, so that Ctrl-C reaches only this process, which then stops the others in order.
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environment, start_new_session=True
        )


def _wait_until(
    condition: Callable[[], bool], processes: dict[str, subprocess.Popen[bytes]], logs: Path, what: str
) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not condition():
        _check(processes, logs)
        if time.monotonic() > deadline:
            raise click.ClickException(f"{what} was not ready within {START_TIMEOUT_SECONDS:.0f} s; look into {logs}")
        time.sleep(0.1)


def _check(processes: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            last_lines = (logs / f"{name}.log").read_text("utf-8", "replace").strip().splitlines()[-5:]
            code = process.returncode
            raise click.ClickException(
                f"{name} ended by itself (exit code {code}); its last lines:\n  " + "\n  ".join(last_lines)
            )


def _stop(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    # A second Ctrl-C must not leave the rest running.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.SIG_IGN)
    # Flower may wait for answers of the worker for some seconds. The others do not need it, but it needs Redis.
    flower, redis = processes.pop("flower", None), processes.pop("redis", None)
    if flower:
        flower.terminate()
    added = [name for name in processes if name not in _START_ORDER]  # workers by `soniquebay scale`
    for name in (*added, *reversed(_START_ORDER)):
        if name in processes:
            _stop_one(processes[name])
    if flower:
        _wait_for_end(flower)
    if redis:
        _stop_one(redis)


def _stop_one(process: subprocess.Popen[bytes]) -> None:
    process.terminate()  # nothing if it has ended
    _wait_for_end(process)


def _wait_for_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
