"""Scanning files into a searchable library, with a real Redis, real workers and the real API."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.audio_files import CODECS, png, tag, tone
from tests.support.stack import Stack, children, wait_until

REASONS = {
    "empty.mp3": "the file is empty",
    "broken.flac": "not readable as audio",
    "text.ogg": "not a supported audio format",
    "pipe.wav": "not a regular file",
}


def test_every_file_is_a_track_or_a_listed_failure(stack: Stack, scanned: dict[str, Any]) -> None:
    assert scanned["status"] == "completed"
    assert scanned["tracks"] == len(CODECS) + 2
    assert scanned["failures"] == len(REASONS)
    assert scanned["files"] == len(CODECS) + 2 + 3  # a pipe does not count as a file
    failures = stack.failures(scanned["session_id"])
    assert failures.keys() == REASONS.keys()
    for name, reason in REASONS.items():
        assert failures[name].startswith(reason)


def test_every_format_has_its_tags_and_a_vector(stack: Stack, scanned: dict[str, Any]) -> None:
    tracks = stack.tracks()
    for suffix in CODECS:
        track = tracks["6" if suffix == ".aac" else f"Song {suffix[1:]}"]  # AAC has no tags, so this is its file name
        assert track["duration"] == pytest.approx(2.0, abs=0.2)
        assert track["has_vector"], track["vector_failure"]
        if suffix != ".aac":
            assert (track["artist"], track["album"]) == ("Ärtist", "Albüm")


def test_a_file_whose_name_is_not_utf8_is_a_track(stack: Stack, scanned: dict[str, Any]) -> None:
    track = stack.tracks()["Not UTF-8"]
    assert track["path"].endswith("/caf\\xe9.ogg")
    assert track["has_vector"]


def test_tracks_are_found_by_title_artist_and_album(stack: Stack, scanned: dict[str, Any]) -> None:
    for words in ("song flac", "artist flac", "album song fl"):
        assert "Song flac" in [t["title"] for t in stack.get("/api/search", q=words)["items"]]
    assert stack.get("/api/search", q="song nobody")["total"] == 0


def test_similar_returns_other_tracks(stack: Stack, scanned: dict[str, Any]) -> None:
    track = stack.tracks()["Song flac"]
    items = stack.get(f"/api/tracks/{track['id']}/similar", limit=3)["items"]
    assert len(items) == 3
    assert track["id"] not in [item["id"] for item in items]
    scores = [item["similarity"] for item in items]
    assert scores == sorted(scores, reverse=True)


def test_covers_come_from_files_and_folders(stack: Stack, scanned: dict[str, Any]) -> None:
    albums = {album["title"]: album for album in stack.get("/api/albums")["items"]}

    def both_have_covers() -> bool:
        return all(
            httpx.get(f"{stack.url}/api/covers/album/{albums[title]['id']}").status_code == 200
            for title in ("Albüm", "Second")
        )

    wait_until(both_have_covers)
    answer = httpx.get(f"{stack.url}/api/covers/track/{stack.tracks()['Other']['id']}")
    assert (answer.content, answer.headers["content-type"]) == (png(), "image/png")
    assert httpx.get(f"{stack.url}/api/covers/album/999").status_code == 404


def test_a_track_has_its_genres_as_soon_as_it_is_inserted(stack: Stack, scanned: dict[str, Any]) -> None:
    assert sorted(stack.tracks()["Song flac"]["genres"]) == ["Folk", "Rock"]


def test_a_cover_that_fails_is_not_retried_forever(stack: Stack, scanned: dict[str, Any]) -> None:
    album = stack.tracks()["Song flac"]["album_id"]
    database = sqlite3.connect(stack.data / "library.db", isolation_level=None)
    state = "SELECT cover_checked FROM albums WHERE id = ?"
    wait_until(lambda: database.execute(state, (album,)).fetchone() == (1,))
    database.execute("UPDATE albums SET cover_checked = 0 WHERE id = ?", (album,))
    # Invalid arguments: the task raises.
    stack.send("covers.extract", album_id=album, path="\\q", has_picture=True)
    wait_until(lambda: database.execute(state, (album,)).fetchone() == (1,), 20)
    database.close()


def test_a_second_scan_reads_only_changed_and_failed_files(
    stack: Stack, scanned: dict[str, Any], library: Path
) -> None:
    second = stack.scan()
    session = stack.get(f"/api/scan-sessions/{second['session_id']}")
    assert session["files_changed"] == 3  # the failures: the files may have been repaired
    assert (second["tracks"], second["failures"]) == (scanned["tracks"], scanned["failures"])
    before = stack.tracks()["Other"]
    tag(library / "Other" / "x.ogg", title="Another")
    assert stack.scan()["tracks"] == scanned["tracks"]
    after = stack.tracks()["Another"]
    assert (after["id"], after["has_vector"]) == (before["id"], True)


def test_one_scan_at_a_time(stack: Stack, scanned: dict[str, Any]) -> None:
    with stack.frozen("worker"):
        first = httpx.post(f"{stack.url}/api/scan")
        second = httpx.post(f"{stack.url}/api/scan")
        assert httpx.get(f"{stack.url}/api/health", timeout=30).json()["worker"].startswith("no answer")
        assert httpx.get(f"{stack.url}/api/health", timeout=30).status_code == 503
    assert (first.status_code, second.status_code) == (202, 409)
    assert second.json()["session_id"] == first.json()["session_id"]
    wait_until(lambda: stack.get(f"/api/scan-sessions/{first.json()['session_id']}")["status"] == "completed")
    wait_until(lambda: httpx.get(f"{stack.url}/api/health", timeout=30).status_code == 200)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Stack]:
    """Start a stack of its own, with enough music to interrupt it."""
    (tmp_path / "music").mkdir()
    source = tone(tmp_path / "source.flac", seconds=60)
    for number in range(24):
        (tmp_path / "music" / f"{number}.flac").write_bytes(source.read_bytes())
    running = Stack(tmp_path / "music", tmp_path / "data")
    yield running
    running.stop()


def test_no_track_is_lost_when_a_child_process_is_killed(fresh: Stack) -> None:
    session_id = httpx.post(f"{fresh.url}/api/scan").json()["session_id"]
    wait_until(lambda: 0 < fresh.get(f"/api/scan-sessions/{session_id}")["library"]["vectors"] < 24)
    for child in children(fresh.program("worker")):
        os.kill(child, signal.SIGKILL)
    wait_until(lambda: fresh.get(f"/api/scan-sessions/{session_id}")["progress"]["phase"] == "done", 60)
    totals = fresh.get(f"/api/scan-sessions/{session_id}")["library"]
    assert (totals["tracks"], totals["vectors"], totals["vector_failures"]) == (24, 24, 0)


def test_stopping_during_a_scan_is_quick_and_the_next_start_continues(fresh: Stack) -> None:
    session_id = httpx.post(f"{fresh.url}/api/scan").json()["session_id"]
    wait_until(lambda: fresh.get(f"/api/scan-sessions/{session_id}")["library"]["tracks"] > 0)
    pids = [fresh.process.pid, *children(fresh.process.pid)]
    pids += [grandchild for pid in pids for grandchild in children(pid)]
    started = time.monotonic()
    assert fresh.stop() == 0
    assert time.monotonic() - started < 30
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    restarted = Stack(fresh.music, fresh.data)
    try:
        wait_until(lambda: restarted.get(f"/api/scan-sessions/{session_id}")["progress"]["phase"] == "done", 60)
        assert restarted.get("/api/tracks")["total"] == 24
    finally:
        restarted.stop()


def test_a_scanned_library_is_browsed_page_by_page(stack: Stack, scanned: dict[str, Any]) -> None:
    found, cursor = [], {}
    while True:
        page = stack.get("/api/tracks", sort="title", limit=3, **cursor)
        found += [track["title"] for track in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert sorted(found) == sorted(stack.tracks())
    assert [title for title in found if title.startswith("Song ")] == sorted(t for t in found if t.startswith("Song "))
    track = stack.get(f"/api/tracks/{stack.tracks()['Song flac']['id']}")
    assert (track["sound"]["codec"], track["sound"]["channels"] in {1, 2}) == ("FLAC", True)
    assert track["tags"]["album"] == "Albüm"
    album = stack.get(f"/api/albums/{track['album_id']}")
    assert "Song flac" in [t["title"] for disc in album["discs"] for t in disc["tracks"]]
    artist = stack.get(f"/api/artists/{track['artists'][0]['id']}")
    assert (artist["name"], album["id"] in [b["id"] for b in artist["own_albums"]]) == ("Ärtist", True)
    genre = next(g for g in stack.get("/api/genres")["items"] if g["name"] == "Folk")
    assert stack.get("/api/tracks", genre_id=genre["id"])["total"] == genre["tracks"] > 0
    assert httpx.get(f"{stack.url}/api/tracks", params={"artist": "Ärtist"}).status_code == 422
