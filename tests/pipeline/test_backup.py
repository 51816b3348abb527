"""A backup of a running appliance, and what it brings back elsewhere: by the real programs, over real music."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from soniquebay.backup import manifest
from tests.support.audio_files import png, tone
from tests.support.rows import all_rows
from tests.support.stack import Stack, wait_until

DATABASES = ("library.db", "listeners.db")
OWNER = {"name": "Ada", "password": "correct horse"}
SONGS = 12


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for n in range(SONGS):
        album = folder / f"Album {n // 4}"
        album.mkdir(exist_ok=True)
        (album / "folder.png").write_bytes(png((20 * n, 0, 0)))
        tone(album / f"{n}.ogg", frequency=200 + 20 * n, title=f"Song {n}", artist="A", album=album.name)
    return folder


@pytest.fixture
def stack(music: Path, tmp_path: Path) -> Iterator[Stack]:
    """Give a scanned stack with an owner."""
    running = Stack(music, tmp_path / "data", login=True)
    try:
        link = next(line for line in running.output if "Make it yours: " in line)
        code = link.strip().partition("code=")[2]
        assert httpx.post(f"{running.url}/api/claim", json={"code": code, **OWNER}).status_code == 201
        running.cli("scan", "--wait-vectors", control=True)
        wait_until(running.pictures_are_found)
        yield running
    finally:
        running.stop()


def signed_in(stack: Stack) -> httpx.Client:
    client = httpx.Client(base_url=stack.url, timeout=30)
    client.post("/api/sign-in", json=OWNER).raise_for_status()
    return client


def rows_of(folder: Path) -> dict[str, Any]:
    return {name: all_rows(folder / name) for name in DATABASES}


def test_another_machine_has_every_row_and_all_that_its_owner_kept(stack: Stack, tmp_path: Path) -> None:
    owner = signed_in(stack)
    track = owner.get("/api/tracks", params={"limit": 1}).json()["items"][0]
    assert owner.put(f"/api/stars/track/{track['id']}").status_code in {200, 204}
    app = owner.post("/api/account/app-passwords", json={"name": "Phone", "role": "listen"}).json()["password"]
    made = json.loads(stack.cli("library", "backup", "--json", control=True).stdout)
    (item,) = owner.get("/api/backups").json()["items"]
    assert (item["name"], item["reason"], item["tracks"], item["users"]) == (made["name"], "request", SONGS, 1)
    backup = stack.data / "backups" / made["name"]
    assert stack.stop() == 0
    # Nothing was written after it but what the API notes by itself.
    assert all_rows(backup / "library.db")["tracks"] == all_rows(stack.data / "library.db")["tracks"]
    stick = tmp_path / "stick"
    shutil.copytree(backup, stick / backup.name)

    other = tmp_path / "other"
    other.mkdir()
    done = stack.cli("library", "restore", "--yes", "--data", str(other), "--from", str(stick))
    assert "is restored" in done.stdout and done.stderr == ""
    assert rows_of(other) == rows_of(backup)
    assert stack.cli("library", "check", "--data", str(other)).returncode == 0

    elsewhere = Stack(stack.music, other, login=True)
    try:
        client = signed_in(elsewhere)
        assert [starred["id"] for starred in client.get("/api/marks/track").json()["tracks"]] == [track["id"]]
        with_app = httpx.get(f"{elsewhere.url}/api/tracks", headers={"Authorization": f"Bearer {app}"})
        assert with_app.json()["total"] == SONGS
        # The covers stayed on the old card: they are searched again.
        for album in client.get("/api/albums").json()["items"]:
            wait_until(lambda i=album["id"]: client.get(f"/api/covers/album/{i}").status_code == 200)
        assert client.get("/api/search", params={"q": "song 7"}).json()["items"][0]["title"] == "Song 7"
        assert client.get(f"/api/tracks/{track['id']}/similar").status_code == 200
        scan = json.loads(elsewhere.cli("scan", "--wait-vectors", "--json", control=True).stdout)
        assert (scan["tracks"], scan["missing"], scan["failures"]) == (SONGS, 0, 0)
    finally:
        assert elsewhere.stop() == 0


def test_the_api_killed_in_the_midst_of_a_backup_leaves_the_older_one(stack: Stack) -> None:
    owner = signed_in(stack)
    stack.cli("library", "backup", control=True)
    folder = stack.data / "backups"
    (older,) = manifest.backups_in(folder)
    before = {path.name: path.read_bytes() for path in older.folder.iterdir()}
    api = stack.program("api")
    assert owner.post("/api/backups").status_code == 202
    deadline = time.monotonic() + 20
    while not list(folder.glob("*.partial")):
        assert time.monotonic() < deadline
    os.kill(api, signal.SIGKILL)
    stack.process.wait(60)  # `serve` ends with its programs
    left = list(folder.glob("*.partial"))
    assert {path.name: path.read_bytes() for path in older.folder.iterdir()} == before
    assert len(manifest.backups_in(folder)) + len(left) == 2
    again = Stack(stack.music, stack.data, login=True)
    try:
        again.cli("library", "backup", control=True)
    finally:
        assert again.stop() == 0
    assert not list(folder.glob("*.partial"))
    assert manifest.backups_in(folder)[0].sequence in {2, 3}


def test_no_backup_is_made_by_the_api_while_it_scans(stack: Stack) -> None:
    owner = signed_in(stack)
    with stack.frozen("worker"):
        stack.cli("scan", "--full", control=True)
        refused = stack.cli("library", "backup", control=True, check=False)
        assert refused.returncode == 1
        assert refused.stderr.strip() == "Error: a scan is running: try it again when that has ended"
        # Who insists makes one by the files: it is one moment of the databases.
        done = stack.cli("library", "backup", "--data", str(stack.data))
        assert done.returncode == 0
    newest = manifest.backups_in(stack.data / "backups")[0].manifest
    assert newest is not None
    assert newest.rows["library.db"]["tracks"] == SONGS
    assert owner.get("/api/health").json()["warnings"] == []
