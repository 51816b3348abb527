"""Music that is copied in shows up by itself, and what is taken away goes."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.audio_files import png, tone
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.slow

WITHIN = 20.0  # seconds, of the minute that is promised


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tone(tmp_path_factory.mktemp("song") / "song.ogg", title="Watched", artist="Somebody", album="One")
    os.utime(file, (1e9, 1e9))  # a link to it is no file that somebody may be writing
    return file


Start = Callable[..., Stack]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture
def start(music: Path, tmp_path: Path) -> Iterator[Start]:
    stacks = []

    def started(**settings: str) -> Stack:
        stacks.append(Stack(music, tmp_path / "data", **{"SONIQUEBAY_WATCH": "on", **settings}))
        wait_until(lambda: watch(stacks[-1])["ready"] or watch(stacks[-1])["watch"] == "off")
        return stacks[-1]

    yield started
    for stack in stacks:
        stack.stop()


def watch(stack: Stack) -> dict[str, Any]:
    answer: dict[str, Any] = stack.get("/api/watch")
    return answer


def scans(stack: Stack) -> list[dict[str, Any]]:
    """Return the scans so far, the first one first."""
    items: list[dict[str, Any]] = stack.get("/api/scan-sessions")["items"]
    return items[::-1]


def found(stack: Stack) -> int:
    return int(stack.get("/api/search", q="watched")["total"])


def at_rest(stack: Stack) -> bool:
    """Tell whether all that changed was scanned."""
    return watch(stack)["waiting"] == 0 and all(scan["status"] == "completed" for scan in scans(stack))


def test_a_file_shows_up_moves_and_goes_by_itself(start: Start, music: Path, song: Path) -> None:
    stack = start()
    shutil.copy(song, music / "a.ogg")
    wait_until(lambda: found(stack) == 1, WITHIN)
    # A tree of folders at once, as a whole.
    (music / "new" / "er").mkdir(parents=True)
    for number in range(5):
        shutil.copy(song, music / "new" / "er" / f"{number}.ogg")
    wait_until(lambda: found(stack) == 6, WITHIN)
    wait_until(lambda: at_rest(stack), WITHIN)
    before = {track["id"] for track in stack.get("/api/tracks")["items"]}
    (music / "new").rename(music / "old")
    wait_until(lambda: all("/new/" not in track["path"] for track in stack.get("/api/tracks")["items"]), WITHIN)
    wait_until(lambda: at_rest(stack), WITHIN)
    assert {track["id"] for track in stack.get("/api/tracks")["items"]} == before
    shutil.rmtree(music / "old")
    wait_until(lambda: found(stack) == 1, WITHIN)
    assert stack.get(f"/api/scan-sessions/{scans(stack)[-1]['id']}")["library"]["missing"] == 5
    assert all(scan["failures"] == 0 for scan in scans(stack))
    assert all(scan["folders"] for scan in scans(stack))


def test_a_file_that_is_written_slowly_is_scanned_once_it_is_complete(start: Start, music: Path, song: Path) -> None:
    stack = start()
    data = song.read_bytes()
    (music / "slow").mkdir()
    with (music / "slow" / "slow.ogg").open("wb", buffering=0) as file:
        for part in range(8):
            file.write(data[part * len(data) // 8 : (part + 1) * len(data) // 8])
            time.sleep(1)
            assert scans(stack) == []
    wait_until(lambda: found(stack) == 1, WITHIN)
    time.sleep(4)
    assert [scan["failures"] for scan in scans(stack)] == [0]


def test_a_burst_makes_few_scans(start: Start, music: Path, song: Path) -> None:
    stack = start()
    for folder in range(30):
        (music / f"{folder}").mkdir()
        for number in range(10):
            os.link(song, music / f"{folder}" / f"{number}.part")
            (music / f"{folder}" / f"{number}.part").rename(music / f"{folder}" / f"{number}.ogg")
        time.sleep(0.2)
    assert scans(stack) == []  # none before it is over
    wait_until(lambda: found(stack) == 300, 60)
    wait_until(lambda: at_rest(stack), WITHIN)
    assert len(scans(stack)) <= 2


def test_nothing_is_started_while_a_scan_is_paused(start: Start, music: Path, song: Path) -> None:
    stack = start()
    with stack.frozen("worker"):
        session = httpx.post(f"{stack.url}/api/scan").json()["session_id"]
        assert httpx.post(f"{stack.url}/api/scan-sessions/{session}/pause").status_code == 200
    shutil.copy(song, music / "a.ogg")
    wait_until(lambda: watch(stack)["waiting"] == 1, WITHIN)
    time.sleep(6)
    assert [(scan["id"], scan["status"]) for scan in scans(stack)] == [(session, "paused")]
    assert watch(stack)["waiting"] == 1
    assert httpx.post(f"{stack.url}/api/scan-sessions/{session}/resume").status_code == 200
    wait_until(lambda: found(stack) == 1 and at_rest(stack), WITHIN)


def test_a_scan_by_hand_after_the_change_is_enough(start: Start, music: Path, song: Path) -> None:
    stack = start()
    shutil.copy(song, music / "a.ogg")
    wait_until(lambda: watch(stack)["waiting"] == 1, WITHIN)
    stack.cli("scan", "--wait")
    wait_until(lambda: at_rest(stack), WITHIN)
    assert (found(stack), len(scans(stack))) == (1, 1)


def test_a_picture_becomes_the_cover(start: Start, music: Path, song: Path) -> None:
    stack = start()
    shutil.copy(song, music / "a.ogg")
    wait_until(lambda: found(stack) == 1, WITHIN)
    database = sqlite3.connect(stack.data / "library.db")
    wait_until(lambda: database.execute("SELECT cover_checked FROM albums").fetchone() == (1,), WITHIN)
    database.close()
    (music / "folder.jpg").write_bytes(png())
    album = stack.get("/api/albums")["items"][0]["id"]
    wait_until(lambda: httpx.get(f"{stack.url}/api/covers/album/{album}").status_code == 200, WITHIN)
    assert len(scans(stack)) == 1


def test_off_means_off(start: Start, music: Path, song: Path) -> None:
    stack = start(SONIQUEBAY_WATCH="off", SONIQUEBAY_POLL_MINUTES="0.01")
    shutil.copy(song, music / "a.ogg")
    time.sleep(8)
    assert scans(stack) == []
    assert watch(stack) == {"watch": "off", "ready": False, "waiting": 0, "roots": []}


def test_what_tells_nothing_is_looked_at_now_and_then(start: Start, music: Path, song: Path) -> None:
    stack = start(SONIQUEBAY_WATCH="poll", SONIQUEBAY_POLL_MINUTES="0.05")
    assert [root["mode"] for root in watch(stack)["roots"]] == ["poll"]
    shutil.copy(song, music / "a.ogg")
    wait_until(lambda: found(stack) == 1, WITHIN)
    wait_until(lambda: len(scans(stack)) >= 3, WITHIN)
    (music / "a.ogg").unlink()
    (music / "b.ogg").touch()  # not an empty root, which would be a drive that is gone
    wait_until(lambda: found(stack) == 0, WITHIN)


def test_a_root_that_comes_later_is_scanned(start: Start, music: Path, song: Path, tmp_path: Path) -> None:
    stack = start()
    music.rename(tmp_path / "away")
    wait_until(lambda: [root["mode"] for root in watch(stack)["roots"]] == ["absent"], WITHIN)
    wait_until(lambda: len(scans(stack)) == 1 and at_rest(stack), WITHIN)  # of a root that is not there
    shutil.copy(song, tmp_path / "away" / "a.ogg")
    (tmp_path / "away").rename(music)
    wait_until(lambda: found(stack) == 1, WITHIN)


def test_a_drive_that_goes_before_its_changes_are_scanned_takes_nothing_with_it(tmp_path: Path, song: Path) -> None:
    roots = [tmp_path / "disk", tmp_path / "other"]
    for root in roots:
        (root / "album").mkdir(parents=True)
        shutil.copy(song, root / "album" / "a.ogg")
    stack = Stack(roots, tmp_path / "data")
    try:
        stack.cli("scan", "--wait")
        assert found(stack) == 2
        roots[0].rename(tmp_path / "away")
        httpx.post(f"{stack.url}/api/scan", json={"folders": [str(roots[0] / "album")]}).raise_for_status()
        wait_until(lambda: at_rest(stack), WITHIN)
        scan = scans(stack)[-1]
        assert (scan["missing"], scan["protected"], scan["failures"], found(stack)) == (0, 1, 0, 2)
    finally:
        stack.stop()


def test_what_changed_while_nothing_ran_is_found_at_the_start(start: Start, music: Path, song: Path) -> None:
    shutil.copy(song, music / "before.ogg")
    stack = start()
    assert scans(stack) == []  # a new appliance waits for its first scan
    stack.scan()
    stack.stop()
    shutil.move(music / "before.ogg", music / "moved.ogg")
    shutil.copy(song, music / "meanwhile.ogg")
    again = start()
    wait_until(lambda: found(again) == 2, WITHIN)
    assert {Path(track["path"]).name for track in again.get("/api/tracks")["items"]} == {"moved.ogg", "meanwhile.ogg"}
