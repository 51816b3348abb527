"""A database that is gone, damaged, or cannot be written: the API says so, stays up, and never begins an empty one."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from soniquebay.api.storage import Storage
from soniquebay.library.database import Database
from tests.support.audio_files import tone
from tests.support.small_disk import full_disk, small_disk
from tests.support.stack import Stack, free_port, wait_until
from tests.support.workers import Bench

PAGE_BYTES = 4096
TRACKS = 40
# The API's program. There is no worker, for whose answer each look at the health would wait for five seconds.
PROGRAM = """
from soniquebay.api import health
from soniquebay.cli import main
health.PING_TIMEOUTS_SECONDS = (0.1,)
main(["api"])
"""
BUSY_SECONDS = 90.0  # for a start, or for going on after a fault, beside an emulated machine


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `music` and the `data` of a stack that has scanned it and was stopped."""
    folder = tmp_path_factory.mktemp("scanned")
    (folder / "music").mkdir()
    for number in range(TRACKS):
        tone(folder / "music" / f"{number}.ogg", title=f"Song {number}", artist=f"Artist {number}", album="Album")
    stack = Stack(folder / "music", folder / "data")
    stack.cli("scan", "--wait")
    assert stack.stop() == 0
    return folder


def copy_of(scanned: Path, target: Path) -> Path:
    """Return a copy of the data, without write-ahead logs: all is in the databases."""
    copy = Path(shutil.copytree(scanned / "data", target))
    for name in ("library.db", "listeners.db"):
        with closing(sqlite3.connect(copy / name)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return copy


@pytest.fixture
def data(scanned: Path, tmp_path: Path) -> Path:
    return copy_of(scanned, tmp_path / "data")


class Api:
    """The API's process alone, which goes on through everything that the tests do to its files."""

    def __init__(self, bench: Bench, music: Path, data: Path) -> None:
        self.port = free_port()
        self.log = bench.folder / "api.log"
        values = {
            "API_SOCKET": bench.socket.with_name("api.sock"), "CONTROL_SOCKET": bench.socket.with_name("control.sock"),
            "CLAIM_FOLDER": data / "claim", "ONLINE": "off", "WATCH": "off", "MUSIC": music, "DATA": data,
            "HTTP_HOST": "127.0.0.1", "HTTP_PORT": self.port, "LOGIN": "off",
        }  # fmt: skip
        environment = {**bench.environment, **{f"SONIQUEBAY_{name}": str(value) for name, value in values.items()}}
        with self.log.open("a") as output:
            self.process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stderr=output)
        self.public = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        transport = httpx.HTTPTransport(uds=str(values["CONTROL_SOCKET"]))
        self.control = httpx.Client(base_url="http://localhost", transport=transport, timeout=30)
        wait_until(self._answers, BUSY_SECONDS)

    def _answers(self) -> bool:
        """Tell whether it answers at all."""
        assert self.process.poll() is None, self.log.read_text()
        with suppress(httpx.TransportError):
            return bool(self.public.get("/api/session").status_code)
        return False

    def health(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.public.get("/api/health").json()
        return answer

    def can_be_used(self) -> bool:
        # The servers that tell of the fault give way to those that serve, and close their connections.
        with suppress(httpx.TransportError):
            return self.health()["database"] == "ok"
        return False

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        self.public.close()
        self.control.close()
        self.process.send_signal(signal_number)
        return self.process.wait(30)


class Start(Protocol):
    """Starts the API over a folder of data."""

    def __call__(self, data: Path, music: Path | None = None) -> Api: ...


@pytest.fixture
def start(bench: Bench, scanned: Path) -> Iterator[Start]:
    """Give a function that starts the API; what still runs is ended afterwards."""
    started: list[Api] = []

    def start_api(data: Path, music: Path | None = None) -> Api:
        started.append(Api(bench, music or scanned / "music", data))
        return started[-1]

    yield start_api
    for api in started:
        if api.process.poll() is None:
            assert api.stop() == 0


def damage_pages(database: Path, *pages: int) -> None:
    with database.open("r+b") as file:
        for page in pages:
            file.seek(PAGE_BYTES * page)
            file.write(b"\xa5" * PAGE_BYTES)


def pages_of(database: Path, name: str) -> list[int]:
    """Return the numbers, from 0, of the pages of a table or an index."""
    with closing(sqlite3.connect(database)) as db:
        return [number - 1 for (number,) in db.execute("SELECT pageno FROM dbstat WHERE name = ?", (name,))]


@pytest.mark.parametrize("name", ["library.db", "listeners.db"])
@pytest.mark.parametrize("is_gone", [True, False])
def test_what_is_gone_or_overwritten_is_told_until_it_is_back(
    scanned: Path, data: Path, start: Start, name: str, is_gone: bool
) -> None:
    if is_gone:
        (data / name).unlink()
    else:
        (data / name).write_bytes(os.urandom(PAGE_BYTES) + (data / name).read_bytes()[PAGE_BYTES:])
    api = start(data)
    what = f"{name} is {'gone' if is_gone else 'damaged'}"
    health = api.health()
    assert (health["status"], health["fault"].partition(":")[0]) == ("unhealthy", what)
    assert "`soniquebay library restore`" in health["fault"]
    assert str(data) not in str(health)
    assert str(data) in api.control.get("/api/health").json()["fault"]
    for path, method in (("/api/tracks", "GET"), ("/rest/ping.view", "GET"), ("/api/scan", "POST")):
        answer = api.public.request(method, path)
        assert (answer.status_code, answer.json()["detail"]) == (503, health["fault"])
    page = api.public.get("/albums")
    assert page.status_code == 503
    assert what in page.text
    assert int(page.headers["Retry-After"]) > 0
    assert api.public.get("/", headers={"Host": "evil.example"}).status_code == 421
    assert is_gone is not (data / name).exists()
    shutil.copy(copy_of(scanned, data.with_name("copy")) / name, data / name)
    wait_until(api.can_be_used, BUSY_SECONDS)
    assert len(api.public.get("/api/tracks", params={"limit": 500}).json()["items"]) == TRACKS
    assert api.log.read_text().count(what) == 1
    assert "Traceback" not in api.log.read_text()


def test_serve_ends_with_what_is_wrong(scanned: Path, data: Path) -> None:
    (data / "library.db").unlink()
    with pytest.raises(AssertionError, match=r"library\.db is gone: `soniquebay library restore`"):
        Stack(scanned / "music", data)
    assert not (data / "library.db").exists()


def test_a_first_start_begins_an_empty_library(scanned: Path, tmp_path: Path, start: Start) -> None:
    api = start(tmp_path / "new")
    assert api.can_be_used()


def test_damaged_pages_are_noticed_and_the_rest_can_be_read(scanned: Path, data: Path, start: Start) -> None:
    damage_pages(data / "library.db", *pages_of(data / "library.db", "tracks")[-2:])
    api = start(data)
    answer = api.public.get("/api/tracks", params={"limit": 500})
    assert (answer.status_code, answer.json()["detail"].partition(" (")[0]) == (503, "library.db is damaged")
    assert "`soniquebay library repair`" in answer.json()["detail"]
    wait_until(lambda: api.health()["fault"])
    assert api.health()["fault"].startswith("library.db is damaged: ")
    scan = api.public.post("/api/scan")
    assert (scan.status_code, scan.json()["detail"].partition(" (")[0]) == (503, "library.db is damaged")
    assert api.public.get("/api/genres").status_code == 200
    assert "Traceback" not in api.log.read_text()
    errors = [line for line in api.log.read_text().splitlines() if "GET /api/tracks" in line]
    for _ in range(10):
        api.public.get("/api/tracks", params={"limit": 500})
    assert len([line for line in api.log.read_text().splitlines() if "GET /api/tracks" in line]) == len(errors) == 1


def test_damage_that_the_start_itself_meets_is_told(scanned: Path, data: Path, start: Start) -> None:
    """The start reads the items of users, to find them in the library."""
    with closing(sqlite3.connect(data / "listeners.db")) as db:
        db.executemany(
            "INSERT INTO items (kind, library_id, added_at, title) VALUES ('track', ?, 1, ?)",
            [(number, "x" * 200) for number in range(2000)],
        )
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage_pages(data / "listeners.db", *pages_of(data / "listeners.db", "items")[3:-1])
    api = start(data)
    assert api.health()["fault"].startswith("listeners.db is damaged: ")
    assert "Traceback" not in api.log.read_text()


def test_a_damage_that_nobody_meets_is_found_by_the_check(data: Path) -> None:
    database = Database(data / "library.db")
    storage = Storage(database)
    storage.open()
    storage.check()
    assert storage.faults() == []
    storage.close()
    damage_pages(data / "library.db", pages_of(data / "library.db", "genres")[-1])
    storage.check()
    (fault,) = storage.faults()
    assert fault.problem == "library.db is damaged"


def test_a_lost_write_ahead_log_is_told_and_mended_by_a_scan(scanned: Path, data: Path, start: Start) -> None:
    music = Path(shutil.copytree(scanned / "music", data.with_name("music")))
    first = start(data, music)
    first.stop(signal.SIGKILL)
    assert (data / "library.db-wal").exists()
    before = start(data, music)  # a crash alone loses nothing and is not worth a word
    assert before.health()["warnings"] == []
    before.stop(signal.SIGKILL)
    (data / "library.db-wal").unlink()
    (data / "library.db-shm").unlink()
    api = start(data, music)
    (warning,) = api.health()["warnings"]
    assert warning == "what was written to library.db last is lost, because library.db-wal is gone"
    wait_until(lambda: api.public.get("/api/queues").json()["scan"] == 1)
    assert api.stop() == 0
    again = start(data, music)
    assert again.health()["warnings"] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the small disk that is filled here")
def test_a_full_disk_at_the_start_is_told_and_waited_for(scanned: Path, tmp_path: Path, start: Start) -> None:
    with small_disk(tmp_path / "disk") as disk:
        data = copy_of(scanned, disk / "data")
        with full_disk(disk):
            api = start(data)
            assert api.health()["fault"].startswith("the disk is full, so library.db cannot be used: make room there")
            assert "the screen does not show the fault: [Errno 28]" in api.log.read_text()
        wait_until(api.can_be_used, BUSY_SECONDS)
        wait_until((data / "claim/console").exists)
        api.stop(signal.SIGKILL)
        with full_disk(disk):  # what a crash has left makes it possible to read all the same
            crashed = start(data)
            assert crashed.can_be_used()
            assert len(crashed.public.get("/api/tracks", params={"limit": 500}).json()["items"]) == TRACKS
            assert crashed.public.post("/api/scan").status_code == 507
        wait_until(lambda: crashed.public.post("/api/scan").status_code == 202)
        assert crashed.stop() == 0
        assert "Traceback" not in crashed.log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the disk that is read-only here")
def test_a_read_only_disk_at_the_start_is_told_and_waited_for(scanned: Path, tmp_path: Path, start: Start) -> None:
    with small_disk(tmp_path / "disk") as disk:
        data = copy_of(scanned, disk / "data")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        api = start(data)
        assert api.health()["fault"].startswith("library.db cannot be written: the card or disk may be worn out")
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        wait_until(api.can_be_used, BUSY_SECONDS)
        assert api.stop() == 0
