"""What strangers who ask for the health of the appliance can take from everybody else."""

import asyncio
import threading
import time
from pathlib import Path

import anyio.to_thread
import httpx
import pytest

from soniquebay.api import health
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.settings import from_environment

THREADS = 4


def test_many_who_ask_at_once_share_one_check_and_hold_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"SONIQUEBAY_DATA": str(tmp_path), "SONIQUEBAY_CLAIM_FOLDER": str(tmp_path)}
    app = public_app(make_services(from_environment(variables)))
    goes_on, checks = threading.Event(), []

    def slow(_: object) -> str:
        checks.append(1)
        goes_on.wait(30)
        return "ok"

    monkeypatch.setattr(health, "_CHECKS", dict.fromkeys(("database", "redis", "worker"), slow))

    async def ask() -> tuple[float, list[httpx.Response]]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            strangers = [asyncio.create_task(client.get("/api/health")) for _ in range(3 * THREADS)]
            await asyncio.sleep(0.2)
            strangers.pop().cancel()
            started = time.monotonic()
            asyncio.get_running_loop().call_later(5, goes_on.set)
            assert (await client.get("/api/session")).status_code == 200
            waited = time.monotonic() - started
            goes_on.set()
            return waited, await asyncio.gather(*strangers)

    waited, answers = asyncio.run(ask())
    assert waited < 4
    assert {(answer.status_code, answer.json()["worker"]) for answer in answers} == {(200, "ok")}
    assert len(checks) == 3
