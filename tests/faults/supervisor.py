"""The programs of `soniquebay serve`, each started again when it ends, as systemd does on the appliance."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import redis

from soniquebay.cli import serve
from soniquebay.settings import KEY_PREFIX
from tests.stack import children, free_port, wait_until

RESTART_AFTER = 1.0  # seconds, as RestartSec=1 in the units
PROGRAMS = ("redis", "api", "worker")


class Supervised:
    """A SoniqueBay with `Restart=always`; what it starts, and with what, is taken from `serve` itself."""

    def __init__(self, music: Path, data: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data, self.music = data, music
        self._run = tempfile.TemporaryDirectory(prefix="soniquebay-")
        self._serve = serve.Stack((music,), data, "127.0.0.1", self.port, free_port())
        self.environment = {**self._serve.environment(Path(self._run.name)), "SONIQUEBAY_ONLINE": "off", **settings}
        for folder in (data / "logs", data / "redis"):
            folder.mkdir(parents=True, exist_ok=True)
        self.redis = redis.Redis(unix_socket_path=f"{self._run.name}/redis.sock", socket_timeout=10)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock, self._ended = threading.Lock(), threading.Event()
        for name in PROGRAMS:
            self._start(name)
            if name == "redis":
                wait_until(self.redis_answers)
        self._threads = [threading.Thread(target=self._keep, args=(name,), daemon=True) for name in PROGRAMS]
        for thread in self._threads:
            thread.start()
        wait_until(self.healthy, 60)

    def redis_answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.redis.ping())
        return False

    def _start(self, name: str) -> None:
        command = ["redis-server", "-"] if name == "redis" else [sys.executable, "-m", "soniquebay.cli", name]
        process = serve.start(command, self.log(name), self.environment)
        if name == "redis":
            assert process.stdin is not None
            process.stdin.write(self._serve.redis_settings(Path(self._run.name)))
            process.stdin.close()
        self.processes[name] = process

    def _keep(self, name: str) -> None:
        while not self._ended.is_set():
            self.processes[name].wait()
            if self._ended.wait(RESTART_AFTER):
                return
            with self._lock:
                if not self._ended.is_set():
                    self._start(name)

    def log(self, name: str) -> Path:
        return self.data / "logs" / f"{name}.log"

    def healthy(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/api/health", timeout=20).status_code == 200
        return False

    def signal(self, name: str, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to a program, or to it and its children."""
        pid = self.processes[name].pid
        with suppress(ProcessLookupError):
            os.killpg(pid, number) if group else os.kill(pid, number)

    def end(self, name: str) -> None:
        """Kill a program and its children, and return when it has ended; it is started again a little later."""
        process = self.processes[name]
        self.signal(name, signal.SIGKILL, group=True)
        process.wait()

    def child(self) -> int | None:
        """Return a process of the worker that does the work, if it has one now."""
        return next(iter(children(self.processes["worker"].pid)), None)

    def queues_with_unacknowledged(self) -> set[str]:
        """Return the queues of which the worker has a task in hand."""
        with suppress(redis.RedisError):
            found: set[str] = set()
            for key in self.redis.keys(f"{KEY_PREFIX}taken.*"):
                # what kombu writes there ends with the routing key: […, "extract"]
                found |= {value[-40:].decode().rsplit('"', 2)[1] for value in self.redis.hvals(key)}
            return found
        return set()

    def get(self, path: str) -> Any:
        """Ask the API, for as long as it may be away."""

        def ask() -> Any:
            with suppress(httpx.TransportError):
                answer = httpx.get(self.url + path, timeout=20)
                return answer.json() if answer.status_code == 200 else None

        return wait_until(ask, 60)

    def scan(self) -> int:
        answer = httpx.post(f"{self.url}/api/scan", timeout=60)
        assert answer.status_code == 202, answer.text
        return int(answer.json()["session_id"])

    def stop(self) -> None:
        self._ended.set()
        with self._lock:
            for name in reversed(PROGRAMS):
                self.signal(name, signal.SIGCONT, group=True)
                self.signal(name, signal.SIGKILL, group=True)
        for process in self.processes.values():
            process.wait()
        self._run.cleanup()
