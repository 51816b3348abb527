"""Hostile requests of every kind beside scans: no program ends, memory stays within the units, the scans complete.

`make attack REQUESTS=1000000` is the full run; SEED repeats one.
"""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.attack.clients import send_all
from tests.attack.requests import Secrets
from tests.support.song_files import song
from tests.support.stack import Stack, children

ROOT = Path(__file__).parents[2]
REQUESTS, SEED = int(os.environ.get("REQUESTS", "2000")), int(os.environ.get("SEED", "1"))
SONGS = 300
OWNER = {"name": "Ada", "password": "correct horse"}
PROGRAMS = {"redis-server": "redis", "api": "services_api", "worker": "services_worker", "flower": "services_flower"}
MAX_LOG_BYTES_A_MINUTE = 100_000  # of all programs; one line a minute of each kind, and those of the scans' tasks


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    music = tmp_path_factory.mktemp("music")
    for number in range(SONGS):
        song(music / f"Album {number // 10}" / f"{number}.flac", seconds=0.3, title=f"Song {number}", artist="Artist")
    running = Stack(music, tmp_path_factory.mktemp("data"), login=True, SONIQUEBAY_LOG_TASKS="off")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def administrator(attacked: Stack) -> Iterator[httpx.Client]:
    """Connect as an administrator of the machine, whose connections strangers cannot take."""
    transport = httpx.HTTPTransport(uds=attacked.environment()["SONIQUEBAY_CONTROL_SOCKET"])
    with httpx.Client(transport=transport, base_url="http://localhost", timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def secrets(attacked: Stack) -> Secrets:
    """Make an owner with an app password that may manage: hostile users know one, too."""
    with httpx.Client(base_url=attacked.url, timeout=60) as client:
        code = (attacked.data / "claim" / "code").read_text().strip()
        assert client.post("/api/claim", json={"code": code, **OWNER}).status_code == 201
        made = client.post("/api/account/app-passwords", json={"name": "attack", "role": "manage"})
    return Secrets(OWNER["name"], made.json()["password"])


class Watch:
    """Scans again and again, and looks at the memory of all programs, until it is stopped."""

    def __init__(self, stack: Stack, administrator: httpx.Client) -> None:
        self.peaks_mb: dict[str, float] = {}
        self.scans: list[dict[str, Any]] = []
        self._stack, self._administrator = stack, administrator
        self._ends = threading.Event()
        self._errors: list[Exception] = []
        self._threads = [threading.Thread(target=self._run, args=(job,)) for job in (self._scan, self._measure)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _run(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # told by the test's own thread
            self._errors.append(error)

    def _scan(self) -> None:
        while not self._ends.is_set():
            answer = self._administrator.post("/api/scan", json={"full": True})
            session = answer.json()["session_id"]
            while (state := self._administrator.get(f"/api/scan-sessions/{session}").json())["status"] == "running":
                time.sleep(0.5)
            self.scans.append(state)

    def _measure(self) -> None:
        pids = {name: self._stack.program(name) for name in PROGRAMS}
        while not self._ends.wait(1.0):
            for name, pid in pids.items():
                used = sum(map(pss_mb, [pid, *children(pid)]))
                self.peaks_mb[name] = max(self.peaks_mb.get(name, 0), used)


def pss_mb(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def limits_mb() -> dict[str, int]:
    """Return the memory limit of each program's unit."""
    defaults: dict[str, str] = {}
    for role in ("redis", "services"):
        defaults |= yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text())
    return {name: int(defaults[f"{variable}_memory_max"].removesuffix("M")) for name, variable in PROGRAMS.items()}


def test_hostile_requests_beside_scans_end_nothing(
    attacked: Stack, administrator: httpx.Client, secrets: Secrets
) -> None:
    programs = {name: attacked.program(name) for name in PROGRAMS}
    logs = list((attacked.data / "logs").glob("*.log"))
    log_bytes = sum(log.stat().st_size for log in logs)
    watch, begun = Watch(attacked, administrator), time.monotonic()
    try:
        outcomes = asyncio.run(send_all([attacked.port, attacked.flower_port], REQUESTS, SEED, secrets))
        seconds = time.monotonic() - begun
    finally:
        watch.stop()
    print(f"\n{REQUESTS} in {seconds:.0f} s, {REQUESTS / seconds:.0f} a second; {len(watch.scans)} scans; "
          f"PSS MB {({name: round(mb) for name, mb in watch.peaks_mb.items()})}")  # fmt: skip
    for outcome, number in sorted(outcomes.items()):
        print(f"  {outcome}: {number}")

    assert {name: attacked.program(name) for name in PROGRAMS} == programs
    assert not [outcome for outcome in outcomes if outcome.endswith((" 500", " 502"))]
    assert watch.peaks_mb.keys() == PROGRAMS.keys()
    assert {name: mb for name, mb in watch.peaks_mb.items() if mb > limits_mb()[name]} == {}
    assert watch.scans
    assert {scan["status"] for scan in watch.scans} == {"completed"}
    with closing(sqlite3.connect(attacked.data / "library.db")) as db:
        counted = db.execute("SELECT count(*) FROM tracks WHERE missing_since IS NULL").fetchone()
    assert counted == (SONGS,)
    text = "".join(log.read_text(errors="replace") for log in logs)
    assert "Traceback" not in text
    minutes = (time.monotonic() - begun) / 60
    assert sum(log.stat().st_size for log in logs) - log_bytes < MAX_LOG_BYTES_A_MINUTE * (1 + minutes)
    # Everybody else is served again at once.
    answer = httpx.get(
        f"{attacked.url}/api/tracks", headers={"Authorization": f"Bearer {secrets.password}"}, timeout=30
    )
    assert (answer.status_code, answer.json()["total"]) == (200, SONGS)
    assert httpx.get(f"{attacked.url}/api/health", timeout=30).json()["status"] == "ok"
