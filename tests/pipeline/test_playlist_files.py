"""Playlist files beside the music: a real stack finds them, follows them, and shows their playlists to players."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

OWNER = {"name": "Ada", "password": "correct horse"}
TIMEOUT_SECONDS = 30.0


class Owner:
    """The owner of a stack, in a browser and by an app."""

    def __init__(self, stack: Stack) -> None:
        link = next(line for line in stack.output if "Make it yours: " in line).split(": ", 1)[1].strip()
        self.http = httpx.Client(base_url=stack.url, timeout=30)
        self.http.post("/api/claim", json={"code": link.partition("code=")[2], **OWNER}).raise_for_status()
        made = self.http.post("/api/account/app-passwords", json={"name": "player", "role": "listen"})
        self._key = made.json()["password"]

    def playlists(self) -> dict[str, Any]:
        return {playlist["name"]: playlist for playlist in self.http.get("/api/playlists").json()["items"]}

    def titles(self, name: str) -> list[str]:
        entries = self.http.get(f"/api/playlists/{self.playlists()[name]['id']}/entries").json()
        return [entry["title"] for entry in entries["items"]]

    def rest(self, method: str, **parameters: Any) -> Any:
        answer = httpx.get(f"{self.http.base_url}/rest/{method}", timeout=30, params={
            "apiKey": self._key, "v": "1.16.1", "c": "player", "f": "json", **parameters
        })  # fmt: skip
        return answer.json()["subsonic-response"]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for name in ("Band/One/1.ogg", "Band/One/2.ogg", "Band/Two/3.ogg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        title = f"Song {Path(name).stem}"
        tone(folder / name, title=title, artist="Band", album=Path(name).parent.name)
    return folder


def run(music: Path, data: Path, **settings: str) -> Iterator[Stack]:
    stack = Stack(music, data, login=True, **settings)
    yield stack
    assert stack.stop() == 0


@pytest.fixture
def stack(music: Path, tmp_path: Path) -> Iterator[Stack]:
    yield from run(music, tmp_path / "data")


@pytest.fixture
def watching(music: Path, tmp_path: Path) -> Iterator[Stack]:
    yield from run(music, tmp_path / "data", SONIQUEBAY_WATCH="on")


def scan(stack: Stack, *arguments: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(stack.cli("scan", "--wait", "--json", *arguments, control=True).stdout)
    return result


def test_playlists_follow_their_files(stack: Stack, music: Path, tmp_path: Path) -> None:
    lists = music / "Lists"
    lists.mkdir()
    (lists / "Party.m3u8").write_text("#EXTM3U\n../Band/Two/3.ogg\n../Band/One/1.ogg\n../Band/Late/4.ogg\n")
    (lists / "Ones.NSP").write_text('{"name": "All of One", /* two */ "all": [{"is": {"album": "One"}}]}')
    (lists / "broken.nsp").write_text("{")
    (lists / "binary.pls").write_bytes(b"ID3\0\0")
    (music / "Ignored").mkdir()
    (music / "Ignored" / "private.m3u").write_text("../Band/One/1.ogg\n")
    (music / "Ignored" / ".ndignore").write_text("*.m3u\n")
    first = scan(stack)
    failures = json.loads(stack.cli("failures", "--json", control=True).stdout)
    reasons = {Path(failed["path"]).name: failed["reason"] for failed in failures["failures"]}
    assert set(reasons) == {"broken.nsp", "binary.pls"}
    assert "JSON" in reasons["broken.nsp"]
    assert reasons["binary.pls"] == "is not used: it is not text"
    assert [told["reason"] for told in first["left_out"]] == ["ignored by .ndignore"]

    # The files were read before anybody was there to whom the playlists could belong.
    owner = Owner(stack)
    wait_until(lambda: set(owner.playlists()) == {"Party", "All of One"})
    assert owner.titles("Party") == ["Song 3", "Song 1"]
    assert sorted(owner.titles("All of One")) == ["Song 1", "Song 2"]
    party = owner.playlists()["Party"]
    assert (party["is_public"], party["path"], party["entry_count"]) == (True, str(lists / "Party.m3u8"), 2)
    shown = owner.rest("getPlaylist", id=f"pl-{party['id']}")["playlist"]
    assert [song["title"] for song in shown["entry"]] == ["Song 3", "Song 1"]
    assert (shown["readonly"], shown["owner"], shown["public"]) == (True, "Ada", True)
    assert owner.rest("deletePlaylist", id=f"pl-{party['id']}")["error"]["code"] == 50
    assert owner.http.delete(f"/api/playlists/{party['id']}").status_code == 403
    copied = owner.http.post(f"/api/playlists/{party['id']}/copy", json={"name": "Mine"})
    assert (copied.status_code, copied.json()["path"], owner.titles("Mine")) == (201, None, ["Song 3", "Song 1"])
    assert owner.http.delete(f"/api/playlists/{copied.json()['id']}").status_code == 204

    # The track of the third entry comes later, a track of another one is moved, and nobody touches the file.
    (music / "Band" / "Late").mkdir()
    tone(music / "Band" / "Late" / "4.ogg", title="Song 4", artist="Band", album="Late")
    shutil.move(music / "Band" / "One" / "1.ogg", music / "Band" / "Two" / "1.ogg")
    scan(stack)
    wait_until(lambda: owner.titles("Party") == ["Song 3", "Song 1", "Song 4"])
    assert owner.playlists()["Party"]["id"] == party["id"]

    (lists / "Party.m3u8").write_text("#PLAYLIST:Party!\n../Band/Late/4.ogg\n../Band/Two/3.ogg\n")
    (lists / "Ones.NSP").write_text('{"all": [{"is": {"album": "Late"}}]}')
    (lists / "broken.nsp").write_text('{"any": [{"is": {"title": "Song 2"}}]}')
    scan(stack)
    wait_until(lambda: set(owner.playlists()) == {"Party!", "Ones", "broken"})
    assert owner.playlists()["Party!"]["id"] == party["id"]
    assert owner.titles("Party!") == ["Song 4", "Song 3"]
    assert (owner.titles("Ones"), owner.titles("broken")) == (["Song 4"], ["Song 2"])


def test_an_unplugged_drive_takes_no_playlist_away_and_a_deleted_file_does(
    stack: Stack, music: Path, tmp_path: Path
) -> None:
    lists = music / "Lists"
    lists.mkdir()
    (lists / "First.m3u").write_text("../Band/One/1.ogg\n")
    (lists / "Second.pls").write_text("[playlist]\nFile1=../Band/One/1.ogg\n")
    owner = Owner(stack)
    scan(stack)
    wait_until(lambda: set(owner.playlists()) == {"First", "Second"})
    music.rename(tmp_path / "unplugged")
    music.mkdir()
    scan(stack)
    assert set(owner.playlists()) == {"First", "Second"}
    music.rmdir()
    (tmp_path / "unplugged").rename(music)
    (lists / "Second.pls").unlink()
    scan(stack, str(lists))
    assert set(owner.playlists()) == {"First"}
    shutil.rmtree(lists)
    scan(stack)
    assert owner.playlists() == {}


@pytest.mark.slow
def test_the_watch_notices_playlist_files(watching: Stack, music: Path) -> None:
    owner = Owner(watching)
    wait_until(lambda: watching_is_ready(owner))
    scan(watching)
    lists = music / "Lists"
    lists.mkdir()
    (lists / "Party.m3u").write_text("..\\Band\\One\\1.ogg\r\n")
    wait_until(lambda: "Party" in owner.playlists(), TIMEOUT_SECONDS)
    assert owner.titles("Party") == ["Song 1"]
    (lists / "Party.m3u").write_text("../Band/One/2.ogg\n")
    wait_until(lambda: owner.titles("Party") == ["Song 2"], TIMEOUT_SECONDS)
    (lists / "Party.m3u").rename(lists / "Other.M3U")
    wait_until(lambda: set(owner.playlists()) == {"Other"}, TIMEOUT_SECONDS)
    (lists / "Other.M3U").unlink()
    wait_until(lambda: owner.playlists() == {}, TIMEOUT_SECONDS)


def watching_is_ready(owner: Owner) -> bool:
    return bool(owner.http.get("/api/watch").json()["ready"])
