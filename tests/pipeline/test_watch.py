"""Music that is copied to a watched folder is scanned by itself, and music that is removed becomes missing."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.audio_files import png, tone
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow

TIMEOUT_SECONDS = 20.0  # a change has to be scanned within a minute


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tone(tmp_path_factory.mktemp("song") / "song.ogg", title="Watched", artist="Somebody", album="One")
    os.utime(file, (1e9, 1e9))  # a hard link to a file that was written long ago is complete
    return file


StartStack = Callable[..., Stack]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture
def start(music: Path, tmp_path: Path) -> Iterator[StartStack]:
    stacks = []

    def start_stack(**settings: str) -> Stack:
        stacks.append(Stack(music, tmp_path / "data", **{"SONIQUEBAY_WATCH": "on", **settings}))
        wait_until(lambda: watch(stacks[-1])["ready"] or watch(stacks[-1])["watch"] == "off")
        return stacks[-1]

    yield start_stack
    for stack in stacks:
        stack.stop()


def watch(stack: Stack) -> dict[str, Any]:
    answer: dict[str, Any] = stack.get("/api/watch")
    return answer


def scans(stack: Stack) -> list[dict[str, Any]]:
    """Return the scans so far, the first one first."""
    items: list[dict[str, Any]] = stack.get("/api/scan-sessions")["items"]
    return items[::-1]


def count_songs(stack: Stack) -> int:
    return int(stack.get("/api/search", q="watched")["total"])


def is_scanned(stack: Stack) -> bool:
    """Return whether every change was scanned."""
    return watch(stack)["waiting"] == 0 and all(scan["status"] == "completed" for scan in scans(stack))


def test_copied_moved_and_deleted_files_are_scanned(start: StartStack, music: Path, song: Path) -> None:
    stack = start()
    shutil.copy(song, music / "a.ogg")
    wait_until(lambda: count_songs(stack) == 1, TIMEOUT_SECONDS)
    # Several new folders, one inside the other.
    (music / "new" / "er").mkdir(parents=True)
    for number in range(5):
        shutil.copy(song, music / "new" / "er" / f"{number}.ogg")
    wait_until(lambda: count_songs(stack) == 6, TIMEOUT_SECONDS)
    wait_until(lambda: is_scanned(stack), TIMEOUT_SECONDS)
    before = {track["id"] for track in stack.get("/api/tracks")["items"]}
    (music / "new").rename(music / "old")
    wait_until(
        lambda: all("/new/" not in track["path"] for track in stack.get("/api/tracks")["items"]), TIMEOUT_SECONDS
    )
    wait_until(lambda: is_scanned(stack), TIMEOUT_SECONDS)
    assert {track["id"] for track in stack.get("/api/tracks")["items"]} == before
    shutil.rmtree(music / "old")
    wait_until(lambda: count_songs(stack) == 1, TIMEOUT_SECONDS)
    assert stack.get(f"/api/scan-sessions/{scans(stack)[-1]['id']}")["library"]["missing"] == 5
    assert all(scan["failures"] == 0 for scan in scans(stack))
    assert all(scan["folders"] for scan in scans(stack))


def test_a_file_that_is_written_slowly_is_scanned_once_it_is_complete(
    start: StartStack, music: Path, song: Path
) -> None:
    stack = start()
    data = song.read_bytes()
    (music / "slow").mkdir()
    with (music / "slow" / "slow.ogg").open("wb", buffering=0) as file:
        for part in range(8):
            file.write(data[part * len(data) // 8 : (part + 1) * len(data) // 8])
            time.sleep(1)
            assert scans(stack) == []
    wait_until(lambda: count_songs(stack) == 1, TIMEOUT_SECONDS)
    time.sleep(4)
    assert [scan["failures"] for scan in scans(stack)] == [0]


def test_many_changes_at_once_make_few_scans(start: StartStack, music: Path, song: Path) -> None:
    stack = start()
    for folder in range(30):
        (music / f"{folder}").mkdir()
        for number in range(10):
            os.link(song, music / f"{folder}" / f"{number}.part")
            (music / f"{folder}" / f"{number}.part").rename(music / f"{folder}" / f"{number}.ogg")
        time.sleep(0.2)
    assert scans(stack) == []  # not before the changes have ended
    wait_until(lambda: count_songs(stack) == 300, 60)
    wait_until(lambda: is_scanned(stack), TIMEOUT_SECONDS)
    assert len(scans(stack)) <= 2


def test_no_scan_starts_while_another_one_is_paused(start: StartStack, music: Path, song: Path) -> None:
    stack = start()
    with stack.frozen("worker"):
        session = httpx.post(f"{stack.url}/api/scan").json()["session_id"]
        assert httpx.post(f"{stack.url}/api/scan-sessions/{session}/pause").status_code == 200
    shutil.copy(song, music / "a.ogg")
    wait_until(lambda: watch(stack)["waiting"] == 1, TIMEOUT_SECONDS)
    time.sleep(6)
    assert [(scan["id"], scan["status"]) for scan in scans(stack)] == [(session, "paused")]
    assert watch(stack)["waiting"] == 1
    assert httpx.post(f"{stack.url}/api/scan-sessions/{session}/resume").status_code == 200
    wait_until(lambda: count_songs(stack) == 1 and is_scanned(stack), TIMEOUT_SECONDS)


def test_a_change_is_not_scanned_again_after_a_scan_by_hand(start: StartStack, music: Path, song: Path) -> None:
    stack = start()
    shutil.copy(song, music / "a.ogg")
    wait_until(lambda: watch(stack)["waiting"] == 1, TIMEOUT_SECONDS)
    stack.cli("scan", "--wait")
    wait_until(lambda: is_scanned(stack), TIMEOUT_SECONDS)
    assert (count_songs(stack), len(scans(stack))) == (1, 1)


def test_a_new_cover_file_becomes_the_cover(start: StartStack, music: Path, song: Path) -> None:
    stack = start()
    shutil.copy(song, music / "a.ogg")
    wait_until(lambda: count_songs(stack) == 1, TIMEOUT_SECONDS)
    database = sqlite3.connect(stack.data / "library.db")
    wait_until(lambda: database.execute("SELECT cover_checked FROM albums").fetchone() == (1,), TIMEOUT_SECONDS)
    database.close()
    (music / "folder.jpg").write_bytes(png())
    album = stack.get("/api/albums")["items"][0]["id"]
    wait_until(lambda: httpx.get(f"{stack.url}/api/covers/album/{album}").status_code == 200, TIMEOUT_SECONDS)
    assert len(scans(stack)) == 1


def test_an_ignore_file_that_comes_changes_or_goes_is_followed(start: StartStack, music: Path, song: Path) -> None:
    (music / "a" / "b").mkdir(parents=True)
    for name in ("x.ogg", "a/x.ogg", "a/b/x.ogg"):
        shutil.copy(song, music / name)
    stack = start()
    stack.scan()
    before = {track["id"] for track in stack.get("/api/tracks")["items"]}
    (music / "a" / ".nomedia").touch()
    wait_until(lambda: count_songs(stack) == 1, TIMEOUT_SECONDS)
    (music / "a" / ".nomedia").rename(music / "a" / ".soniquebayignore")
    (music / "a" / ".soniquebayignore").write_text("/x.ogg\n")
    wait_until(lambda: count_songs(stack) == 2, TIMEOUT_SECONDS)
    (music / "a" / ".soniquebayignore").unlink()
    wait_until(lambda: count_songs(stack) == 3, TIMEOUT_SECONDS)
    assert {track["id"] for track in stack.get("/api/tracks")["items"]} == before
    assert all(scan["folders"] == [str(music / "a")] for scan in scans(stack)[1:])


def test_nothing_is_scanned_when_watching_is_off(start: StartStack, music: Path, song: Path) -> None:
    stack = start(SONIQUEBAY_WATCH="off", SONIQUEBAY_POLL_MINUTES="0.01")
    shutil.copy(song, music / "a.ogg")
    time.sleep(8)
    assert scans(stack) == []
    assert watch(stack) == {"watch": "off", "ready": False, "waiting": 0, "roots": []}


@pytest.mark.long
def test_a_polled_root_is_scanned_regularly(start: StartStack, music: Path, song: Path) -> None:
    stack = start(SONIQUEBAY_WATCH="poll", SONIQUEBAY_POLL_MINUTES="0.05")
    assert [root["mode"] for root in watch(stack)["roots"]] == ["poll"]
    shutil.copy(song, music / "a.ogg")
    wait_until(lambda: count_songs(stack) == 1, TIMEOUT_SECONDS)
    wait_until(lambda: len(scans(stack)) >= 3, TIMEOUT_SECONDS)
    (music / "a.ogg").unlink()
    (music / "b.ogg").touch()  # an empty root would count as an unplugged drive
    wait_until(lambda: count_songs(stack) == 0, TIMEOUT_SECONDS)


def test_a_root_is_scanned_when_it_appears(start: StartStack, music: Path, song: Path, tmp_path: Path) -> None:
    stack = start()
    music.rename(tmp_path / "unplugged")
    wait_until(lambda: [root["mode"] for root in watch(stack)["roots"]] == ["absent"], TIMEOUT_SECONDS)
    wait_until(lambda: len(scans(stack)) == 1 and is_scanned(stack), TIMEOUT_SECONDS)  # of an absent root
    shutil.copy(song, tmp_path / "unplugged" / "a.ogg")
    (tmp_path / "unplugged").rename(music)
    wait_until(lambda: count_songs(stack) == 1, TIMEOUT_SECONDS)


def test_tracks_of_a_drive_that_was_unplugged_before_a_scan_are_protected(tmp_path: Path, song: Path) -> None:
    roots = [tmp_path / "disk", tmp_path / "other"]
    for root in roots:
        (root / "album").mkdir(parents=True)
        shutil.copy(song, root / "album" / "a.ogg")
    stack = Stack(roots, tmp_path / "data")
    try:
        stack.cli("scan", "--wait")
        assert count_songs(stack) == 2
        roots[0].rename(tmp_path / "unplugged")
        httpx.post(f"{stack.url}/api/scan", json={"folders": [str(roots[0] / "album")]}).raise_for_status()
        wait_until(lambda: is_scanned(stack), TIMEOUT_SECONDS)
        scan = scans(stack)[-1]
        assert (scan["missing"], scan["protected"], scan["failures"], count_songs(stack)) == (0, 1, 0, 2)
    finally:
        stack.stop()


def test_changes_from_before_the_start_are_scanned_at_the_start(start: StartStack, music: Path, song: Path) -> None:
    shutil.copy(song, music / "before.ogg")
    stack = start()
    assert scans(stack) == []  # watching scans nothing before the first scan
    stack.scan()
    stack.stop()
    shutil.move(music / "before.ogg", music / "moved.ogg")
    shutil.copy(song, music / "meanwhile.ogg")
    restarted = start()
    wait_until(lambda: count_songs(restarted) == 2, TIMEOUT_SECONDS)
    assert {Path(track["path"]).name for track in restarted.get("/api/tracks")["items"]} == {
        "moved.ogg",
        "meanwhile.ogg",
    }
