"""The programs start at the same time, and each one waits for the others that it needs."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from soniquebay.api import background_jobs, server
from soniquebay.settings import from_environment
from tests.support.stack import Stack, free_port, wait_until
from tests.support.workers import Bench


def environment_of(bench: Bench, **settings: object) -> dict[str, str]:
    """Return the environment of an API that uses the bench's Redis."""
    values = {"API_SOCKET": bench.socket.with_name("api.sock"), "ONLINE": "off", "LOGIN": "off", **settings}
    return {**bench.environment, **{f"SONIQUEBAY_{name}": str(value) for name, value in values.items()}}


def test_each_program_warns_of_a_version_that_its_overrides_were_not_tested_with(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "from soniquebay.overrides.versions import TESTED_VERSIONS\nTESTED_VERSIONS['kombu'] = '0.0'\n"
    )
    music = tmp_path / "music"
    music.mkdir()
    stack = Stack(music, tmp_path / "data", PYTHONPATH=str(tmp_path))
    warning = "kombu 5.7.0 is installed, the overrides were tested with 0.0"
    try:
        for program in ("api", "worker", "flower"):
            log = stack.data / "logs" / f"{program}.log"
            wait_until(lambda log=log: warning in log.read_text())
    finally:
        stack.stop()


@pytest.mark.slow
def test_the_api_waits_for_redis_quietly_and_then_starts_its_jobs(bench: Bench, tmp_path: Path) -> None:
    bench.kill_redis()
    bench.socket.unlink()
    music, log = tmp_path / "music", tmp_path / "api.log"
    music.mkdir()
    port = free_port()
    environment = environment_of(bench, MUSIC=music, DATA=tmp_path / "data", HTTP_PORT=port)
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "soniquebay.cli", "api"], env=environment, stderr=output)
    api = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def warnings() -> list[str]:
        """The lines without their time."""
        return [line[line.index("WARNING") :] for line in log.read_text().splitlines() if "WARNING" in line]

    try:
        wait_until(lambda: "public API" in log.read_text())
        started = time.monotonic()
        health = api.get("/api/health")
        assert (health.status_code, health.json()["database"]) == (503, "ok")
        assert health.json()["redis"].startswith("does not answer")
        wait_until(warnings)
        assert time.monotonic() - started > background_jobs.REDIS_START_SECONDS / 2  # a boot takes less
        assert [line.partition(" Redis is unreachable")[0] for line in warnings()] == [
            "WARNING soniquebay.api.background_jobs nothing is sent yet."
        ]
        api.post("/api/scan")
        before = warnings()
        assert not api.get("/api/watch").json()["ready"]
        bench.start_redis()
        wait_until(lambda: api.get("/api/watch").json()["ready"])
        wait_until(lambda: api.get("/api/queues").json()["scan"] == 1)
        assert ["sent again" in line for line in warnings()[len(before) :]] == [True]
    finally:
        api.close()
        process.terminate()
        assert process.wait(30) == 0


def test_the_end_of_the_api_does_not_wait_for_its_look_at_a_dead_worker(bench: Bench, tmp_path: Path) -> None:
    """The look at the state for the screens is the first thing that the API does; here it takes a minute."""
    (tmp_path / "sitecustomize.py").write_text(
        "from soniquebay.api import health\nhealth.PING_TIMEOUTS_SECONDS = (60.0,)\n"
    )
    music, claim, port = tmp_path / "music", tmp_path / "claim", free_port()
    music.mkdir()
    settings = environment_of(
        bench, MUSIC=music, DATA=tmp_path / "data", CLAIM_FOLDER=claim, HTTP_PORT=port, WATCH="off"
    )
    path = os.pathsep.join((str(tmp_path), *filter(None, (os.environ.get("PYTHONPATH"),))))
    with (tmp_path / "api.log").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "soniquebay.cli", "api"], env={**settings, "PYTHONPATH": path}, stderr=output
        )

    def answers() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/api/session", timeout=30).is_success
        return False

    try:
        wait_until(answers, 60)
        assert not (claim / "console").exists()  # it still looks
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def test_an_api_whose_job_fails_ends_and_says_why(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Any) -> None:
        raise OSError("too many watchers")

    monkeypatch.setattr(background_jobs, "_delete_unused_covers", fail)
    environment = environment_of(bench, MUSIC=tmp_path, DATA=tmp_path, HTTP_PORT=free_port(), WATCH="off")
    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(asyncio.wait_for(server._serve(from_environment(environment)), 60))
    assert [str(error) for error in raised.value.exceptions] == ["too many watchers"]
