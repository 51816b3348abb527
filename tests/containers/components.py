"""pytest-celery's classes, extended for the components of the appliance: Redis, the worker and the API."""

import io
import re
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import httpx
from pytest_celery import (
    CeleryTestContainer,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerContainer,
    RedisContainer,
)

from soniquebay.settings import REDIS_KEY_PREFIX, from_environment
from soniquebay.worker.config import PRIORITY_STEPS, TASKS, celery_settings
from tests.support.stack import wait_until

# One second of a native processor takes ten seconds on the emulated one, and more on a slow computer.
CONTAINER_TIMEOUT_SECONDS = 360.0


class Redis(RedisContainer):
    """The image's Redis with the image's settings, and with a TCP port for the tests."""

    @property
    def host_url(self) -> str:
        # pytest-celery returns localhost, which is wrong when the tests run in a container themselves.
        host, port = self.get_addr("6379/tcp")
        return f"{self.prefix()}{host}:{port}/{self.vhost}"

    def waiting(self) -> dict[str, int]:
        """Return the length of each queue that is not empty, by name and priority, such as `vector/5`."""
        client = self.client
        lists = {f"{queue}/{step}": f"{REDIS_KEY_PREFIX}{queue}" + (f"\x06\x16{step}" if step else "")
                 for queue, _ in TASKS.values() for step in PRIORITY_STEPS}  # fmt: skip
        return {name: count for name, key in lists.items() if (count := client.llen(key))}

    def queues(self) -> set[str]:
        """Return the queues in which messages wait."""
        return {name.partition("/")[0] for name in self.waiting()}

    def unacknowledged(self) -> list[str]:
        """Return the keys that hold the unacknowledged messages of the workers."""
        return sorted(self.client.scan_iter(f"{REDIS_KEY_PREFIX}unacked*"))


class WorkerContainer(CeleryWorkerContainer):
    """A container with the appliance's worker, which has to be the only one on its Redis.

    Workers tell by process ids whether another worker lives (`soniquebay.overrides.recovery`), and each container has
    process ids of its own.
    """

    @property
    def ready_prompt(self) -> str:
        return " ready."

    @classmethod
    def worker_name(cls) -> str:
        return "worker"

    @classmethod
    def initial_env(cls, celery_worker_cluster_config: dict[str, Any], initial: dict[str, str] | None = None) -> Any:
        """Return only the variables of the unit, which name Redis's socket."""
        return dict(initial or {})


class Worker(CeleryTestWorker):
    """The appliance's worker, its log and its processes."""

    def log_count(self, pattern: str) -> int:
        return len(re.findall(pattern, self.logs()))

    def wait_for_match(self, pattern: str, times: int = 1, seconds: float = CONTAINER_TIMEOUT_SECONDS) -> str:
        """Wait until the log has `times` matches of a pattern; return the last match, or its group."""

        def matches() -> list[str]:
            found = re.findall(pattern, self.logs())
            return found if len(found) >= times else []

        return str(wait_until(matches, seconds)[-1])

    def wait_until_received(self, task: str, times: int = 1) -> str:
        """Wait until the worker has received a task of this name, and return the task's id."""
        return self.wait_for_match(rf"Task {re.escape(task)}\[([0-9a-f-]+)\] received", times)

    def wait_until_succeeded(self, task: str, task_id: str = "[0-9a-f-]+") -> None:
        self.wait_for_match(rf"Task {re.escape(task)}\[{task_id}\] succeeded")

    def wait_until_started(self, task_id: str, seconds: float = CONTAINER_TIMEOUT_SECONDS) -> int:
        """Wait until a child process runs the task with this id, and return the id of the process."""

        def process_id() -> int | None:
            inspect = self.app.control.inspect(destination=[self.hostname()], timeout=20)
            answers = (inspect.active() or {}).values()
            started = (active for tasks in answers for active in tasks if active["id"] == task_id)
            return next((int(active["worker_pid"]) for active in started if active["time_start"]), None)

        return int(wait_until(process_id, seconds))

    def child_pids(self) -> list[int]:
        """Return the ids of the child processes in the container's namespace."""
        code, output = self.container.exec_run("cat /proc/1/task/1/children")
        assert code == 0, output
        return [int(pid) for pid in output.split()]

    def signal(self, name: str, pid: int) -> None:
        code, output = self.container.exec_run(["kill", f"-{name}", str(pid)])
        assert code == 0, output

    def has_ended(self) -> bool:
        self.container.reload()
        return bool(self.container.status == "exited")

    def started_at(self) -> str:
        """Return when the container was started; it changes when the main process is another one."""
        self.container.reload()
        return str(self.container.attrs["State"]["StartedAt"])


class Setup(CeleryTestSetup):
    """A setup whose Celery application has the settings of the appliance."""

    @classmethod
    def name(cls) -> str:
        return "soniquebay"

    @classmethod
    def config(cls, celery_worker_cluster_config: dict[str, Any]) -> dict[str, Any]:
        broker_url = super().config(celery_worker_cluster_config)["broker_url"]
        return celery_settings(replace(from_environment({}), redis=broker_url))


OWNER = {"name": "owner", "password": "of the container under test"}


class Api(CeleryTestContainer):
    """A container with the appliance's API."""

    SOCKET, MOVED_SOCKET = "/run/soniquebay/api.sock", "/run/soniquebay/moved.sock"

    @property
    def ready_prompt(self) -> str:
        return "public API on"

    def get(self, path: str, **params: Any) -> Any:
        response = self._owner.get(path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any = None, status: int = 202) -> Any:
        response = self._owner.post(path, json=body)
        assert response.status_code == status, response.text
        return response.json()

    @cached_property
    def _owner(self) -> httpx.Client:
        """A client that has signed in as the owner, whom an administrator of the container has made."""
        self.run_as_root("sh", "-c", 'echo "$1" | soniquebay user add "$0"', OWNER["name"], OWNER["password"])
        host, port = self.get_addr("8080/tcp")
        # Each request has a connection of its own: tests stop the container and start it again.
        limits = httpx.Limits(max_keepalive_connections=0)
        client = httpx.Client(base_url=f"http://{host}:{port}", timeout=CONTAINER_TIMEOUT_SECONDS, limits=limits)
        response = client.post("/api/sign-in", json=OWNER)
        assert response.status_code == 200, response.text
        return client

    def scan(self) -> int:
        """Start a scan and return the id of its session."""
        for session in self.get("/api/scan-sessions")["items"]:
            if session["status"] in {"running", "paused"}:  # left by a test that has failed
                self.post(f"/api/scan-sessions/{session['id']}/cancel", status=200)
        return int(self.post("/api/scan")["session_id"])

    def wait_until_completed(self, session_id: int, seconds: float = CONTAINER_TIMEOUT_SECONDS) -> dict[str, Any]:
        """Wait until a scan is completed and its tracks are analysed, and return the session."""

        def session_if_done() -> Any:
            found = self.get(f"/api/scan-sessions/{session_id}")
            return found if found["progress"]["phase"] == "done" else None

        session: dict[str, Any] = wait_until(session_if_done, seconds)
        assert session["status"] == "completed", session
        return session

    def add_music(self, files: dict[str, bytes]) -> None:
        """Write files, given as content by path, below the music folder."""
        archive_file = io.BytesIO()
        with tarfile.open(fileobj=archive_file, mode="w") as archive:
            for path, content in files.items():
                member = tarfile.TarInfo(path)
                member.size, member.mode, member.mtime = len(content), 0o644, time.time()
                archive.addfile(member, io.BytesIO(content))
        assert self._container.put_archive("/srv/music", archive_file.getvalue())

    def run_as_root(self, *command: str) -> None:
        code, output = self.exec_run(list(command), user="root")
        assert code == 0, output

    @contextmanager
    def unavailable(self) -> Iterator[None]:
        """Move the socket of the internal API away for the duration of the block."""
        self.run_as_root("mv", self.SOCKET, self.MOVED_SOCKET)
        try:
            yield
        finally:
            self.run_as_root("mv", self.MOVED_SOCKET, self.SOCKET)
