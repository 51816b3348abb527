"""The programs start side by side: none takes it ill that another is not there yet."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.stack import free_port, wait_until
from tests.workers import Bench

pytestmark = pytest.mark.slow


def test_the_api_waits_for_redis_quietly_and_then_begins_its_work(bench: Bench, tmp_path: Path) -> None:
    bench.kill_redis()
    bench.socket.unlink()
    music, log = tmp_path / "music", tmp_path / "api.log"
    music.mkdir()
    port = free_port()
    settings = {"MUSIC": music, "DATA": tmp_path / "data", "API_SOCKET": bench.socket.with_name("api.sock"),
                "HTTP_PORT": port, "ONLINE": "off"}  # fmt: skip
    environment = {**bench.environment, **{f"SONIQUEBAY_{name}": str(value) for name, value in settings.items()}}
    with log.open("w") as output:
        api = subprocess.Popen([sys.executable, "-m", "soniquebay.cli", "api"], env=environment, stderr=output)
    try:
        wait_until(lambda: "public API" in log.read_text())
        began = time.monotonic()
        health = httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=30)
        assert (health.status_code, health.json()["database"]) == (503, "ok")
        assert health.json()["redis"].startswith("does not answer")
        wait_until(lambda: "WARNING" in log.read_text())
        assert time.monotonic() - began > 8  # a boot takes less
        (warning,) = [line for line in log.read_text().splitlines() if "WARNING" in line]
        assert "nothing is sent yet. Redis is away" in warning
        assert not httpx.get(f"http://127.0.0.1:{port}/api/watch").json()["ready"]
        bench.start_redis()
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/api/watch").json()["ready"])
        assert log.read_text().count("WARNING") == 1
    finally:
        api.terminate()
        assert api.wait(30) == 0
