"""Files of a drive that is unplugged or hangs during the analysis are analysed once the drive is back."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from soniquebay.library.paths import encode
from tests.support.audio_files import png, tone
from tests.support.stack import Stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_an_unavailable_track_gets_vector_and_cover_once_its_file_is_back(tmp_path: Path) -> None:
    disk, other = tmp_path / "disk", tmp_path / "other"
    (disk / "album").mkdir(parents=True)
    other.mkdir()
    tone(disk / "album" / "song.ogg", title="Unplugged", artist="Somebody", album="One")
    (disk / "album" / "cover.png").write_bytes(png())
    tone(other / "other.ogg", title="Other", artist="Somebody", album="Two")
    stack = Stack([disk, other], tmp_path / "data")
    try:
        stack.scan()
        track = next(item for item in stack.get("/api/tracks")["items"] if item["path"].endswith("song.ogg"))
        url = f"/api/tracks/{track['id']}"

        def has_cover() -> bool:
            return httpx.get(f"{stack.url}/api/covers/album/{track['album_id']}", timeout=30).status_code == 200

        wait_until(has_cover, 30)
        disk.rename(tmp_path / "unplugged")
        with closing(sqlite3.connect(stack.data / "library.db", timeout=30)) as db, db:
            # As before the analysis and the check for a cover.
            db.execute("DELETE FROM vectors WHERE track_id = ?", (track["id"],))
            db.execute("UPDATE albums SET cover_media_type = NULL, cover_sha256 = NULL, cover_checked = 0")
        reason = wait_until(lambda: stack.get(url)["vector_failure"], 60)
        assert reason == "cannot be read: No such file or directory"
        wait_until(lambda: _is_cover_checked(stack), 60)
        assert not has_cover()
        (tmp_path / "unplugged").rename(disk)
        stack.scan()  # waits for the vectors of the tracks that it inserted, which are none
        wait_until(lambda: stack.get(url)["has_vector"], 60)
        assert stack.get(url)["vector_failure"] is None
        wait_until(has_cover, 30)
    finally:
        stack.stop()


def test_an_analysis_that_timed_out_is_tried_again_once_a_scan_sees_the_file(tmp_path: Path) -> None:
    music, aside = tmp_path / "music", tmp_path / "aside.ogg"
    music.mkdir()
    song = music / "song.ogg"
    tone(song, title="Slow", artist="Somebody")
    stack = Stack(music, tmp_path / "data")
    try:
        stack.scan()
        [track] = stack.get("/api/tracks")["items"]
        url = f"/api/tracks/{track['id']}"
        song.rename(aside)
        os.mkfifo(song)  # opening it blocks for ever, because nothing writes to it
        stack.send("vector.calculate", limit=6.0, track_id=track["id"], path=encode(str(song)))
        assert "took too long" in wait_until(lambda: stack.get(url)["vector_failure"], 60)
        assert not stack.get(url)["has_vector"]
        aside.rename(song)
        stack.scan()
        wait_until(lambda: stack.get(url)["has_vector"], 60)
        assert stack.get(url)["vector_failure"] is None
    finally:
        stack.stop()


def _is_cover_checked(stack: Stack) -> bool:
    with closing(sqlite3.connect(stack.data / "library.db", timeout=30)) as db:
        return bool(db.execute("SELECT min(cover_checked) FROM albums").fetchone()[0])
