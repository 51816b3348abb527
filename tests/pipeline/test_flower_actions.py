"""A manager, or whoever has a manager's app password, who tries to do with Flower what the API does not let them do."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow
OWNER = {"name": "Ada", "password": "correct horse"}
PURGE = {"kwargs": {"missing_before": 4e9}, "args": []}
# Every route of Flower that changes something, with a body.
ACTIONS = (
    ("/api/task/send-task/maintenance.purge", PURGE),
    ("/api/task/async-apply/maintenance.purge", PURGE),
    ("/api/task/apply/maintenance.purge", PURGE),
    ("/api/task/abort/some-task", {}),
    ("/api/task/revoke/some-task?terminate=true&signal=SIGKILL", {}),
    ("/api/task/timeout/vector.calculate?workername={worker}&hard=1&soft=1", {}),
    ("/api/task/rate-limit/vector.calculate?workername={worker}&ratelimit=1/h", {}),
    ("/api/worker/pool/grow/{worker}?n=3", {}),
    ("/api/worker/pool/shrink/{worker}?n=1", {}),
    ("/api/worker/pool/restart/{worker}", {}),
    ("/api/worker/pool/autoscale/{worker}?min=4&max=9", {}),
    ("/api/worker/queue/add-consumer/{worker}?queue=celery", {}),
    ("/api/worker/queue/cancel-consumer/{worker}?queue=insert", {}),
    ("/api/worker/shutdown/{worker}", {}),
    ("/tasks", {}),
    ("/tasks/datatable/../../api/worker/shutdown/{worker}", {}),
)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack of its own whose only file is missing: a purge would delete its track."""
    music = tmp_path_factory.mktemp("music")
    file = tone(music / "a.flac", seconds=1, title="Song")
    tone(music / "b.flac", seconds=1, title="Other")
    running = Stack(music, tmp_path_factory.mktemp("data"), login=True)
    running.cli("scan", "--wait", control=True)
    file.unlink()
    running.cli("scan", "--wait", control=True)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def owner(attacked: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=attacked.url, timeout=60) as client:
        code = (attacked.data / "claim" / "code").read_text().strip()
        assert client.post("/api/claim", json={"code": code, **OWNER}).status_code == 201
        yield client


@pytest.fixture(scope="module")
def flower(attacked: Stack) -> str:
    return f"http://127.0.0.1:{attacked.flower_port}"


def app_password(owner: httpx.Client, role: str, name: str) -> tuple[str, str]:
    made = owner.post("/api/account/app-passwords", json={"name": name, "role": role}).json()
    return OWNER["name"], str(made["password"])


def test_flower_changes_nothing(attacked: Stack, owner: httpx.Client, flower: str) -> None:
    manager, listener = app_password(owner, "manage", "acts"), app_password(owner, "listen", "listens")
    # A Flower that has just started may have no answers yet.
    workers = wait_until(lambda: httpx.get(f"{flower}/api/workers?refresh=1", auth=manager, timeout=60).json(), 60)
    (worker,) = workers
    queues = {queue["name"] for queue in workers[worker]["active_queues"]}
    for path, body in ACTIONS:
        url = flower + path.format(worker=worker)
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert httpx.request(method, url, json=body, auth=listener, timeout=60).status_code == 403, (method, path)
            answer = httpx.request(method, url, json=body, auth=manager, timeout=60)
            assert (answer.status_code, "only shows" in answer.text) == (405, True), (method, path)
        assert httpx.get(url, auth=manager, timeout=60).status_code in {200, 404, 405}, path
    time.sleep(2)
    log = (attacked.data / "logs" / "worker.log").read_text()
    assert "Task maintenance.purge[" not in log
    assert "Got shutdown from remote" not in log
    with closing(sqlite3.connect(attacked.data / "library.db")) as db:
        assert db.execute("SELECT count(*) FROM tracks").fetchone() == (2,)  # the missing one, too
    shown = httpx.get(f"{flower}/api/workers?refresh=1", auth=manager, timeout=60).json()
    assert {queue["name"] for queue in shown[worker]["active_queues"]} == queues
    assert owner.get("/api/health").json()["worker"] == "ok"


def test_flower_shows_its_pages(owner: httpx.Client, flower: str) -> None:
    manager = app_password(owner, "manage", "reads")
    for path in (
        "/",
        "/workers",
        "/tasks",
        "/broker",
        "/api/tasks",
        "/api/task/types",
        "/api/queues/length",
        "/metrics",
    ):
        assert httpx.get(flower + path, auth=manager, timeout=60).status_code == 200, path
    # The table of tasks asks by POST.
    columns = {"columns[0][data]": "name", "order[0][column]": "0", "order[0][dir]": "asc", "search[value]": ""}
    form = {"draw": "1", "start": "0", "length": "10", **columns}
    foreign = {"Origin": "http://evil.example"}
    assert httpx.post(f"{flower}/tasks/datatable", data=form, auth=manager, headers=foreign).status_code == 403
    answer = wait_until(lambda: httpx.post(f"{flower}/tasks/datatable", data=form, auth=manager, timeout=60))
    assert answer.status_code == 200
    assert "scan.discovery" in {task["name"] for task in answer.json()["data"]}
