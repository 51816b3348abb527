"""While thousands of tracks are analysed what is new comes first, and covers and genres go on."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.audio_files import tone
from tests.faults import library
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.slow

FILES, ALBUMS = 3000, 1500
STILL = 1000  # tracks at the least that have no vector when what is looked at has happened
SOON = 10.0  # seconds
OVERTAKEN = 30  # vectors; 50 to 100 of them are in the queue, which is as long as the API keeps it


@pytest.fixture
def analysing(tmp_path: Path) -> Iterator[Stack]:
    """Give a stack that has scanned its files and has only just begun to compute their vectors."""
    library.make(tmp_path / "music", FILES, ALBUMS)
    running = Stack(tmp_path / "music", tmp_path / "data")
    try:
        running.cli("scan", "--wait")
        wait_until(lambda: count(running, "tracks WHERE analysed = 1") > 20)
        yield running
    finally:
        running.stop()


def count(stack: Stack, of: str) -> int:
    database = sqlite3.connect(stack.data / "library.db", timeout=30)
    try:
        return int(database.execute(f"SELECT count(*) FROM {of}").fetchone()[0])
    finally:
        database.close()


def to_analyse(stack: Stack) -> int:
    return count(stack, "tracks WHERE analysed = 0")


def test_a_new_file_is_found_at_once_while_thousands_of_vectors_are_computed(analysing: Stack) -> None:
    folder = analysing.music / "New"
    folder.mkdir()
    tone(folder / "new.ogg", title="Only just copied", artist="Somebody", album="Fresh")
    log = analysing.data / "logs" / "worker.log"
    before = log.stat().st_size
    assert httpx.post(f"{analysing.url}/api/scan", json={"folders": [str(folder)]}).status_code == 202
    wait_until(lambda: analysing.get("/api/search", q="only just copied")["total"] == 1, SOON)
    assert to_analyse(analysing) > STILL
    since = log.read_bytes()[before:].decode()
    earlier = re.search(r"(?s)(.*?)Task insert.direct_batch\S* succeeded", since)
    assert earlier
    assert len(re.findall(r"Task vector.calculate\S* succeeded", earlier[1])) < OVERTAKEN


def test_covers_and_genres_go_on_while_thousands_of_vectors_are_computed(analysing: Stack) -> None:
    looked_at = count(analysing, "albums WHERE cover_checked = 1")
    wait_until(lambda: count(analysing, "albums WHERE cover_checked = 1") > looked_at + 50, 60)
    wait_until(lambda: count(analysing, "tracks WHERE genres_cleaned = 0") == 0, 60)
    assert to_analyse(analysing) > STILL
    assert count(analysing, "albums WHERE cover_checked = 0") > 0  # they took turns, none went before all of the others
