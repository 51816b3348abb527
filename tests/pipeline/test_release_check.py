"""The check that an upgrade asks for, by its canary: on a stack that is well, and on releases that are broken."""

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from click import ClickException

import soniquebay
from soniquebay.releases import programs
from tests.support.audio_files import tone
from tests.support.rows import all_rows
from tests.support.stack import Stack, wait_until

# Tasks that refer to nothing in the library, of the classes high and medium.
FILL_QUEUES = """
from soniquebay.worker.app import send_many
send_many([("metadata.extract_batch", dict(session_id=0, batch_id="none", files=[]))] * 200)
send_many([("vector.calculate", dict(track_id=0, path="/none.flac"))] * 150)
"""
CHECKS = ("tags", "vector", "cover", "insert", "file", "transcode")
APP = Path(soniquebay.__file__).parent


def check(stack: Stack, timeout_seconds: float = 60) -> tuple[int, dict[str, Any]]:
    """Ask for the check; return the status, and what was answered."""
    url = f"{stack.url}/api/health/check"
    answer = httpx.post(url, params={"timeout_seconds": timeout_seconds}, timeout=timeout_seconds + 30)
    return answer.status_code, answer.json()


def failed(answer: dict[str, Any]) -> dict[str, str]:
    return {made["name"]: made["sentence"] for made in answer["checks"] if made["state"] == "failed"}


def messages(stack: Stack) -> list[str]:
    """Return the names of all keys in Redis that hold messages, waiting or unacknowledged."""
    with redis.Redis.from_url(stack.environment()["SONIQUEBAY_REDIS"], decode_responses=True) as client:
        return [key for key in client.scan_iter() if client.type(key) in {"list", "hash"}]


@contextmanager
def broken_release(folder: Path, edits: dict[str, tuple[str, str]]) -> Iterator[Stack]:
    """Run a release in which a line of some modules is another one."""
    app = folder / "app/soniquebay"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("__pycache__"))
    for module, (line, other) in edits.items():
        text = (app / module).read_text()
        assert text.count(line) == 1, (module, line)
        (app / module).write_text(text.replace(line, other))
    (folder / "music").mkdir()
    running = Stack(folder / "music", folder / "data", PYTHONPATH=str(app.parent))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    music = tmp_path_factory.mktemp("music")
    tone(music / "a.flac", seconds=1, title="One", artist="A", album="X")
    running = Stack(music, tmp_path_factory.mktemp("data"))
    running.scan()
    wait_until(running.pictures_are_found)
    wait_until(lambda: running.get("/api/map/state")["placed"] == 1, 120)  # all that is written by itself was written
    yield running
    running.stop()


def test_a_healthy_release_passes_soon_and_leaves_nothing(stack: Stack) -> None:
    wait_until(lambda: not messages(stack))
    before = all_rows(stack.data / "library.db"), sorted((stack.data / "covers").rglob("*"))
    began = time.monotonic()
    status, answer = check(stack)
    assert time.monotonic() - began < 20  # some seconds, on a machine that others use
    assert [(made["name"], made["state"]) for made in answer["checks"]] == [(name, "ok") for name in CHECKS]
    assert (status, answer["healthy"], answer["version"]) == (200, True, soniquebay.__version__)
    assert (all_rows(stack.data / "library.db"), sorted((stack.data / "covers").rglob("*"))) == before
    wait_until(lambda: not messages(stack))


def test_it_is_made_beside_a_scan_that_is_paused(stack: Stack) -> None:
    """Only one session may be active; that of the check is none."""
    with closing(sqlite3.connect(stack.data / "library.db")) as db, db:
        db.execute("UPDATE scan_sessions SET status = 'paused'")
    assert check(stack)[1]["healthy"]
    with closing(sqlite3.connect(stack.data / "library.db")) as db, db:
        assert db.execute("SELECT id, status FROM scan_sessions").fetchall() == [(1, "paused")]
        db.execute("UPDATE scan_sessions SET status = 'completed'")


def test_an_upgrade_asks_for_it_by_the_control_socket(stack: Stack) -> None:
    socket = Path(stack.environment()["SONIQUEBAY_CONTROL_SOCKET"])
    programs.check(socket, "x", 60)
    with stack.frozen("worker"), pytest.raises(ClickException, match="x fails its check: the worker has not made"):
        programs.check(socket, "x", 2)


def test_a_worker_that_is_late_is_told_and_its_report_is_of_no_use_later(stack: Stack) -> None:
    before = all_rows(stack.data / "library.db")
    with stack.frozen("worker"):
        status, answer = check(stack, 1)
        assert (status, answer["healthy"]) == (503, False)
        assert [made["name"] for made in answer["checks"] if made["state"] == "late"] == ["worker"]
        assert "has not made the check within 1 s" in answer["checks"][0]["sentence"]
    wait_until(lambda: not messages(stack))
    wait_until(lambda: "nobody waits any more" in (stack.data / "logs/worker.log").read_text())
    assert all_rows(stack.data / "library.db") == before


def test_full_queues_delay_it_by_a_few_tasks_alone(stack: Stack) -> None:
    log = stack.data / "logs/worker.log"
    with ThreadPoolExecutor(1) as pool:
        with stack.frozen("worker"):
            subprocess.run([sys.executable, "-c", FILL_QUEUES], check=True, env=stack.environment(), timeout=60)
            begin = len(log.read_text())
            asked = pool.submit(check, stack)
            wait_until(lambda: any("maintenance" in name for name in messages(stack)))
        assert asked.result()[1]["healthy"]
    wait_until(lambda: not messages(stack), 120)
    received = [line for line in log.read_text()[begin:].splitlines() if "received" in line]
    before = [n for n, line in enumerate(received) if "maintenance.check_release" in line]
    assert len(received) > 300
    assert before[0] < 20, before


def test_a_release_whose_reader_is_broken_is_told(tmp_path: Path) -> None:
    line = "    return content_of(quick.read(path) or read_raw(path), tag_encoding)"
    with broken_release(tmp_path, {"audio/reading/read.py": (line, f"    import no_such_reader\n{line}")}) as stack:
        status, answer = check(stack)
        assert (status, answer["healthy"]) == (503, False)
        reason = "ModuleNotFoundError: No module named 'no_such_reader'"
        assert failed(answer) == {"tags": f"The worker cannot read a FLAC file: {reason}."}
        assert {made["name"] for made in answer["checks"]} == set(CHECKS) - {"insert"}
        with pytest.raises(ClickException, match="release 9 fails its check: the worker cannot read a FLAC file: Mod"):
            programs.check(Path(stack.environment()["SONIQUEBAY_CONTROL_SOCKET"]), "9", 60)


def test_each_part_that_is_broken_is_told(tmp_path: Path) -> None:
    edits = {
        "audio/analysis.py": (
            "feature_vector(segments, heard.values),",
            'feature_vector(segments, heard.values) * float("nan"),',
        ),
        "audio/pictures.py": (
            "picture.webp_thumbnails[size] = _encode_webp(decoded)",
            "picture.webp_thumbnails[size] = _encode_jpeg(decoded, 85)",
        ),
        "api/file_answer.py": ("os.pread(self.descriptor, count, offset)", "os.pread(self.descriptor, count, 0)"),
        "transcoding/transcode.py": ("def _samples(", "import no_such_encoder\n\n\ndef _samples("),
    }
    with broken_release(tmp_path, edits) as stack:
        told = failed(check(stack)[1])
        assert told.keys() == {"cover", "insert", "file", "transcode"}
        assert "the thumbnails are {160: 'image/jpeg'}, not {160: 'image/webp'}" in told["cover"]
        assert "the values of a vector must be finite" in told["insert"]
        assert "the answer has other bytes than the file" in told["file"]
        assert "No module named 'no_such_encoder'" in told["transcode"]


def test_a_worker_whose_processes_die_is_told(tmp_path: Path) -> None:
    line = "    placed = decode_placed_segments(path, start, seconds)"
    dies = f"    __import__('os').kill(__import__('os').getpid(), 11)\n{line}"
    with broken_release(tmp_path, {"audio/analysis.py": (line, dies)}) as stack:
        told = failed(check(stack)[1])
        assert told.keys() == {"worker"}
        assert "The worker cannot finish the check: WorkerLostError" in told["worker"]
