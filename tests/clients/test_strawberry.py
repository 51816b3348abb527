"""Strawberry, as Debian has it, against a stack as it is shipped.

`by_strawberry.py` presses its buttons; here stands what the server was asked, and what it knows afterwards.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from image.paths import ROOT
from tests.clients import desktop
from tests.clients.recorder import recorded
from tests.support.audio_files import tone
from tests.support.published_clients import PROGRAMS
from tests.support.stack import wait_until

LONG_SECONDS = 35  # Strawberry tells of a play after half a song, but not before 31 s
SHORT_SECONDS = 4

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="entering the root of the players needs root")


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for artist, album, color in (("Band", "Record", "red"), ("Other & Co", "Élan", "blue")):
        (folder / album).mkdir()
        Image.new("RGB", (600, 600), color).save(folder / album / "cover.jpg")
        for number, seconds in ((1, LONG_SECONDS), (2, SHORT_SECONDS)):
            tone(folder / album / f"{number}.flac", seconds, 110 * number, title=f"Song {number}", artist=artist,
                 album=album, track=str(number))  # fmt: skip
    return folder


def test_strawberry_plays(login: tuple[str, str, str], music: Path, tmp_path: Path) -> None:
    server, user, password = login
    root = desktop.ensure()
    folders = {tmp_path: "home", PROGRAMS: "clients"}
    with recorded(server) as (url, answers), httpx.Client(base_url=server, timeout=30) as asking:

        def ask(method: str, **parameters: str) -> dict[str, Any]:
            query = {"apiKey": password, "v": "1.16.1", "c": "test", "f": "json", **parameters}
            answer: dict[str, Any] = asking.get(f"/rest/{method}", params=query).json()["subsonic-response"]
            return answer

        words = ["python3", "/mnt/clients/by_strawberry.py", url, user, password]
        with subprocess.Popen(desktop.command(root, words, folders), stdout=subprocess.PIPE, text=True) as client:
            try:
                assert client.stdout is not None
                assert client.stdout.readline() == "playing\n"
                playing = wait_until(lambda: ask("getNowPlaying")["nowPlaying"].get("entry"))
                assert client.stdout.readline() == "played\n"
                first_part = list(answers)
                shown = json.loads(client.stdout.readline())
                wait_until(lambda: [answer for answer in answers if answer.status == 206])
            finally:
                client.kill()
        song = ask("getSong", id=playing[0]["id"])["song"]
        plays = ask("getAlbumList2", type="frequent")["albumList2"]["album"]

    assert [(entry["title"], entry["username"], entry["playerName"]) for entry in playing] == [
        ("Song 1", user, "Strawberry")
    ]
    assert shown["collection"] == [
        ["Band", "Record", "Song 1", 1, LONG_SECONDS, True],
        ["Band", "Record", "Song 2", 2, SHORT_SECONDS, True],
        ["Other & Co", "Élan", "Song 1", 1, LONG_SECONDS, True],
        ["Other & Co", "Élan", "Song 2", 2, SHORT_SECONDS, True],
    ]
    assert {answer.method for answer in answers} == {
        *("getAlbumList2", "getAlbum", "getCoverArt", "scrobble", "stream")
    }
    assert all({"t", "s"} <= set(answer.parameters) for answer in answers)
    assert f"| Strawberry | {shown['version']}, Debian 13" in (ROOT / "docs/clients.md").read_text()
    covers = [answer.body for answer in answers if answer.method == "getCoverArt"]
    assert len(covers) == 2
    assert all(answer.status == 200 for answer in first_part)
    # It reads a song once for its properties and once to play it.
    files = {"Song 1": (music / "Record/1.flac").read_bytes(), "Song 2": (music / "Record/2.flac").read_bytes()}
    streamed = [answer.body for answer in first_part if answer.method == "stream"]
    assert set(map(len, streamed)) == set(map(len, files.values()))
    assert set(streamed) == set(files.values())
    # The slider: the rest of the file alone.
    ranges = [answer.body for answer in answers if answer.status == 206]
    assert all(files["Song 1"].endswith(body) and 0 < len(body) < len(files["Song 1"]) for body in ranges)
    told = [answer.parameters["submission"] for answer in first_part if answer.method == "scrobble"]
    assert told == ["false", "true", "false"]  # a song of 4 s is no play
    assert song["playCount"] == 1
    assert [(album["name"], album["playCount"]) for album in plays] == [("Record", 1)]
