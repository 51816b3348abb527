"""A private Redis and real workers on it, as the tests of the worker have them; nothing else of the stack."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis

from tests.support.stack import children, wait_until

ROOT = Path(__file__).parents[2]
PRIORITY = {"scan": 0, "vector": 5, "covers": 9}


class Bench:
    """One Redis, any number of workers, and the notes that their tasks leave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run = tempfile.TemporaryDirectory(prefix="soniquebay-")  # a socket's path must be short
        self.socket = Path(self._run.name) / "redis.sock"
        self.notes = folder / "notes"
        self.notes.touch()
        self.environment = {
            **os.environ,
            "SONIQUEBAY_REDIS": f"unix://{self.socket}",
            "SONIQUEBAY_PROCESSES": "4",
            "SONIQUEBAY_LOG_TASKS": "on",
        }
        self.workers: dict[int, subprocess.Popen[bytes]] = {}
        self.redis_server: subprocess.Popen[bytes] | None = None
        self.redis = redis.Redis(unix_socket_path=str(self.socket))
        self.start_redis()

    def start_redis(self) -> None:
        lines = ("port 0", f"unixsocket {self.socket}", f'dir "{self.folder}"', "appendonly yes",
                 "appendfsync everysec", 'save ""', "maxmemory-policy noeviction")  # fmt: skip
        self.socket.unlink(missing_ok=True)
        self.redis_server = subprocess.Popen(["redis-server", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert self.redis_server.stdin is not None
        self.redis_server.stdin.write("\n".join(lines).encode())
        self.redis_server.stdin.close()
        wait_until(self._answers)

    def _answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.redis.ping())
        return False

    def kill_redis(self) -> None:
        assert self.redis_server is not None
        self.redis_server.kill()
        self.redis_server.wait()

    def start(self, instance: int = 1, *settings: str) -> subprocess.Popen[bytes]:
        """Start a worker and wait until it listens."""
        log = self.log(instance)
        before = log.read_text().count(" ready.") if log.exists() else 0
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.worker_program", str(instance), *settings],
                cwd=ROOT, env=self.environment, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self.workers[instance] = process
        wait_until(lambda: log.read_text().count(" ready.") > before)
        return process

    def log(self, instance: int = 1) -> Path:
        return self.folder / f"worker{instance}.log"

    def kill(self, instance: int = 1) -> None:
        """Kill a worker's main process and nothing else, as the kernel would when it is out of memory."""
        process = self.workers.pop(instance)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for process in self.workers.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.kill_redis()
        self._run.cleanup()

    def processes(self, instance: int = 1) -> int:
        return len(children(self.workers[instance].pid))

    def send(self, task: str, queue: str, labels: list[str], **arguments: Any) -> None:
        """Send a task of the tests once for each label; a label is its id in the notes."""
        code = (
            "import json, sys; from soniquebay.worker.app import app\n"
            "task, queue, priority, arguments, labels = json.load(sys.stdin)\n"
            "with app.producer_pool.acquire() as producer, producer.batch():\n"
            "    for label in labels:\n"
            "        app.send_task(task, kwargs={**arguments, 'label': label}, queue=queue, priority=priority,\n"
            "                      producer=producer)\n"
        )
        import json

        message = json.dumps([task, queue, PRIORITY[queue], {"log": str(self.notes), **arguments}, labels])
        subprocess.run(
            [sys.executable, "-c", code],
            input=message,
            text=True,
            cwd=ROOT,
            env=self.environment,
            check=True,
            timeout=120,
        )

    def noted(self, word: str) -> list[tuple[float, int, str]]:
        """Return time, process and label of each note of this kind, in the order in which they were made."""
        lines = [line.split() for line in self.notes.read_text().splitlines()]
        return [(float(at), int(pid), label) for at, pid, kind, label in lines if kind == word]

    def count(self, word: str) -> Counter[str]:
        return Counter(label for _, _, label in self.noted(word))

    def keys(self, pattern: str) -> list[bytes]:
        return sorted(self.redis.keys(pattern))  # type: ignore[type-var,arg-type]


def settle(seconds: float) -> None:
    """Give what must not happen the time to happen."""
    time.sleep(seconds)
