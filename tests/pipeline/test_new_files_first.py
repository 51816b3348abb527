"""While thousands of tracks are analysed, new files come first, and covers and genres make progress."""

import re
import sqlite3
from collections.abc import Iterator

import httpx
import pytest

from tests.faults import library
from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow

FILES, ALBUMS = 3000, 1500
MIN_UNANALYSED_TRACKS = 1000  # left at the end of a test, so that it did not simply wait for the analysis
MAX_SEARCHABLE_SECONDS = 10.0
MAX_VECTORS_BEFORE = 30  # the API keeps 50 to 100 vector tasks in the queue


@pytest.fixture(scope="module")
def analysing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack that has scanned its files and has just begun to compute their vectors."""
    folder = tmp_path_factory.mktemp("analysing")
    library.make(folder / "music", FILES, ALBUMS)
    running = Stack(folder / "music", folder / "data")
    try:
        running.cli("scan", "--wait")
        wait_until(lambda: count(running, "tracks WHERE analysed = 1") > 20)
        yield running
    finally:
        running.stop()


def count(stack: Stack, table: str) -> int:
    database = sqlite3.connect(stack.data / "library.db", timeout=30)
    try:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        database.close()


def unanalysed_tracks(stack: Stack) -> int:
    return count(stack, "tracks WHERE analysed = 0")


def test_a_new_file_is_searchable_soon_while_thousands_of_vectors_are_computed(analysing: Stack) -> None:
    folder = analysing.music / "New"
    folder.mkdir()
    tone(folder / "new.ogg", title="Only just copied", artist="Somebody", album="Fresh")
    log = analysing.data / "logs" / "worker.log"
    before = log.stat().st_size
    inserted = re.compile(r"(?s)(.*?)Task insert.direct_batch\S* succeeded")
    assert httpx.post(f"{analysing.url}/api/scan", json={"folders": [str(folder)]}).status_code == 202
    wait_until(lambda: analysing.get("/api/search", q="only just copied")["total"] == 1, MAX_SEARCHABLE_SECONDS)
    assert unanalysed_tracks(analysing) > MIN_UNANALYSED_TRACKS
    # The track can be found a moment before the worker writes that the insert has succeeded.
    before_insert = wait_until(lambda: inserted.search(log.read_bytes()[before:].decode()))
    assert len(re.findall(r"Task vector.calculate\S* succeeded", before_insert[1])) < MAX_VECTORS_BEFORE


def test_covers_make_progress_while_thousands_of_vectors_are_computed(analysing: Stack) -> None:
    checked = count(analysing, "albums WHERE cover_checked = 1")
    wait_until(lambda: count(analysing, "albums WHERE cover_checked = 1") > checked + 50, 60)
    assert unanalysed_tracks(analysing) > MIN_UNANALYSED_TRACKS
    assert (
        count(analysing, "albums WHERE cover_checked = 0") > 0
    )  # the queues take turns: this one was not emptied first
