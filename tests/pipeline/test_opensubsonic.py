"""The OpenSubsonic API of a stack as it is shipped: an app signs in, copies the library, plays and reports plays."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

OWNER = {"name": "Ada", "password": "correct horse"}
NAMESPACE = "{http://subsonic.org/restapi}"
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for number in range(1, 4):
        path = folder / "Band" / "Record" / f"{number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        tone(path, seconds=4, title=f"Song {number}", artist="Band", album="Record", frequency=220 * number)
    return folder


@pytest.fixture(scope="module")
def stack(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(music, tmp_path_factory.mktemp("data"), login=True)
    running.cli("scan", "--wait-vectors", control=True)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def password(stack: Stack) -> str:
    link = next(line for line in stack.output if "Make it yours: " in line).split(": ", 1)[1].strip()
    code = link.partition("code=")[2]
    with httpx.Client(base_url=stack.url, timeout=30) as owner:
        assert owner.post("/api/claim", json={"code": code, **OWNER}).status_code == 201
        made = owner.post("/api/account/app-passwords", json={"name": "player", "role": "manage"})
        return str(made.json()["password"])


@pytest.fixture(scope="module")
def call(stack: Stack, password: str) -> Call:
    def send(method: str, **parameters: Any) -> Any:
        salt = hashlib.sha256(repr(parameters).encode()).hexdigest()[:8]
        token = hashlib.md5((password + salt).encode()).hexdigest()  # noqa: S324 - as the API has it
        given = {"u": "Ada", "t": token, "s": salt, "v": "1.16.1", "c": "player", "f": "json", **parameters}
        answer = httpx.post(f"{stack.url}/rest/{method}.view", data=given, timeout=30)
        assert answer.status_code == 200, answer.text
        content = answer.json()["subsonic-response"]
        assert content["status"] == "ok", content
        return content

    return send


def test_an_app_copies_the_library(stack: Stack, password: str, call: Call, music: Path) -> None:
    found = call("search3", query="", songCount=500, albumCount=500, artistCount=500)["searchResult3"]
    assert [song["title"] for song in found["song"]] == [f"Song {n}" for n in range(1, 4)]
    assert [element["name"] for element in found["album"] + found["artist"]] == ["Record", "Band"]
    assert {song["path"] for song in found["song"]} == {f"Band/Record/{n}.flac" for n in range(1, 4)}
    xml = httpx.get(f"{stack.url}/rest/getAlbumList2", params={"type": "newest", "apiKey": password})
    assert str(music) not in xml.text
    root = ElementTree.fromstring(xml.content)  # noqa: S314 - our own
    [album] = root.iter(f"{NAMESPACE}album")
    assert (album.attrib["name"], album.attrib["songCount"]) == ("Record", "3")
    wrong = httpx.get(f"{stack.url}/rest/ping", params={"u": "Ada", "p": OWNER["password"]})
    assert 'code="40"' in wrong.text


def test_an_app_plays_and_reports(stack: Stack, password: str, call: Call, music: Path) -> None:
    song = call("search3", query="Song 2")["searchResult3"]["song"][0]
    given = {"apiKey": password, "id": song["id"]}
    assert httpx.get(f"{stack.url}/rest/stream", params=given).content == (music / song["path"]).read_bytes()
    opus = httpx.get(f"{stack.url}/rest/stream", params={**given, "format": "opus"}, timeout=60)
    assert opus.content[:4] == b"OggS"
    assert call("getSong", id=song["id"])["song"]["playCount"] == 0
    call("scrobble", id=song["id"])
    assert call("getSong", id=song["id"])["song"]["playCount"] == 1
    made = call("createPlaylist", name="Mix", songId=song["id"])["playlist"]
    assert call("getPlaylist", id=made["id"])["playlist"]["entry"][0]["title"] == "Song 2"


def test_similar_songs_come_from_the_sound(call: Call) -> None:
    first, _, last = call("search3", query="Record")["searchResult3"]["song"]
    similar = call("getSonicSimilarTracks", id=first["id"])["sonicMatch"]
    assert len(similar) == 2
    path = call("findSonicPath", startSongId=first["id"], endSongId=last["id"])["sonicMatch"]
    assert [match["entry"]["id"] for match in (path[0], path[-1])] == [first["id"], last["id"]]


def test_an_app_starts_a_scan(call: Call, music: Path) -> None:
    tone(music / "new.flac", seconds=1, title="New", artist="Band")
    assert call("startScan")["scanStatus"]["scanning"] is True
    wait_until(lambda: call("getScanStatus")["scanStatus"] == {"scanning": False, "count": 4})
