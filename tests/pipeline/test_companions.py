"""Cue sheets and lyrics beside files: each track of a sheet is found, shown and compared like any other."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

SHEET = """\
PERFORMER "Die Band"
TITLE "Ein Album"
REM DATE 1999
FILE "Album.wav" WAVE
  TRACK 01 AUDIO
    TITLE "Lied"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Süß"
    PERFORMER "Die Band feat. Gast"
    INDEX 00 00:02:00
    INDEX 01 00:03:00
  TRACK 03 AUDIO
    TITLE "Ende"
    INDEX 01 00:06:37
"""


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music" / "image"
    folder.mkdir(parents=True)
    tone(folder / "Album.flac", seconds=9.0, title="Ganz", album="Ein Album", artist="Die Band", picture=True)
    tone(tmp_path / "music" / "other.ogg", title="Other", artist="Somebody", album="Else")
    return folder.parent


@pytest.fixture
def start(music: Path, tmp_path: Path) -> Iterator[Any]:
    stacks = []

    def start_stack(**settings: str) -> Stack:
        stacks.append(Stack(music, tmp_path / "data", **settings))
        return stacks[-1]

    yield start_stack
    for stack in stacks:
        assert stack.stop() == 0


def places(stack: Stack) -> dict[str, tuple[int, float, float]]:
    return {title: (t["part"], t["start_seconds"], t["duration"]) for title, t in stack.tracks().items()}


def ids(stack: Stack) -> dict[str, int]:
    return {title: track["id"] for title, track in stack.tracks().items()}


PARTS = {"Lied": (1, 0.0, 3.0), "Süß": (2, 3.0, 3.493), "Ende": (3, pytest.approx(6.493, abs=0.001), 2.507)}
WHOLE = {"Ganz": (0, 0.0, 9.0)}
OTHER = {"Other": (0, 0.0, 2.0)}


def test_the_tracks_of_a_sheet_come_change_and_go_with_it(start: Any, music: Path) -> None:
    stack = start()
    stack.scan()
    assert places(stack) == {**WHOLE, **OTHER}
    before = ids(stack)

    # A sheet that comes divides its file, though the file is unchanged.
    sheet = music / "image" / "album.CUE"
    sheet.write_text(SHEET, "cp1252")
    assert stack.scan()["failures"] == 0
    assert places(stack) == {**PARTS, **OTHER}
    with_sheet = ids(stack)
    assert all(track["has_vector"] for track in stack.tracks().values())
    second = stack.get(f"/api/tracks/{with_sheet['Süß']}")
    assert (second["artist"], second["album"], second["year"], second["track_no"]) == (
        "Die Band feat. Gast", "Ein Album", 1999, 2
    )  # fmt: skip
    assert {credit["name"] for credit in second["artists"]} == {"Die Band", "Gast"}
    assert [t["id"] for t in stack.get("/api/search", q="süss")["items"]] == [with_sheet["Süß"]]
    assert stack.get("/api/search", q="ganz")["total"] == 0
    similar = stack.get(f"/api/tracks/{with_sheet['Lied']}/similar")
    assert {t["title"] for t in similar["items"]} >= {"Süß", "Ende"}
    album = stack.get(f"/api/albums/{second['album_id']}")
    assert (album["tracks"], [t["title"] for t in album["discs"][0]["tracks"]]) == (3, ["Lied", "Süß", "Ende"])
    wait_until(lambda: httpx.get(f"{stack.url}/api/covers/track/{with_sheet['Ende']}").status_code == 200)

    # Nothing has changed: nothing is read.
    session = stack.get(f"/api/scan-sessions/{stack.scan()['session_id']}")
    assert (session["files_changed"], session["unchanged"], session["library"]["missing"]) == (0, 2, 1)

    # A corrected title is another text of the same track, with the vector that it had.
    with sqlite3.connect(stack.data / "library.db") as database:
        vectors = database.execute("SELECT rowid, * FROM vectors").fetchall()
    sheet.write_text(SHEET.replace("Lied", "Das Lied"), "utf-8-sig")
    stack.scan()
    assert ids(stack) == {**{t: i for t, i in with_sheet.items() if t != "Lied"}, "Das Lied": with_sheet["Lied"]}
    with sqlite3.connect(stack.data / "library.db") as database:
        assert database.execute("SELECT rowid, * FROM vectors").fetchall() == vectors

    # A broken sheet is told; the file is one track again, with the id that it had.
    sheet.write_text(SHEET.replace("00:06:37", "00:46:37"))
    broken = stack.scan()
    assert stack.failures(broken["session_id"]) == {
        "album.CUE": "is not used: track 3 begins at 46 s, and the file ends at 9 s"
    }
    assert ids(stack) == before

    # Moved together, every track keeps its id; without the sheet the file is one track.
    sheet.write_text(SHEET, "cp1252")
    stack.scan()
    assert ids(stack) == with_sheet
    (music / "image").rename(music / "moved")
    stack.scan()
    assert ids(stack) == with_sheet
    assert all("/moved/" in t["path"] for t in stack.tracks().values() if t["part"])
    (music / "moved" / "album.CUE").unlink()
    stack.scan()
    assert ids(stack) == before


def test_a_sheet_within_a_file_makes_its_tracks(start: Any, music: Path) -> None:
    tone(music / "image" / "Album.flac", seconds=9.0, album="Ein Album", cuesheet=SHEET)
    tone(music / "image" / "Band.wv", seconds=9.0, cuesheet=SHEET.replace("Ein Album", "Noch eins"))
    stack = start()
    assert stack.scan()["failures"] == 0
    assert places(stack) == {**PARTS, **OTHER}
    albums = {album["title"]: album["tracks"] for album in stack.get("/api/albums")["items"]}
    assert albums == {"Ein Album": 3, "Noch eins": 3, "Else": 1}


def test_lyrics_beside_a_file_are_found_shown_and_followed(start: Any, music: Path) -> None:
    stack = start()
    stack.scan()
    track = stack.get(f"/api/tracks/{ids(stack)['Other']}")
    assert "lyrics" not in track["tags"]
    lyrics = music / "other.LRC"
    lyrics.write_text("[00:00.10]Erdbeermund\n[00:01.00]la\n", "cp1252")
    stack.scan()
    assert [t["id"] for t in stack.get("/api/search", q="erdbeermund")["items"]] == [track["id"]]
    assert stack.get(f"/api/tracks/{track['id']}")["tags"]["synced_lyrics"] == "[00:00.10]Erdbeermund\n[00:01.00]la"
    lyrics.unlink()
    stack.scan()
    assert stack.get("/api/search", q="erdbeermund")["total"] == 0
    assert "synced_lyrics" not in stack.get(f"/api/tracks/{track['id']}")["tags"]


@pytest.mark.slow
def test_a_sheet_is_noticed_by_the_watch(start: Any, music: Path) -> None:
    stack = start(SONIQUEBAY_WATCH="on")
    wait_until(lambda: stack.get("/api/watch")["ready"])
    stack.scan()
    sheet = music / "image" / "Album.cue"
    sheet.write_text(SHEET)
    wait_until(lambda: places(stack) == {**PARTS, **OTHER}, 20)
    time.sleep(0.1)
    sheet.rename(sheet.with_suffix(".txt"))
    wait_until(lambda: places(stack) == {**WHOLE, **OTHER}, 20)
