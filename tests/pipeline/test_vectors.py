"""Vectors through a real worker and a real API: tempo and key, sound tags, files that hang, older versions."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, MUSICAL_KEYS, OLDEST_VERSION, VECTOR_SIZES
from soniquebay.library.database import open_read_only
from soniquebay.library.similarity import sound_tags, vectors
from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow


def test_tracks_have_tempo_and_key(stack: Stack, scanned: dict[str, Any]) -> None:
    tracks = stack.get("/api/tracks", limit=500)["items"]
    assert {"bpm", "musical_key"} <= tracks[0].keys()
    keys = {track["musical_key"] for track in tracks}
    assert keys - {None} <= set(MUSICAL_KEYS)
    assert keys != {None}  # a tone with overtones has one
    track = stack.get(f"/api/tracks/{tracks[0]['id']}")
    assert (track["bpm"], track["musical_key"]) == (tracks[0]["bpm"], tracks[0]["musical_key"])


def test_tracks_have_sound_tags(stack: Stack, scanned: dict[str, Any]) -> None:
    with open_read_only(stack.data / "library.db") as database:
        found = [sound_tags.probabilities(database, track["id"]) for track in stack.tracks().values()]
    assert all(found)
    assert len({tuple(tags.values()) for tags in found if tags}) > 1  # tracks with other sounds have others


def test_a_file_that_hangs_becomes_a_vector_failure(stack: Stack, scanned: dict[str, Any], tmp_path: Path) -> None:
    """Opening a pipe blocks like a file on a mount that hangs; the test sends the task with a shorter time limit."""
    track = stack.tracks()["Song wav"]["id"]
    os.mkfifo(tmp_path / "pipe.wav")
    code = (
        "from soniquebay.worker.app import app; app.send_task('vector.calculate', soft_time_limit=3, time_limit=6, "
        f"kwargs={{'track_id': {track}, 'path': {str(tmp_path / 'pipe.wav')!r}}})"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=stack.environment(), timeout=60)
    failure = wait_until(lambda: stack.get(f"/api/tracks/{track}")["vector_failure"], 60)
    assert "took too long" in failure
    answer = httpx.get(f"{stack.url}/api/tracks/{track}/similar", timeout=30)
    assert answer.status_code == 404
    assert "took too long" in answer.json()["detail"]
    assert httpx.post(f"{stack.url}/api/tracks/{track}/vector", timeout=30).status_code == 202
    wait_until(lambda: stack.get(f"/api/tracks/{track}")["has_vector"], 60)


def test_a_vector_that_is_too_old_is_no_neighbour_and_is_replaced(stack: Stack, scanned: dict[str, Any]) -> None:
    tracks = stack.tracks()
    old, other = tracks["Song flac"]["id"], tracks["Song mp3"]["id"]
    with sqlite3.connect(stack.data / "library.db", timeout=30) as database:
        database.execute("UPDATE vectors SET version = ? WHERE track_id = ?", (OLDEST_VERSION - 1, old))
    answer = httpx.get(f"{stack.url}/api/tracks/{old}/similar", timeout=30)
    assert answer.status_code == 404
    assert "by an older release and is analysed again" in answer.json()["detail"]
    items = stack.get(f"/api/tracks/{other}/similar", limit=500)["items"]
    assert old not in [item["id"] for item in items]

    vectors.mark_outdated_for_analysis(database)  # as the API does at its start
    database.commit()
    database.close()
    wait_until(lambda: httpx.get(f"{stack.url}/api/tracks/{old}/similar", timeout=30).status_code == 200, 60)
    items = stack.get(f"/api/tracks/{other}/similar", limit=500)["items"]
    assert old in [item["id"] for item in items]


def test_an_upgraded_library_answers_while_it_is_analysed_again(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for number in range(12):
        tone(music / f"{number}.flac", frequency=200 + 70 * number, title=f"Song {number}", seconds=2)
    stack = Stack(music, tmp_path / "data", SONIQUEBAY_PROCESSES="1")
    try:
        stack.scan()
        wait_until(lambda: all(track["has_vector"] for track in stack.tracks().values()), 60)
        stack.stop()
        with closing(sqlite3.connect(tmp_path / "data/library.db")) as database, database:
            size = 4 * VECTOR_SIZES[OLDEST_VERSION]
            database.execute("UPDATE vectors SET version = ?, data = substr(data, 1, ?)", (OLDEST_VERSION, size))
        stack.start()
        ids = sorted(track["id"] for track in stack.tracks().values())
        rounds = 0
        while True:
            versions = _versions(stack)
            for track in ids:
                items = stack.get(f"/api/tracks/{track}/similar", limit=500)["items"]  # raises for a 404
                assert sorted(item["id"] for item in items) == [other for other in ids if other != track]
            if versions == {FEATURE_VERSION}:
                break
            rounds += 1
        assert rounds
    finally:
        stack.stop()


def _versions(stack: Stack) -> set[int]:
    with closing(sqlite3.connect(stack.data / "library.db", timeout=30)) as database:
        return {version for (version,) in database.execute("SELECT version FROM vectors WHERE data IS NOT NULL")}
