"""The appliance's parts as pytest-celery has them: its classes, extended by what is the appliance's own."""

import io
import re
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
from pytest_celery import (
    CeleryTestContainer,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerContainer,
    RedisContainer,
)

from soniquebay.settings import KEY_PREFIX, from_environment
from soniquebay.worker.config import PRIORITY_STEPS, TASKS, celery_settings
from tests.stack import wait_until

EMULATED = 360.0  # seconds; what takes one on a processor of one's own takes ten here, and more on a poor computer


class Redis(RedisContainer):
    """The image's Redis with the image's settings; what it has besides is a port, by which the tests look at it."""

    @property
    def host_url(self) -> str:
        # The plugin's own says localhost, which is wrong where the tests are in a container themselves.
        host, port = self.get_addr("6379/tcp")
        return f"{self.prefix()}{host}:{port}/{self.vhost}"

    def waiting(self) -> dict[str, int]:
        """Return how many messages wait in each queue, by name and priority, as `vector/5`; empty ones left out."""
        client = self.client
        lists = {f"{queue}/{step}": f"{KEY_PREFIX}{queue}" + (f"\x06\x16{step}" if step else "")
                 for queue, _ in TASKS.values() for step in PRIORITY_STEPS}  # fmt: skip
        return {name: count for name, key in lists.items() if (count := client.llen(key))}

    def queues(self) -> set[str]:
        """Return the queues in which messages wait."""
        return {place.partition("/")[0] for place in self.waiting()}

    def taken(self) -> list[str]:
        """Return the keys under which workers hold what they have taken."""
        return sorted(self.client.scan_iter(f"{KEY_PREFIX}taken*"))


class WorkerContainer(CeleryWorkerContainer):
    """A container with the appliance's worker; it alone on its Redis, for each has process numbers of its own.

    By these a worker tells whether another one still lives (`soniquebay.overrides.recovery`).
    """

    @property
    def ready_prompt(self) -> str:
        return " ready."

    @classmethod
    def worker_name(cls) -> str:
        return "worker"

    @classmethod
    def initial_env(cls, celery_worker_cluster_config: dict[str, Any], initial: dict[str, str] | None = None) -> Any:
        """Return the unit's own variables alone: Redis is where they say, on its socket."""
        return dict(initial or {})


class Worker(CeleryTestWorker):
    """The appliance's worker, what it says, and its processes."""

    def count(self, pattern: str) -> int:
        return len(re.findall(pattern, self.logs()))

    def until(self, pattern: str, times: int = 1, seconds: float = EMULATED) -> str:
        """Wait until it has said this so many times; return the last, or the pattern's group of it."""

        def said() -> list[str]:
            found = re.findall(pattern, self.logs())
            return found if len(found) >= times else []

        return str(wait_until(said, seconds)[-1])

    def received(self, task: str, times: int = 1) -> str:
        """Wait for a task and return its id."""
        return self.until(rf"Task {re.escape(task)}\[([0-9a-f-]+)\] received", times)

    def succeeded(self, task: str, number: str = "[0-9a-f-]+") -> None:
        self.until(rf"Task {re.escape(task)}\[{number}\] succeeded")

    def begun(self, task: str, seconds: float = EMULATED) -> None:
        """Wait until one of its processes works on this task."""

        def works() -> bool:
            inspect = self.app.control.inspect(destination=[self.hostname()], timeout=20)
            answers = (inspect.active() or {}).values()
            return any(active["id"] == task and active["time_start"] for tasks in answers for active in tasks)

        wait_until(works, seconds)

    def children(self) -> list[int]:
        """Return the numbers of its processes, as they are inside."""
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
        """Return when the container was started; another time means another main process."""
        self.container.reload()
        return str(self.container.attrs["State"]["StartedAt"])


class Setup(CeleryTestSetup):
    """The setup, whose app is set up as the appliance's is."""

    @classmethod
    def name(cls) -> str:
        return "soniquebay"

    @classmethod
    def config(cls, celery_worker_cluster_config: dict[str, Any]) -> dict[str, Any]:
        broker_url = super().config(celery_worker_cluster_config)["broker_url"]
        return celery_settings(replace(from_environment({}), redis=broker_url))


class Api(CeleryTestContainer):
    """A container with the appliance's API."""

    SOCKET, ASIDE = "/run/soniquebay/api.sock", "/run/soniquebay/aside"

    @property
    def ready_prompt(self) -> str:
        return "public API on"

    def get(self, path: str, **params: Any) -> Any:
        response = httpx.get(self._url(path), params=params, timeout=EMULATED)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any = None, status: int = 202) -> Any:
        response = httpx.post(self._url(path), json=body, timeout=EMULATED)
        assert response.status_code == status, response.text
        return response.json()

    def _url(self, path: str) -> str:
        host, port = self.get_addr("8080/tcp")
        return f"http://{host}:{port}{path}"

    def scan(self) -> int:
        """Start a scan and return its session."""
        for session in self.get("/api/scan-sessions")["items"]:
            if session["status"] in {"running", "paused"}:  # of a test that has failed
                self.post(f"/api/scan-sessions/{session['id']}/cancel", status=200)
        return int(self.post("/api/scan")["session_id"])

    def completed(self, session: int, seconds: float = EMULATED) -> dict[str, Any]:
        """Wait until a scan is completed, its tracks analysed, and return it."""

        def done() -> Any:
            found = self.get(f"/api/scan-sessions/{session}")
            return found if found["progress"]["phase"] == "done" else None

        found: dict[str, Any] = wait_until(done, seconds)
        assert found["status"] == "completed", found
        return found

    def add_music(self, files: dict[str, bytes]) -> None:
        """Put files, by their paths, below the folder of music."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path, content in files.items():
                member = tarfile.TarInfo(path)
                member.size, member.mode, member.mtime = len(content), 0o644, time.time()
                archive.addfile(member, io.BytesIO(content))
        assert self._container.put_archive("/srv/music", packed.getvalue())

    def run_as_root(self, *command: str) -> None:
        code, output = self.exec_run(list(command), user="root")
        assert code == 0, output

    @contextmanager
    def away(self) -> Iterator[None]:
        """Take the socket of the inserts from where the worker looks for it, and put it back."""
        self.run_as_root("mv", self.SOCKET, self.ASIDE)
        try:
            yield
        finally:
            self.run_as_root("mv", self.ASIDE, self.SOCKET)
