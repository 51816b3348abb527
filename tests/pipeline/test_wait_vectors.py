"""`scan --wait-vectors` waits for the whole library, not for the tracks of its own scan alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack

pytestmark = pytest.mark.slow

TRACKS = 400


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Stack]:
    (tmp_path / "music").mkdir()
    source = tone(tmp_path / "source.flac", seconds=1, title="x").read_bytes()
    for number in range(TRACKS):
        (tmp_path / "music" / f"{number:04}.flac").write_bytes(source)
    stack = Stack(tmp_path / "music", tmp_path / "data")
    yield stack
    stack.stop()


def events_of(stack: Stack, session_id: int) -> list[dict[str, Any]]:
    """Return all events of a session up to the one that reports the library as analysed."""
    events: list[dict[str, Any]] = []
    with httpx.stream("GET", f"{stack.url}/api/events", headers={"Last-Event-ID": "0-0"}, timeout=20) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: ")))
                if events[-1]["session_id"] == session_id and not events[-1]["library_vectors_waiting"]:
                    break
    return [event for event in events if event["session_id"] == session_id]


def test_it_waits_for_the_tracks_of_earlier_scans(many: Stack) -> None:
    first = json.loads(many.cli("scan", "--wait", "--json").stdout)
    assert first["vectors"] < TRACKS
    second = json.loads(many.cli("scan", "--wait-vectors", "--json").stdout)
    assert (second["files"], second["vectors"], second["vector_failures"]) == (TRACKS, TRACKS, 0)
    events = events_of(many, second["session_id"])
    waiting = [event["library_vectors_waiting"] for event in events]
    assert waiting == sorted(waiting, reverse=True)
    assert len(set(waiting)) > 3
    assert {event["vectors_waiting"] for event in events} == {0}
    after_the_scan = [event for event in events if event["phase"] == "done"]
    assert max(event["seconds_left"] or 0 for event in after_the_scan) > 0
