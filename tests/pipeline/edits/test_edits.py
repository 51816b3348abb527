"""After any edits of files and the scans that saw them, the catalogue is that of a first scan of the same files."""

import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.edits import random_library
from tests.pipeline.edits.random_edits import Library, edit
from tests.pipeline.edits.seen import Catalogue, Seen, differences
from tests.support.song_files import song
from tests.support.stack import Stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.long]

FILES = int(os.environ.get("EDITS_FILES", "150"))
SEED = int(os.environ.get("EDITS_SEED", "1"))
ROUNDS = 10
ROUNDS_WITHOUT_WATCH = 6
EDITS_A_ROUND = 5


@contextmanager
def running(music: Path, data: Path, **settings: str) -> Iterator[Stack]:
    stack = Stack(music, data, **settings)
    try:
        yield stack
    finally:
        code = stack.stop()
    assert code == 0


def scan(stack: Stack, *arguments: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(stack.cli("scan", "--wait", "--json", *arguments).stdout)
    return result


def failures_of(stack: Stack, summary: dict[str, Any]) -> list[tuple[str, str]]:
    page = stack.get(f"/api/scan-sessions/{summary['session_id']}/failures", limit=500)
    assert page["total"] == len(page["items"]) > 0
    return [(failure["path"], failure["reason"]) for failure in page["items"]]


def wait_for_watch(stack: Stack, marker: Path) -> None:
    """Wait until the watch has had everything scanned that was changed before the marker was added."""
    song(marker, title=f"Marker {marker.stem}", artist="Marker")

    def is_scanned() -> bool:
        scans = stack.get("/api/scan-sessions", limit=100)["items"]
        return stack.get("/api/watch")["waiting"] == 0 and all(s["status"] == "completed" for s in scans)

    wait_until(lambda: stack.get("/api/search", q=f"marker {marker.stem}")["total"], 60)
    time.sleep(4)  # changes of other folders may still settle
    wait_until(is_scanned, 120)


def test_ten_rounds_of_edits_end_in_the_catalogue_of_a_first_scan(tmp_path: Path) -> None:
    print(f"EDITS_SEED={SEED} EDITS_FILES={FILES}")
    chance = random.Random(SEED)  # noqa: S311
    music, data = tmp_path / "music", tmp_path / "edited"
    random_library.make(chance, music, FILES)
    library = Library(music, tmp_path / "away", chance)
    with running(music, data) as stack:
        scan(stack)
        for number in range(ROUNDS_WITHOUT_WATCH):
            print(f"round {number}, {'all' if number % 2 else 'the folders'} scanned:")
            folders = edit(library, EDITS_A_ROUND)
            scan(stack, *(() if number % 2 else sorted(map(str, folders))))
    with running(music, data, SONIQUEBAY_WATCH="on") as stack:
        wait_until(lambda: stack.get("/api/watch")["ready"])
        for number in range(ROUNDS_WITHOUT_WATCH, ROUNDS):
            print(f"round {number}, watched:")
            edit(library, EDITS_A_ROUND)
            wait_for_watch(stack, music / f"{number}.ogg")
        scan(stack)
        after_edits = Seen(stack).catalogue
        full = scan(stack, "--full")
        after_full_scan, failures = Seen(stack).catalogue, failures_of(stack, full)
    with running(music, tmp_path / "fresh") as fresh:
        first = scan(fresh)
        wanted = Seen(fresh).catalogue
        wanted_failures = failures_of(fresh, first)
    assert_same(after_full_scan, wanted, "after a full scan")
    # An unchanged cue sheet is not read, so that only the scan that read it tells that its file is not there.
    but_left_out = {**wanted, "left out": after_edits["left out"]}
    assert_same(after_edits, but_left_out, "after the edits")
    assert failures == wanted_failures


def assert_same(found: Catalogue, wanted: Catalogue, when: str) -> None:
    """Print every difference, however long they are together."""
    different = differences(found, wanted)
    print(*(ascii(line) for line in different), sep="\n")
    assert not different, f"{len(different)} differences {when}"
