"""The map through a real worker: every analysed track is placed, and what is placed stays where it is."""

import struct
from pathlib import Path

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow

Places = dict[int, tuple[int, int]]
PLACED_SECONDS = 120.0  # a task, the pause before it, and a busy machine


def add(music: Path, first: int, count: int) -> None:
    for n in range(first, first + count):
        tone(music / f"{n}.flac", 2.0, 150 + 40 * n, title=f"S{n}", artist=f"A{n % 3}", genre="Folk", date="1999")


def places(stack: Stack) -> Places:
    body = httpx.get(f"{stack.url}/api/map", timeout=30).content
    (n,) = struct.unpack_from("<I", body, 4)
    ids = struct.unpack_from(f"<{n}I", body, 8)
    columns = struct.unpack_from(f"<{2 * n}H", body, 8 + 12 * n)
    return {track_id: (columns[row], columns[n + row]) for row, track_id in enumerate(ids)}


def wait_for_layout(stack: Stack, layout: int, tracks: int) -> Places:
    def is_up_to_date() -> bool:
        state = stack.get("/api/map/state")
        return (state["layout"], state["analysed"], state["placed"]) == (layout, tracks, tracks)

    wait_until(is_up_to_date, PLACED_SECONDS)
    found = places(stack)
    assert len(found) == tracks
    return found


def test_new_tracks_are_placed_and_many_new_ones_make_a_new_map(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    add(music, 0, 12)
    stack = Stack(music, tmp_path / "data")
    try:
        assert stack.get("/api/map/state")["layout"] == 0
        assert places(stack) == {}
        stack.scan()
        first = wait_for_layout(stack, 1, 12)
        assert len(set(first.values())) > 8
        add(music, 12, 2)
        stack.scan()
        second = wait_for_layout(stack, 1, 14)
        assert {track_id: place for track_id, place in second.items() if track_id in first} == first
        (music / "0.flac").unlink()
        stack.scan()
        assert len(places(stack)) == 13  # the missing one keeps its place for when it is back
        add(music, 14, 8)
        stack.scan()
        wait_for_layout(stack, 2, 21)
        names = stack.get("/api/map/names")
        assert [genre["name"] for genre in names["genres"]] == ["Folk"]
        log = (stack.data / "logs" / "worker.log").read_text()
        assert "Traceback" not in log
        internal = f"{stack.url}/internal/map/layouts"
        assert httpx.post(internal, json={}, timeout=30).status_code == 403
        socket = httpx.HTTPTransport(uds=stack.environment()["SONIQUEBAY_API_SOCKET"])
        with httpx.Client(transport=socket, base_url="http://api", timeout=30) as api:
            body = {"places": [[2, 1, 1]]}
            assert api.post("/internal/map/layouts/1/places", json=body).status_code == 409
            body = {"places": [[2, 70_000, 1]]}
            assert api.post("/internal/map/layouts/2/places", json=body).status_code == 422
    finally:
        stack.stop()
