"""Loudness through a real Redis, worker and API: a library that nobody has measured gets it in the background."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import redis
from mutagen.flac import FLAC

from soniquebay.api.background_jobs import REFILL_INTERVAL_SECONDS
from soniquebay.library.paths import encode
from soniquebay.settings import REDIS_KEY_PREFIX
from soniquebay.worker.config import LOW, MEDIUM
from tests.support.sounds import Samples, level, samples_of, write
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow
RATE = 44_100
SHEET = """TITLE "Both"
FILE "Both.flac" WAVE
  TRACK 01 AUDIO
    TITLE "Loud part"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Quiet part"
    INDEX 01 00:06:00
"""


def sine(*stretches: tuple[float, float]) -> Samples:
    """Return a tone of 1 kHz in stretches, each of a level (dB of full scale) and a length (seconds)."""
    gain = np.concatenate([np.full(round(seconds * RATE), 10 ** (db / 20)) for db, seconds in stretches])
    return np.stack([gain * np.sin(2 * np.pi * 1000 * np.arange(gain.size) / RATE)] * 2)


def song(folder: Path, title: str, *stretches: tuple[float, float], **tags: str) -> Path:
    path = write(folder / f"{title}.flac", sine(*stretches), RATE, "flac")
    file = FLAC(path)
    file.update({"title": title, "artist": "A", **tags})
    file.save()
    return path


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack with a library whose loudness nobody has measured, as one of an older release."""
    music = tmp_path_factory.mktemp("music")
    song(music, "Loud", (-6, 6), album="X")
    song(music, "Quiet", (-200, 1), (-26, 6), (-200, 2), album="X")
    song(music, "Tagged", (-6, 4), replaygain_track_gain="-3.00 dB")
    write(music / "Both.flac", sine((-10, 6), (-30, 6)), RATE, "flac")
    (music / "Both.cue").write_text(SHEET)
    damaged = song(music, "Damaged", (-23, 4))
    removed = song(music, "Removed", (-23, 4))
    data = tmp_path_factory.mktemp("data")
    stack = Stack(music, data, SONIQUEBAY_LOUDNESS="off")
    try:
        stack.scan()
        assert [full(stack, title)["loudness"] for title in ("Loud", "Tagged")] == [None, None]
        assert stack.stop() == 0
        damaged.write_bytes(b"fLaC" + os.urandom(4000))
        removed.rename(data / "aside.flac")
        stack.settings["SONIQUEBAY_LOUDNESS"] = "untagged"
        stack.start()
        yield stack
    finally:
        stack.stop()


def full(stack: Stack, title: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.get(f"/api/tracks/{stack.tracks()[title]['id']}")
    return found


def measured(stack: Stack, title: str) -> dict[str, Any]:
    """Wait until a track is measured, and return it."""
    wait_until(lambda: full(stack, title)["loudness"], 60)
    return full(stack, title)


def rows(stack: Stack, query: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(stack.data / "library.db", timeout=30)) as db:
        return db.execute(query, values).fetchall()


def waiting(stack: Stack) -> dict[str, int]:
    """Return what the status says of the tracks that wait."""
    found: dict[str, int] = json.loads(stack.cli("status", "--json", check=False).stdout)["waiting"]
    return found


def failure(stack: Stack, title: str) -> str:
    (reason,) = rows(stack, "SELECT failure FROM loudness l JOIN tracks t ON t.id = track_id WHERE title = ?", title)[0]
    return str(reason)


def test_tracks_without_a_gain_are_measured_in_the_background(own: Stack) -> None:
    quiet = measured(own, "Quiet")
    # The six blocks at the ends of its sound are partly silent, and count: 0.2 LU less than the level of the sound.
    assert quiet["loudness"]["integrated_lufs"] == pytest.approx(-26.2, abs=0.1)
    assert quiet["loudness"]["silence_start_seconds"] == pytest.approx(1.0, abs=0.01)
    assert quiet["loudness"]["silence_end_seconds"] == pytest.approx(2.0, abs=0.01)
    gain = quiet["replay_gain"]["track"]
    assert (gain["gain_db"], gain["is_measured"]) == (pytest.approx(8.2, abs=0.1), True)
    assert gain["peak"] == pytest.approx(0.05, abs=0.001)


def test_an_album_has_the_gain_of_its_tracks_together(own: Stack) -> None:
    measured(own, "Quiet")
    loud = measured(own, "Loud")
    assert loud["replay_gain"]["album"]["gain_db"] == pytest.approx(-9.0, abs=0.3)  # half of the time at -6 LUFS
    album = own.get(f"/api/albums/{loud['album_id']}")
    assert (album["replaygain_album_gain"], album["replaygain_is_measured"]) == (
        loud["replay_gain"]["album"]["gain_db"],
        True,
    )


def test_a_gain_of_the_tags_wins_and_needs_no_measurement(own: Stack) -> None:
    measured(own, "Quiet part")
    tagged = full(own, "Tagged")
    assert tagged["loudness"] is None
    assert tagged["replay_gain"]["track"] == {"gain_db": -3.0, "peak": None, "is_measured": False}


def test_parts_of_a_file_are_measured_on_their_own(own: Stack) -> None:
    found = [measured(own, f"{name} part")["loudness"]["integrated_lufs"] for name in ("Loud", "Quiet")]
    assert found == [pytest.approx(-10.0, abs=0.2), pytest.approx(-30.0, abs=0.2)]


def test_a_measured_gain_is_applied_on_request(own: Stack) -> None:
    measured(own, "Quiet")
    track = full(own, "Quiet")
    url = f"{own.url}/api/tracks/{track['id']}/stream"
    plain, louder = (
        samples_of(httpx.get(url, params={"format": "flac", "gain": gain}, timeout=30).content)[0]
        for gain in ("off", "track")
    )
    assert level(louder) - level(plain) == pytest.approx(track["replay_gain"]["track"]["gain_db"], abs=0.05)


def test_a_damaged_file_has_no_loudness_and_stops_nothing(own: Stack) -> None:
    wait_until(lambda: rows(own, "SELECT 1 FROM loudness WHERE failure LIKE 'cannot be decoded%'"), 60)
    assert "cannot be decoded" in failure(own, "Damaged")
    damaged = full(own, "Damaged")
    assert (damaged["loudness"], damaged["replay_gain"]) == (None, {"track": None, "album": None})


def test_a_file_that_is_gone_meanwhile_is_measured_once_it_is_back(own: Stack) -> None:
    wait_until(lambda: rows(own, "SELECT 1 FROM loudness WHERE failure LIKE 'cannot be read%'"), 60)
    assert failure(own, "Removed") == "cannot be read: No such file or directory"
    (own.data / "aside.flac").rename(own.music / "Removed.flac")
    own.scan()
    assert measured(own, "Removed")["loudness"]["integrated_lufs"] == pytest.approx(-23.0, abs=0.2)


def test_no_track_is_sent_to_be_measured_while_one_waits_for_its_vector(own: Stack) -> None:
    titles = ["Loud", "Quiet", "Loud part"]
    ids = [measured(own, title)["id"] for title in titles]
    wait_until(lambda: waiting(own) == {"vectors": 0, "loudness": 0}, 60)
    broker = redis.Redis.from_url(own.environment()["SONIQUEBAY_REDIS"])
    medium, low = (f"{REDIS_KEY_PREFIX}vector\x06\x16{priority}" for priority in (MEDIUM, LOW))
    with own.frozen("worker"):  # one message may be on its way to it
        with closing(sqlite3.connect(own.data / "library.db", timeout=30)) as db, db:
            for table, forgotten in (("vectors", ids), ("loudness", ids[:2])):
                db.executemany(f"DELETE FROM {table} WHERE track_id = ?", [(i,) for i in forgotten])
        wait_until(lambda: broker.llen(medium), 30)
        time.sleep(REFILL_INTERVAL_SECONDS + 1)
        assert broker.llen(low) == 0
        assert waiting(own) == {"vectors": 3, "loudness": 2}
        told = own.cli("status", check=False).stdout  # which says, too, that the worker does not answer
        assert "in the background: 3 tracks to be analysed, 2 to be measured for loudness" in told
    for title in titles:
        measured(own, title)
    assert all(own.tracks()[title]["has_vector"] for title in titles)


def test_a_measurement_that_hangs_ends(own: Stack, tmp_path: Path) -> None:
    """Opening a pipe blocks like a file on a mount that hangs; the test sends the task with a shorter time limit."""
    track = measured(own, "Loud part")["id"]
    os.mkfifo(tmp_path / "pipe.flac")
    own.send("vector.measure_loudness", limit=6.0, track_id=track, path=encode(str(tmp_path / "pipe.flac")))
    wait_until(lambda: "took too long" in str(rows(own, "SELECT failure FROM loudness WHERE track_id = ?", track)), 60)
