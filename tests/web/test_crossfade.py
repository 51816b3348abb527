"""A crossfade leaves out the silence at the ends of tracks; without one, files are played as they are."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from mutagen.flac import FLAC
from playwright.sync_api import Page, expect

from tests.support.sounds import write
from tests.support.stack import Stack, wait_until
from tests.web.conftest import PAGE_SECONDS, scanned_stack, sign_in

OpenPage = Callable[..., Page]
RATE = 44_100
SOUND_SECONDS, SILENCE_SECONDS = 8.0, 4.0
FADE_SECONDS = 2
# Notes where each track was when it was first heard, where the others were then, and where it was last.
WATCH = """() => {
  window.heard = {};
  const look = () => {
    for (const audio of document.querySelectorAll('audio')) {
      const track = /tracks\\/(\\d+)/.exec(audio.src)?.[1];
      if (!track || audio.paused || audio.seeking || audio.readyState < 3) continue;
      const others = Object.values(window.heard).map((one) => one.last);
      const known = (window.heard[track] ??= { first: audio.currentTime, others });
      known.last = audio.currentTime;
    }
    setTimeout(look, 5);
  };
  look();
}"""


def song(path: Path, *, before: float, after: float) -> None:
    """Write a tone with seconds of silence before and after it, whose tags state no gain."""
    tone = 0.3 * np.sin(2 * np.pi * 330 * np.arange(round(SOUND_SECONDS * RATE)) / RATE)
    write(path, np.stack([np.pad(tone, (round(before * RATE), round(after * RATE)))] * 2), RATE, "flac")
    file = FLAC(path)
    file.update({"title": path.stem, "artist": "A", "album": "B", "tracknumber": path.stem})
    file.save()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("music")
    song(folder / "1.flac", before=0, after=SILENCE_SECONDS)
    song(folder / "2.flac", before=SILENCE_SECONDS, after=0)
    with scanned_stack(folder, tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def signed_in(stack: Stack) -> list[dict[str, Any]]:
    return sign_in(stack)


@pytest.fixture
def play(open_page: OpenPage, stack: Stack, signed_in: list[dict[str, Any]]) -> Iterator[Callable[..., list[Any]]]:
    """Give a function that plays both tracks, and returns what was heard of each."""
    cookies = {cookie["name"]: cookie["value"] for cookie in signed_in}
    with httpx.Client(base_url=stack.url, cookies=cookies, timeout=30) as api:
        ids = [track["id"] for track in api.get("/api/tracks", params={"sort": "title"}).json()["items"]]
        wait_until(lambda: all(api.get(f"/api/tracks/{track}").json()["loudness"] for track in ids), 60)

        def play_from(seconds: float, *, crossfade_seconds: int) -> list[Any]:
            queue = {"track_ids": ids, "position": 0, "position_ms": round(1000 * seconds), "client": "test"}
            api.put("/api/queue", json=queue).raise_for_status()
            page = open_page("/queue")
            page.evaluate(f"() => localStorage.setItem('player.crossfade-seconds', '{crossfade_seconds}')")
            page.reload()
            page.evaluate(WATCH)
            page.get_by_role("region", name="Player").get_by_role("button", name="Play", exact=True).click()
            wait_until(lambda: page.evaluate(f"() => window.heard[{ids[1]}]?.last"), PAGE_SECONDS)
            expect(page.get_by_role("heading", level=1)).to_have_text("2")
            return [page.evaluate(f"() => window.heard[{track}]") for track in ids]

        yield play_from


def test_a_crossfade_begins_before_the_silence_and_ends_behind_it(play: Callable[..., list[Any]]) -> None:
    _, second = play(SOUND_SECONDS - FADE_SECONDS - 2, crossfade_seconds=FADE_SECONDS)
    [first_at_that_time] = second["others"]
    assert SOUND_SECONDS - FADE_SECONDS - 0.1 <= first_at_that_time < SOUND_SECONDS
    assert SILENCE_SECONDS - 0.1 <= second["first"] < SILENCE_SECONDS + 1


def test_without_a_crossfade_files_are_played_as_they_are(play: Callable[..., list[Any]]) -> None:
    first, second = play(SOUND_SECONDS + SILENCE_SECONDS - 2, crossfade_seconds=0)
    assert first["last"] > SOUND_SECONDS + SILENCE_SECONDS - 0.5
    assert second["first"] < 1
