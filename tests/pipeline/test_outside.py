"""The stack from outside: events, refused requests, Flower, the operator's commands."""

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from soniquebay.api.public import MAX_BODY_BYTES
from tests.support.stack import Stack, wait_until

INTERNAL = [
    ("POST", "/internal/sessions/1/batches"),
    ("POST", "/internal/sessions/1/discovered"),
    ("POST", "/internal/batches/x"),
    ("POST", "/internal/batches/x/abandon"),
    ("PUT", "/internal/vectors/1"),
    ("PUT", "/internal/covers/1"),
    ("POST", "/internal/resume"),
]


@pytest.mark.parametrize(("method", "path"), INTERNAL)
def test_inserts_are_refused_on_the_public_port(stack: Stack, method: str, path: str) -> None:
    answer = httpx.request(method, stack.url + path, json={})
    assert answer.status_code == 403
    assert "socket" in answer.json()["detail"]


@pytest.mark.parametrize(("method", "path"), INTERNAL)
def test_the_internal_api_has_these_routes(stack: Stack, method: str, path: str) -> None:
    # Without this the refusals above would prove nothing.
    transport = httpx.HTTPTransport(uds=stack.environment()["SONIQUEBAY_API_SOCKET"])
    with httpx.Client(transport=transport, base_url="http://api") as client:
        answer = client.request(method, path, json={})
    assert answer.status_code in {200, 404, 422}
    assert answer.json() != {"detail": "Not Found"}


def test_a_page_of_another_site_neither_reads_nor_changes_anything(stack: Stack) -> None:
    sessions = stack.get("/api/scan-sessions")["total"]
    foreign = {"Origin": "http://evil.example"}
    for path in ("/api/scan", "/api/scan-sessions/1/cancel"):
        assert httpx.post(stack.url + path, headers=foreign).status_code == 403
    rebound = {"Host": "evil.example"}
    assert httpx.get(f"{stack.url}/api/tracks", headers=rebound).status_code == 421
    assert httpx.post(f"{stack.url}/api/scan", headers=rebound | {"Origin": "http://evil.example"}).status_code == 421
    assert stack.get("/api/scan-sessions")["total"] == sessions
    assert "access-control-allow-origin" not in httpx.get(f"{stack.url}/api/tracks", headers=foreign).headers


def peak_memory(process: int) -> int:
    """Return the largest resident set that a process ever had, bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) * 1024


def test_a_huge_body_is_refused_and_not_kept(stack: Stack) -> None:
    before = peak_memory(stack.program("api"))
    headers = {"Content-Type": "application/json"}
    without_a_length = (b" " * 65536 for _ in range(1600))  # 100 MB
    for content in (without_a_length, b" " * (MAX_BODY_BYTES + 1)):
        answer = httpx.post(f"{stack.url}/api/scan", content=content, headers=headers, timeout=60)
        assert (answer.status_code, "Large" in answer.text) == (413, True), answer.text
    assert peak_memory(stack.program("api")) - before < 20e6


def read_events(stack: Stack, headers: dict[str, str], count: int) -> list[tuple[str, dict[str, Any]]]:
    events: list[tuple[str, dict[str, Any]]] = []
    with httpx.stream("GET", f"{stack.url}/api/events", headers=headers, timeout=20) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            fields[name] = value
            if not line and "data" in fields:
                assert fields["event"] == "scan"
                events.append((fields["id"], json.loads(fields["data"])))
                fields = {}
                if len(events) == count:
                    return events
    raise AssertionError("the stream ended")


def test_events_have_ids_and_missed_ones_are_replayed(stack: Stack, scanned: dict[str, Any]) -> None:
    first_two = read_events(stack, {"Last-Event-ID": "0-0"}, 2)
    assert all(re.fullmatch(r"\d+-\d+", event_id) for event_id, _ in first_two)
    missed = read_events(stack, {"Last-Event-ID": first_two[0][0]}, 1)
    assert missed == first_two[1:2]
    for _, progress in first_two:
        assert progress["files"] >= progress["finished"]
    (_, now) = read_events(stack, {"Last-Event-ID": "nonsense"}, 1)[0]
    assert now["session_id"] >= scanned["session_id"]


def test_flower_shows_the_worker_and_its_tasks(stack: Stack, scanned: dict[str, Any]) -> None:
    flower = f"http://127.0.0.1:{stack.flower_port}"
    wait_until(lambda: list(stack.flower_workers()) == ["worker"])
    names = {"scan.discovery", "metadata.extract_batch", "batch.process_entities", "insert.direct_batch",
              "vector.calculate", "covers.extract"}  # fmt: skip

    def seen() -> bool:
        tasks = httpx.get(f"{flower}/api/tasks", timeout=30).json().values()
        return names <= {task["name"] for task in tasks}

    wait_until(seen)


def test_health_names_each_part(stack: Stack) -> None:
    health = stack.get("/api/health")
    assert health == {
        "status": "ok", "version": health["version"], "database": "ok", "redis": "ok", "worker": "ok",
        "fault": None, "fault_kind": None, "warnings": [],
    }  # fmt: skip


def test_the_openapi_description_has_the_routes(stack: Stack) -> None:
    paths = stack.get("/openapi.json")["paths"]
    assert {"/api/scan", "/api/scan-sessions", "/api/scan-sessions/{session_id}", "/api/events", "/api/tracks",
            "/api/scan-sessions/{session_id}/failures", "/api/albums", "/api/artists", "/api/search",
            "/api/tracks/{track_id}/similar", "/api/covers/{kind}/{item_id}",
            "/api/health"} <= paths.keys()  # fmt: skip
    assert not [path for path in paths if path.startswith("/internal")]


@pytest.mark.parametrize(
    "path", ["/api/tracks?limit=0", "/api/tracks/0", "/api/tracks/x", "/api/search", "/api/covers/planet/1",
             "/api/tracks?album_id=99999999999999999999"]
)  # fmt: skip
def test_invalid_input_is_refused_with_a_reason(stack: Stack, path: str) -> None:
    answer = httpx.get(stack.url + path)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_the_operators_commands(stack: Stack, scanned: dict[str, Any]) -> None:
    status = json.loads(stack.cli("status", "--json").stdout)
    assert status["health"]["status"] == "ok"
    (worker,) = status["workers"].values()
    assert 1 <= len(worker["processes"]) <= 4
    assert "SoniqueBay" in stack.cli("status").stdout
    assert set(json.loads(stack.cli("queues", "--json").stdout)) == {
        "scan", "extract", "batch", "insert", "vector", "deferred", "covers", "maintenance"
    }  # fmt: skip
    assert "scan.discovery" in stack.cli("logs", "worker", "-n", "10000", "--data", str(stack.data)).stdout


def test_a_command_that_reaches_no_api_says_what_to_do(stack: Stack) -> None:
    import os
    import subprocess
    import sys

    environment = {**os.environ, "SONIQUEBAY_URL": "http://127.0.0.1:9"}
    answer = subprocess.run(
        [sys.executable, "-m", "soniquebay.cli", "scan"], check=False, capture_output=True, text=True, env=environment
    )
    assert answer.returncode == 1
    assert "SONIQUEBAY_URL" in answer.stderr


def test_a_maintenance_task_is_sent_and_runs(stack: Stack) -> None:
    import os
    import subprocess
    import sys

    environment = {**os.environ, "SONIQUEBAY_API_SOCKET": stack.environment()["SONIQUEBAY_API_SOCKET"]}
    command = [sys.executable, "-m", "soniquebay.cli", "maintenance", "resume"]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    log = Path(stack.data / "logs" / "worker.log")
    wait_until(lambda: re.search(r"maintenance\.resume_sessions\[.*succeeded", log.read_text()))


@pytest.mark.slow
def test_a_listeners_stream_outlives_a_redis_that_does_not_answer(stack: Stack, scanned: dict[str, Any]) -> None:
    missed = {"Last-Event-ID": "1-0"}
    with httpx.stream("GET", f"{stack.url}/api/events", timeout=40) as response:
        lines = response.iter_lines()
        while next(lines):
            pass
        time.sleep(2)  # after the first event the API reads from Redis once more for it
        with (
            stack.frozen("redis-server"),
            httpx.stream("GET", f"{stack.url}/api/events", headers=missed, timeout=40) as other,
        ):
            # What it has missed is in Redis, so it has to connect again.
            assert list(other.iter_lines()) == []
        wait_until(lambda: stack.get("/api/health")["redis"] == "ok")
        stack.scan()
        assert next(line for line in lines if line.startswith("id: "))
    log = (stack.data / "logs" / "api.log").read_text()
    assert "a listener's stream of events ends: Timeout" in log
    assert "Traceback" not in log
    assert read_events(stack, {}, 1)
