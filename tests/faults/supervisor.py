"""Runs the programs of `soniquebay serve` and restarts each that ends, as systemd does on the appliance."""

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

from soniquebay import redis_files
from soniquebay.cli import serve
from soniquebay.settings import REDIS_KEY_PREFIX
from tests.support.stack import children, free_port, wait_until

RESTART_DELAY_SECONDS = 1.0  # as RestartSec=1 in the units
PROGRAMS = ("redis", "api", "worker")


class Supervised:
    """A running SoniqueBay whose programs are restarted; `serve` gives their commands and settings."""

    def __init__(self, music: Path, data: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data, self.music = data, music
        self._run = tempfile.TemporaryDirectory(prefix="soniquebay-")
        self._serve = serve.Stack((music,), data, "127.0.0.1", self.port, free_port(), login=False)
        self.environment = {**self._serve.environment(Path(self._run.name)), "SONIQUEBAY_ONLINE": "off", **settings}
        for folder in (data / "logs", data / "redis"):
            folder.mkdir(parents=True, exist_ok=True)
        self.redis = redis.Redis(unix_socket_path=f"{self._run.name}/redis.sock", socket_timeout=10)
        self.redis_sentences: list[str] = []
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock, self._ended = threading.Lock(), threading.Event()
        for name in PROGRAMS:
            self._start(name)
            if name == "redis":
                wait_until(self.redis_answers)
        self._threads = [threading.Thread(target=self._keep_running, args=(name,), daemon=True) for name in PROGRAMS]
        for thread in self._threads:
            thread.start()
        wait_until(self.healthy, 60)

    def redis_answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.redis.ping())
        return False

    def _start(self, name: str) -> None:
        run = Path(self._run.name)
        if name == "redis":
            # as the ExecStartPre= of its unit
            folders = [str(self.data / "redis"), str(run)]
            checked = [sys.executable, "-m", "soniquebay.cli", "redis-files", *folders]
            self.redis_sentences += subprocess.run(
                checked, check=True, capture_output=True, text=True
            ).stdout.splitlines()
        command = ["redis-server", "-"] if name == "redis" else [sys.executable, "-m", "soniquebay.cli", name]
        process = serve.start(command, self.log(name), self.environment)
        if name == "redis":
            assert process.stdin is not None
            process.stdin.write(self._serve.redis_settings(run))
            process.stdin.close()
            with suppress(AssertionError):
                wait_until(lambda: self.redis_answers() or process.poll() is not None)
                if process.poll() is None:
                    redis_files.ready(run)
        self.processes[name] = process

    def _keep_running(self, name: str) -> None:
        while not self._ended.is_set():
            self.processes[name].wait()
            if self._ended.wait(RESTART_DELAY_SECONDS):
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
        """Kill a program and its children and wait for its end; the supervisor restarts it."""
        process = self.processes[name]
        self.signal(name, signal.SIGKILL, group=True)
        process.wait()

    def child(self) -> int | None:
        """Return the id of a child process of the worker, if it has one now."""
        return next(iter(children(self.processes["worker"].pid)), None)

    def queues_with_unacknowledged(self) -> set[str]:
        """Return the queues of which the worker has an unacknowledged task."""
        with suppress(redis.RedisError):
            queues: set[str] = set()
            for key in self.redis.keys(f"{REDIS_KEY_PREFIX}unacked.*"):
                # kombu's value ends with the routing key: […, "extract"]
                queues |= {value[-40:].decode().rsplit('"', 2)[1] for value in self.redis.hvals(key)}
            return queues
        return set()

    def get(self, path: str) -> Any:
        """Send a request to the API until it is available, and return its answer."""

        def body_if_ok() -> Any:
            with suppress(httpx.TransportError):
                response = httpx.get(self.url + path, timeout=20)
                return response.json() if response.status_code == 200 else None

        return wait_until(body_if_ok, 60)

    def scan(self) -> int:
        response = httpx.post(f"{self.url}/api/scan", timeout=60)
        assert response.status_code == 202, response.text
        return int(response.json()["session_id"])

    def stop(self) -> None:
        self._ended.set()
        with self._lock:
            for name in reversed(PROGRAMS):
                self.signal(name, signal.SIGCONT, group=True)
                self.signal(name, signal.SIGKILL, group=True)
        for process in self.processes.values():
            process.wait()
        self._run.cleanup()
