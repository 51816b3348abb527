"""A library that changes: moved, deleted and returned files, empty roots, paused scans."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from soniquebay.library.database import open_read_only
from tests.support.audio_files import tag, tone
from tests.support.stack import Stack, wait_until


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    for number in range(4):
        path = first / "Album" / f"{number}.flac"
        path.parent.mkdir(exist_ok=True)
        tone(path, seconds=1, frequency=200 + 90 * number, title=f"Song {number}", artist="A", album="X")
    tone(second / "other.ogg", seconds=1, title="Other", artist="B", album="Y")
    return first, second


@pytest.fixture(scope="module")
def running(roots: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(roots, tmp_path_factory.mktemp("data"))
    stack.scan()
    yield stack
    assert stack.stop() == 0


def scan(stack: Stack, *arguments: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(stack.cli("scan", "--wait", "--json", *arguments).stdout)
    return result


def ids(stack: Stack) -> dict[str, int]:
    return {title: track["id"] for title, track in stack.tracks().items()}


def test_a_renamed_file_keeps_its_id_and_its_vector(running: Stack, roots: tuple[Path, Path]) -> None:
    before = ids(running)
    (roots[0] / "Album").rename(roots[0] / "Renamed")
    (roots[0] / "Renamed" / "0.flac").rename(roots[1] / "moved.flac")
    result = scan(running)
    assert (result["moved"], result["missing"], result["tracks"]) == (4, 0, 5)
    assert ids(running) == before
    track = running.tracks()["Song 0"]
    assert track["path"].endswith("/moved.flac")
    assert track["has_vector"]
    assert running.get("/api/scan-sessions")["items"][0]["files_changed"] == 4
    assert running.get("/api/search", q="song 0")["total"] == 1


def test_a_retagged_file_is_found_although_its_folder_is_unchanged(running: Stack, roots: tuple[Path, Path]) -> None:
    folder = roots[0] / "Renamed"
    before, times = ids(running), (folder.stat().st_atime_ns, folder.stat().st_mtime_ns)
    tag(folder / "1.flac", title="Song one")
    os.utime(folder, ns=times)
    scan(running)
    assert ids(running)["Song one"] == before["Song 1"]


def test_a_deleted_file_is_missing_and_returns_unchanged(running: Stack, roots: tuple[Path, Path]) -> None:
    before = ids(running)
    file, aside = roots[0] / "Renamed" / "2.flac", roots[0].parent / "aside.flac"
    file.rename(aside)
    assert scan(running)["missing"] == 1
    assert "Song 2" not in ids(running)
    assert running.get("/api/search", q="song 2")["total"] == 0
    neighbours = running.get(f"/api/tracks/{before['Other']}/similar")["items"]
    assert before["Song 2"] not in {track["id"] for track in neighbours}
    assert [t["title"] for t in running.get("/api/tracks", missing=True)["items"]] == ["Song 2"]
    aside.rename(file)
    assert scan(running)["files"] == 5
    assert ids(running) == before
    assert running.get("/api/scan-sessions")["items"][0]["files_changed"] == 0


def test_an_unplugged_root_is_protected_until_the_removal_is_confirmed(
    running: Stack, roots: tuple[Path, Path]
) -> None:
    before = ids(running)
    unplugged = roots[1].with_name("unplugged")
    roots[1].rename(unplugged)
    answer = running.cli("scan", "--wait")
    assert "--confirm-removal" in answer.stdout
    assert ids(running) == before
    roots[1].mkdir()  # an empty mount point
    assert (scan(running)["protected"], ids(running)) == (2, before)
    assert (scan(running, "--confirm-removal")["missing"], len(ids(running))) == (2, 3)
    roots[1].rmdir()
    unplugged.rename(roots[1])
    scan(running)
    assert ids(running) == before


def test_a_single_folder_can_be_scanned(running: Stack, roots: tuple[Path, Path]) -> None:
    (roots[0] / "New").mkdir()
    shutil.copy(roots[0] / "Renamed" / "3.flac", roots[0] / "New" / "copy.flac")
    tag(roots[0] / "New" / "copy.flac", title="Fresh")
    (roots[1] / "other.ogg").rename(roots[1] / "unseen.ogg")
    result = scan(running, str(roots[0] / "New"))
    assert (result["files"], result["missing"]) == (1, 0)
    assert {"Fresh", "Other"} <= ids(running).keys()
    (roots[0] / "New" / "copy.flac").unlink()
    assert scan(running, str(roots[0] / "New"))["missing"] == 1
    assert "Fresh" not in ids(running)
    refused = running.cli("scan", "/etc", check=False)
    assert (refused.returncode, "not a folder of the music" in refused.stderr) == (1, True)
    outside = httpx.post(f"{running.url}/api/scan", json={"folders": [f"{roots[0]}/../etc"]})
    assert outside.status_code == 422


def test_failures_of_a_scan_are_listed(running: Stack, roots: tuple[Path, Path]) -> None:
    assert running.cli("failures").stdout == ""
    broken = roots[0] / "a\x1b[2Jb.flac"
    broken.write_bytes(b"this was never music" * 5000)
    (roots[0] / "empty.mp3").touch()
    failed = scan(running)["session_id"]
    broken.unlink()
    (roots[0] / "empty.mp3").unlink()
    scan(running)
    assert running.cli("failures").stdout == ""
    first, second = running.cli("failures", str(failed)).stdout.splitlines()
    assert first.startswith(f"{roots[0]}/a\\x1b[2Jb.flac: ")  # control characters do not reach the terminal
    assert second.startswith(f"{roots[0]}/empty.mp3: ")
    listed = json.loads(running.cli("failures", "--json", str(failed)).stdout)
    assert (listed["session_id"], [Path(f["path"]).name for f in listed["failures"]]) == (
        failed,
        [broken.name, "empty.mp3"],
    )
    unknown = running.cli("failures", "4711", check=False)
    assert (unknown.returncode, "no scan session 4711" in unknown.stderr) == (1, True)


def test_the_end_of_a_discovery_after_the_session_changes_nothing(running: Stack, roots: tuple[Path, Path]) -> None:
    before = ids(running)
    ended = running.get("/api/scan-sessions")["items"][0]
    session_id = ended["id"]
    root = str(roots[0])
    socket = running.environment()["SONIQUEBAY_API_SOCKET"]
    with httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://api") as api:
        url = f"/internal/sessions/{session_id}"
        unseen = {root: [track["path"] for track in running.tracks().values()]}
        assert api.post(f"{url}/known-files", json={"unseen": unseen}).status_code == 200
        end = {"unchanged": 7, "failures": [], "found": {root: 1}}
        assert api.post(f"{url}/discovered", json=end).status_code == 200
        assert api.post("/internal/sessions/999/known-files", json={"unseen": unseen}).status_code == 404
    assert ids(running) == before
    assert running.get("/api/scan-sessions")["items"][0] == ended


def test_missing_tracks_are_deleted_only_on_request(running: Stack) -> None:
    missing = [t["id"] for t in running.get("/api/tracks", missing=True)["items"]]
    assert missing
    socket = running.environment()["SONIQUEBAY_API_SOCKET"]
    with httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://api") as api:
        assert api.post("/internal/maintenance/purge", json={"missing_before": time.time()}).json() == {"sent": True}
    wait_until(lambda: running.get("/api/tracks", missing=True)["total"] == 0)
    assert httpx.get(f"{running.url}/api/tracks/{missing[0]}").status_code == 404
    assert httpx.post(f"{running.url}/internal/maintenance/purge", json={}).status_code == 403


# More than the batches that can be under way at once hold: a pause has to leave some.
MANY_FILES = 10_000
FEW_FILES = 1000


@pytest.fixture
def many(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """Start a stack with as many files as the test asks for."""
    (tmp_path / "music").mkdir()
    source = tone(tmp_path / "source.flac", seconds=1, title="x").read_bytes()
    for number in range(request.param):
        (tmp_path / "music" / f"{number:05}.flac").write_bytes(source)
    stack = Stack(tmp_path / "music", tmp_path / "data")
    yield stack
    stack.stop()


def query_number(stack: Stack, query: str) -> int:
    with open_read_only(stack.data / "library.db") as db:
        return int(db.execute(query).fetchone()[0])


def session(stack: Stack, session_id: int) -> dict[str, Any]:
    result: dict[str, Any] = stack.get(f"/api/scan-sessions/{session_id}")
    return result


@pytest.mark.slow
@pytest.mark.parametrize("many", [MANY_FILES], indirect=True)
def test_a_scan_is_paused_resumed_and_cancelled(many: Stack) -> None:
    first = httpx.post(f"{many.url}/api/scan").json()["session_id"]
    wait_until(lambda: query_number(many, "SELECT count(*) FROM tracks"))
    assert httpx.post(f"{many.url}/api/scan-sessions/{first}/pause").json()["status"] == "paused"
    # Tasks that had begun when it was paused are finished.
    track_count = lambda: session(many, first)["library"]["tracks"]  # noqa: E731
    wait_until(lambda: track_count() == (time.sleep(3), track_count())[1], 60)
    paused = session(many, first)
    assert (paused["status"], paused["progress"]["phase"]) == ("paused", "paused")
    assert paused["library"]["tracks"] < MANY_FILES
    refused = httpx.post(f"{many.url}/api/scan")
    assert (refused.status_code, refused.json()["status"]) == (409, "paused")
    assert many.cli("pause", check=False).returncode == 1
    assert httpx.post(f"{many.url}/api/scan-sessions/{first}/resume").json()["status"] == "running"
    wait_until(lambda: session(many, first)["status"] == "completed", 180)
    assert session(many, first)["library"]["tracks"] == MANY_FILES
    assert httpx.post(f"{many.url}/api/scan-sessions/{first}/cancel").status_code == 409
    assert "no scan is running or paused" in many.cli("cancel", check=False).stderr

    for path in many.music.iterdir():
        os.utime(path)
    second = httpx.post(f"{many.url}/api/scan").json()["session_id"]
    in_second = "SELECT count(*) FROM tracks WHERE read_session_id = 2"
    wait_until(lambda: query_number(many, in_second))
    assert httpx.post(f"{many.url}/api/scan-sessions/{second}/cancel").json()["status"] == "cancelled"
    ended = session(many, second)
    assert (ended["status"], ended["progress"]["percent"]) == ("cancelled", 100.0)
    assert ended["library"]["tracks"] == MANY_FILES
    # The batches of tasks that had begun are no longer inserted.
    inserted = query_number(many, in_second)
    time.sleep(2)
    assert (second, query_number(many, in_second)) == (2, inserted)
    assert query_number(many, "SELECT count(*) FROM batches WHERE done_at IS NULL") == 0
    third = httpx.post(f"{many.url}/api/scan").json()["session_id"]
    wait_until(lambda: session(many, third)["status"] == "completed", 180)
    assert session(many, third)["unchanged"] < MANY_FILES

    with many.frozen("worker"):
        fourth = httpx.post(f"{many.url}/api/scan").json()["session_id"]
        assert many.cli("pause").stdout == f"scan session {fourth} is paused\n"
        assert many.cli("scan", check=False).returncode == 1
        assert many.cli("resume").stdout == f"scan session {fourth} is running\n"
        assert many.cli("cancel").stdout == f"scan session {fourth} is cancelled\n"


@pytest.mark.slow
@pytest.mark.parametrize("many", [FEW_FILES], indirect=True)
def test_the_percentage_only_grows_over_all_stages(many: Stack) -> None:
    shown: list[dict[str, Any]] = []
    session_id = None
    with httpx.stream("GET", f"{many.url}/api/events", timeout=60) as response:
        for line in response.iter_lines():
            if session_id is None:
                session_id = httpx.post(f"{many.url}/api/scan").json()["session_id"]
            if line.startswith("data: "):
                shown.append(json.loads(line.removeprefix("data: ")))
                if shown[-1]["phase"] == "analysing" and shown[-1]["vectors_waiting"] < FEW_FILES - 50:
                    break
    percent = [event["percent"] for event in shown if event["session_id"] == session_id]
    assert percent == sorted(percent)
    assert percent[0] == 0.0
    assert 1 < percent[-1] < 100
    assert shown[-1]["seconds_left"] > 0
