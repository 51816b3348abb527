"""What the programs log reaches `/api/logs`: with its program and its scan, for managers alone, and without secrets."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from soniquebay.log_stream import INFO_STREAM, WARNING_STREAM
from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

OWNER = {"name": "Ada", "password": "correct horse"}
LISTENER = {"name": "Lis", "password": "long enough"}
WRONG = "a very wrong password"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack that asks for a login, over a song and a damaged file."""
    music = tmp_path_factory.mktemp("music")
    tone(music / "a.flac", seconds=1, title="Song")
    (music / "damaged.flac").write_bytes(b"fLaC" + bytes(100))
    running = Stack(music, tmp_path_factory.mktemp("data"), login=True)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def code(stack: Stack) -> str:
    """Return the code of the link that `serve` prints."""
    return next(line for line in stack.output if "Make it yours: " in line).strip().partition("code=")[2]


@pytest.fixture(scope="module")
def owner(stack: Stack, code: str) -> httpx.Client:
    client = httpx.Client(base_url=stack.url, timeout=30)
    assert client.post("/api/claim", json={"code": code, **OWNER}).status_code == 201
    return client


def lines(owner: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    answer = owner.get("/api/logs", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_damaged_file_is_told_with_its_program_and_its_scan(stack: Stack, owner: httpx.Client) -> None:
    start, version = time.time(), owner.get("/api/machine").json()["log_version"]
    stack.cli("scan", "--wait", control=True)
    session = owner.get("/api/scan-sessions?limit=1").json()["items"][0]["id"]

    def warning() -> dict[str, Any] | None:
        return next((line for line in lines(owner, level="warning") if "damaged.flac" in line["message"]), None)

    line = wait_until(warning, 10)
    assert (line["program"], line["level"], line["session_id"]) == ("worker", "warning", session)
    assert line["task"] == "metadata.extract_batch"
    assert line["message"].startswith(f"files that could not be read: 1, the first: {stack.music}/damaged.flac: ")
    assert start <= line["at"] <= time.time()
    told = wait_until(lambda: [one for one in lines(owner) if one["message"].startswith("inserted a batch")], 10)
    assert {(one["program"], one["level"], one["session_id"]) for one in told} == {("worker", "info", session)}
    assert owner.get("/api/machine").json()["log_version"] != version


def test_lines_are_chosen_by_program_level_time_and_number(stack: Stack, owner: httpx.Client) -> None:
    wait_until(lambda: {"api", "worker"} <= {line["program"] for line in lines(owner)})
    everything = lines(owner)
    assert [line["at"] for line in everything] == sorted((line["at"] for line in everything), reverse=True)
    assert {line["program"] for line in lines(owner, program="api")} == {"api"}
    assert {line["level"] for line in lines(owner, level="warning")} <= {"warning", "error"}
    assert lines(owner, limit=1) == everything[:1]
    assert lines(owner, since=everything[-2]["at"]) == everything[:-1]
    assert lines(owner, since=time.time() + 60) == []
    for wrong in (
        "since=nan",
        "since=inf",
        "since=-1",
        "since=1e300",
        "level=loud",
        "program=cron",
        "limit=501",
        "x=1",
    ):
        assert owner.get(f"/api/logs?{wrong}").status_code == 422, wrong


def test_listeners_and_strangers_get_none(stack: Stack, owner: httpx.Client) -> None:
    assert owner.post("/api/users", json=LISTENER).status_code == 201
    with httpx.Client(base_url=stack.url, timeout=30) as listener:
        assert listener.get("/api/logs").status_code == 401
        assert listener.post("/api/sign-in", json=LISTENER).status_code == 200
        refused = listener.get("/api/logs")
        assert (refused.status_code, str(stack.music) in refused.text) == (403, False)


def test_no_line_has_a_secret(stack: Stack, owner: httpx.Client, code: str) -> None:
    made = owner.post("/api/account/app-passwords", json={"name": "App", "role": "manage"}).json()["password"]
    secrets = [code, code.replace("-", ""), OWNER["password"], WRONG, made, made.replace("-", ""), made[:-1] + "x"]
    secrets += list(owner.cookies.values())
    with httpx.Client(base_url=stack.url, timeout=30) as stranger:
        assert stranger.post("/api/sign-in", json={"name": "Ada", "password": WRONG}).status_code == 401
        assert stranger.post("/api/claim", json={"code": code, **OWNER}).status_code in {403, 409}
        for password, status in ((made, 200), (made[:-1] + "x", 401)):
            assert stranger.get("/api/tracks", headers={"Authorization": f"Bearer {password}"}).status_code == status
            app = {"u": "Ada", "p": password, "v": "1.16.1", "c": "test"}
            assert stranger.get("/rest/ping", params=app).status_code in {200, 401}
            flower = f"http://127.0.0.1:{stack.flower_port}/nothing?password={password}"
            httpx.get(flower, auth=("Ada", password), timeout=30)
        assert stranger.get("/claim", params={"code": code}).status_code in {200, 303}
        # The last line that is caused here: with it, the earlier ones have arrived.
        stranger.get("/api/health", headers={"X-Forwarded-For": "192.0.2.1"})
    wait_until(lambda: any("seems to be a reverse proxy" in line["message"] for line in lines(owner, program="api")))
    client = redis.Redis.from_url(stack.environment()["SONIQUEBAY_REDIS"])
    stored = str([client.xrange(stream) for stream in (WARNING_STREAM, INFO_STREAM)])
    assert "damaged.flac" in stored
    assert [secret for secret in secrets if secret in stored] == []
