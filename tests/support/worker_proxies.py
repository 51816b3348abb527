"""A real Redis with the access rules of the appliance, and a real worker proxy before it."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import redis

from soniquebay import allowed_workers
from soniquebay.authority import AUTHORITY_FILE, WORKER_FILE, WORKER_KEY_FILE, Authority, make_request
from soniquebay.worker.remote import Credentials
from soniquebay.worker_proxy.commands import REDIS_RULES
from tests.support.remote_tasks import NOTES
from tests.support.stack import free_port, wait_until

ROOT = Path(__file__).parents[2]
# As the role has it: who reaches the socket may do everything but administrate.
DEFAULT_RULES = "user default on nopass sanitize-payload ~* &* +@all -@admin -@dangerous -function +info"


class WorkerProxyBench:
    """Redis and the worker proxy, and any number of workers that have joined."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run = tempfile.TemporaryDirectory(prefix="soniquebay-")
        self.socket = Path(self._run.name) / "redis.sock"
        self.port = free_port()
        self.environment = {
            **os.environ,
            "SONIQUEBAY_REDIS": f"unix://{self.socket}",
            "SONIQUEBAY_DATA": str(folder),
            "SONIQUEBAY_ALLOWED_WORKERS_FOLDER": str(folder / "allowed-workers"),
            "SONIQUEBAY_WORKER_PROXY_PORT": str(self.port),
            "SONIQUEBAY_LOG_TASKS": "on",
            NOTES: str(folder / "notes"),
        }
        self.redis = redis.Redis(unix_socket_path=str(self.socket))
        self.authority = Authority(folder / "authority")
        self.workers: dict[str, str] = {}
        self.processes: list[subprocess.Popen[bytes]] = [self._start_redis()]
        wait_until(self._answers)

    def _start_redis(self) -> subprocess.Popen[bytes]:
        lines = ("port 0", f"unixsocket {self.socket}", f'dir "{self.folder}"', 'save ""', DEFAULT_RULES, REDIS_RULES)
        process = subprocess.Popen(["redis-server", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert process.stdin is not None
        process.stdin.write("\n".join(lines).encode())
        process.stdin.close()
        return process

    def _answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.redis.ping())
        return False

    def start_proxy(self, *options: str, sign: str = "remote workers on") -> subprocess.Popen[bytes]:
        """Start it, and wait until its log has a sign."""
        return self._start("worker-proxy", [sys.executable, "-m", "soniquebay.cli", "worker-proxy", *options], sign)

    def start_worker(self, name: str) -> subprocess.Popen[bytes]:
        folder = self.folder / name
        command = [sys.executable, "-m", "tests.support.remote_program", str(folder)]
        return self._start(f"worker-{name}", command, " ready.")

    def _start(self, name: str, command: list[str], sign: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )
        self.processes.append(process)

        def is_ready() -> bool:
            assert process.poll() is None, log.read_text()
            return sign in log.read_text()

        wait_until(is_ready, 60)
        return process

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def join(self, name: str) -> Path:
        """Give a worker its credentials, and return the folder with them."""
        folder = self.folder / name
        folder.mkdir()
        authority = self.authority.ensure()
        signed = self.authority.sign(make_request(folder / WORKER_KEY_FILE), name)
        (folder / AUTHORITY_FILE).write_text(authority)
        (folder / WORKER_FILE).write_text(signed.certificate)
        Credentials(name, "127.0.0.1", self.port, "").write(folder)
        self.workers[name] = signed.serial
        self.write_allow_list()
        return folder

    def write_allow_list(self) -> None:
        allowed_workers.write(self.folder / "allowed-workers", self.workers)

    def stop(self) -> None:
        for process in reversed(self.processes):
            with suppress(ProcessLookupError):
                if process is self.processes[0]:
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._run.cleanup()
