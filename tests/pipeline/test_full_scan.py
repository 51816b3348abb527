"""A full scan reads every file again, each once, and keeps what the library knows of them."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

FILES = 60


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    music = tmp_path_factory.mktemp("music")
    source = tone(music / "source.ogg", title="A title", artist="Somebody", album="One").read_bytes()
    (music / "source.ogg").unlink()
    for number in range(FILES):
        folder = music / ("a" if number < FILES // 2 else "b")
        folder.mkdir(exist_ok=True)
        (folder / f"{number:02}.ogg").write_bytes(source)
    running = Stack(music, tmp_path_factory.mktemp("data"))
    running.scan()
    yield running
    running.stop()


def rows(running: Stack, columns: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(running.data / "library.db") as database:
        return database.execute(f"SELECT {columns} FROM tracks ORDER BY id").fetchall()


def forget_titles(running: Stack) -> None:
    """Change what is stored of each file, so that it shows whether the file was read again."""
    with sqlite3.connect(running.data / "library.db") as database:
        database.execute("UPDATE tracks SET title = 'forgotten'")


def test_a_full_scan_reads_unchanged_files_and_analyses_none(running: Stack) -> None:
    before = rows(running, "id, path, added_at, analysed")
    forget_titles(running)
    assert json.loads(running.cli("scan", "--wait", "--json").stdout)["files"] == FILES
    assert {title for (title,) in rows(running, "title")} == {"forgotten"}
    full = json.loads(running.cli("scan", "--full", "--wait", "--json").stdout)
    assert {title for (title,) in rows(running, "title")} == {"A title"}
    assert rows(running, "id, path, added_at, analysed") == before
    session = running.get(f"/api/scan-sessions/{full['session_id']}")
    assert (session["full"], session["files_changed"], session["unchanged"]) == (True, FILES, 0)
    assert (session["library"]["vectors"], session["progress"]["library_vectors_waiting"]) == (FILES, 0)


def test_a_full_scan_of_one_folder_reads_only_that(running: Stack) -> None:
    forget_titles(running)
    body = {"full": True, "folders": [str(running.music / "a")]}
    session_id = httpx.post(f"{running.url}/api/scan", json=body).json()["session_id"]
    wait_until(lambda: running.get(f"/api/scan-sessions/{session_id}")["status"] == "completed")
    assert [title for (title,) in rows(running, "title")].count("A title") == FILES // 2


def test_a_full_scan_that_was_interrupted_reads_no_file_twice(running: Stack) -> None:
    session_id = httpx.post(f"{running.url}/api/scan", json={"full": True}).json()["session_id"]
    state = f"/api/scan-sessions/{session_id}"
    wait_until(lambda: running.get(state)["status"] == "completed")
    forget_titles(running)
    # As after a crash: half of the files were read by this session, and its discovery has not ended.
    with sqlite3.connect(running.data / "library.db") as database:
        database.execute("UPDATE scan_sessions SET status = 'paused', discovered = 0 WHERE id = ?", (session_id,))
        database.execute("DELETE FROM batches WHERE session_id = ?", (session_id,))
        database.execute("UPDATE tracks SET read_session_id = 1 WHERE path LIKE '%/b/%'")
    assert httpx.post(f"{running.url}{state}/resume").status_code == 200
    wait_until(lambda: running.get(state)["status"] == "completed")
    assert running.get(state)["files_changed"] == FILES // 2
    titles = rows(running, "path LIKE '%/b/%', title")
    assert {title for is_read, title in titles if is_read} == {"A title"}
    assert {title for is_read, title in titles if not is_read} == {"forgotten"}


def test_a_scan_that_runs_is_not_joined_by_a_full_one(running: Stack) -> None:
    with running.frozen("worker"):
        session_id = httpx.post(f"{running.url}/api/scan").json()["session_id"]
        refused = running.cli("scan", "--full", check=False)
        assert (refused.returncode, "is running" in refused.stderr) == (1, True)
    wait_until(lambda: running.get(f"/api/scan-sessions/{session_id}")["status"] == "completed")
