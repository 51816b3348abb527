"""The player of the page: real sound from the stack, in a real browser."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.browser import PLAYED_SECONDS
from tests.support.stack import Stack, wait_until
from tests.web.conftest import PAGE_SECONDS
from tests.web.music import SONG_SECONDS

OpenPage = Callable[..., Page]
# The largest gap between two tracks that one hardly hears is some 20 ms; a busy machine needs more.
MAX_GAP_MS = 500
# Notes for each element when its sound began and when it will have ended, in ms of the page's clock.
WATCH_GAPS = """() => {
  window.heard = new Map();
  const look = () => {
    for (const audio of document.querySelectorAll('audio')) {
      if (!audio.src || audio.paused || !audio.currentTime) continue;
      const began = performance.now() - 1000 * audio.currentTime;
      const known = window.heard.get(audio.src) ?? { began };
      window.heard.set(audio.src, { ...known, ends: began + 1000 * audio.duration });
    }
    setTimeout(look, 1);
  };
  look();
}"""
GAPS = """() => {
  const all = [...window.heard.values()].toSorted((a, b) => a.began - b.began);
  return all.slice(1).map((one, i) => one.began - all[i].ends);
}"""


@pytest.fixture
def api(stack: Stack, signed_in: list[dict[str, Any]]) -> Iterator[httpx.Client]:
    cookies = {cookie["name"]: cookie["value"] for cookie in signed_in}
    with httpx.Client(base_url=stack.url, cookies=cookies, timeout=30) as client:
        yield client


@pytest.fixture
def tracks(api: httpx.Client) -> list[dict[str, Any]]:
    """Return the three tracks of two albums; the first of each has lyrics with times."""
    artist = api.get("/api/artists", params={"limit": 1}).json()["items"][0]
    return list(api.get("/api/tracks", params={"artist_id": artist["id"], "limit": 6}).json()["items"])


@pytest.fixture
def open_queue(open_page: OpenPage, api: httpx.Client, tracks: list[dict[str, Any]]) -> OpenPage:
    """Give a function that saves a queue as another device does, and opens a view of the page with it."""

    def open_at(path: str = "/queue", *, order: str = "012", at: int = 0, seconds: float = 0, **more: Any) -> Page:
        ids = [tracks[int(number)]["id"] for number in order]
        queue = {"track_ids": ids, "position": at, "position_ms": round(1000 * seconds), "client": "test"}
        api.put("/api/queue", json=queue).raise_for_status()
        page = open_page(path, **more)
        expect(player(page)).to_be_visible()
        return page

    return open_at


def player(page: Page) -> Locator:
    return page.get_by_role("region", name="Player")


def press_play(page: Page) -> None:
    player(page).get_by_role("button", name="Play", exact=True).click()
    expect(player(page).get_by_role("button", name="Pause")).to_be_visible()


def wait_for(page: Page, script: str) -> None:
    """Wait until a function of JavaScript returns true. Playwright's own way needs `eval`, which the page forbids."""
    wait_until(lambda: page.evaluate(script), PAGE_SECONDS)


def wait_for_second(page: Page, seconds: float) -> None:
    """Wait until an audio element has really come so far."""
    wait_until(lambda: page.evaluate(PLAYED_SECONDS) > seconds, PAGE_SECONDS)


def coming(page: Page) -> list[str]:
    return [text.split("\n")[0] for text in page.get_by_role("list", name="What comes").locator("li").all_inner_texts()]


def expect_coming(page: Page, titles: list[str]) -> None:
    """Wait until these titles come: what is shown follows a click a moment later."""
    expect(page.get_by_role("list", name="What comes").locator("li")).to_contain_text(titles)


def test_what_is_alike_comes_into_view_below_a_long_queue(open_queue: OpenPage) -> None:
    page = open_queue(order="012345" * 8)
    page.get_by_role("button", name="More like this", exact=True).click()
    heading = page.get_by_role("heading", name="More like “Arrival”")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    expect(page.locator(".more-like-this .track-row").first).to_be_in_viewport()
    # The content alone is scrolled: top and player stay where they are.
    assert page.evaluate("[scrollY, document.documentElement.scrollHeight - innerHeight]") == [0, 0]


def test_a_row_says_whether_its_track_plays_or_is_paused(open_queue: OpenPage, tracks: list[dict[str, Any]]) -> None:
    page = open_queue(f"/albums/{tracks[0]['album_id']}")
    row = page.locator(".track-row[aria-current]")
    expect(row).to_contain_text("in the player")
    press_play(page)
    expect(row).to_contain_text("plays now")
    player(page).get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("in the player")


def test_a_cover_that_is_not_there_is_asked_for_once(open_queue: OpenPage, tracks: list[dict[str, Any]]) -> None:
    page = open_queue("/albums")
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=404)

    page.route(re.compile("/api/covers/track/"), answer)
    page.reload()
    expect(player(page).locator(".cover span")).to_be_visible()  # two pictures at once would both be asked for
    for path in ("/queue", "/albums", "/queue"):
        page.locator(f"a[href='{path}']").first.click()
        expect(page).to_have_url(re.compile(f"{path}$"))
        page.wait_for_load_state("networkidle")
    assert (len(asked), f"/track/{tracks[0]['id']}?" in asked[0]) == (1, True), asked


def test_music_plays_on_by_itself_and_comes_back_on_another_device(
    open_queue: OpenPage, open_page: OpenPage, api: httpx.Client, tracks: list[dict[str, Any]]
) -> None:
    before = plays_of(api, tracks[0])
    page = open_queue(seconds=1)
    expect(page.get_by_role("heading", level=1)).to_have_text("Arrival")
    expect_coming(page, ["Beacon", "Current"])
    assert page.locator("audio[src]").count() == 0  # nothing is loaded before somebody plays it
    page.evaluate(WATCH_GAPS)
    expect(page.locator(".lyrics [aria-current]")).to_have_text("The boats come in")
    press_play(page)
    expect(page.locator(".lyrics [aria-current]")).to_have_text("The harbour lights")
    wait_for_second(page, 1.2)
    metadata = "({ title, artist, album, artwork }) => [title, artist, album, artwork.length]"
    assert page.evaluate(f"() => ({metadata})(navigator.mediaSession.metadata)") == [
        "Arrival",
        tracks[0]["artist"],
        tracks[0]["album"],
        3,
    ]
    assert page.evaluate("() => navigator.mediaSession.playbackState") == "playing"
    expect(page.get_by_role("heading", level=1)).to_have_text("Beacon")
    wait_for_second(page, 1)
    gaps = page.evaluate(GAPS)
    print(f"gap between two tracks: {gaps} ms")
    assert len(gaps) == 1
    assert abs(gaps[0]) < MAX_GAP_MS
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Beacon")
    expect(player(page).get_by_role("button", name="Play", exact=True)).to_be_visible()
    position = float(player(page).get_by_role("slider", name="Position").input_value())
    assert 0.5 < position < SONG_SECONDS
    other = open_page("/", "phone")
    expect(player(other)).to_contain_text("Beacon")
    assert api.get("/api/queue").json()["changed_by"] == "page"
    assert plays_of(api, tracks[0]) == before + 1


def plays_of(api: httpx.Client, track: dict[str, Any]) -> int:
    plays = api.get("/api/plays", params={"limit": 500}).json()["items"]
    return sum(play["client"] == "page" and play["track"]["id"] == track["id"] for play in plays)


def test_keys_and_controls(open_queue: OpenPage) -> None:
    page = open_queue()
    position = player(page).get_by_role("slider", name="Position")
    position.press("ArrowRight")
    expect(position).to_have_attribute("aria-valuetext", "0:05 of 0:06")
    position.press("ArrowLeft")
    expect(position).to_have_attribute("aria-valuetext", "0:00 of 0:06")
    page.keyboard.press(" ")  # also while a slider has the focus
    wait_for_second(page, 0.2)
    page.keyboard.press(" ")
    expect(player(page).get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("heading", level=1)).to_have_text("Beacon")
    position.press("ArrowRight")
    expect(position).to_have_attribute("aria-valuetext", "0:05 of 0:06")
    page.keyboard.press("Shift+ArrowLeft")  # begins it again
    expect(position).to_have_attribute("aria-valuetext", "0:00 of 0:06")
    expect(page.get_by_role("heading", level=1)).to_have_text("Beacon")
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.get_by_role("heading", level=1)).to_have_text("Arrival")

    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Play or pause")
    page.keyboard.press(" ")  # presses the button in focus, and plays nothing
    expect(dialog).to_be_hidden()

    volume = player(page).get_by_role("slider", name="Volume")
    volume.press("ArrowLeft")
    expect(volume).to_have_attribute("aria-valuetext", "95 %")
    volumes = "() => [...document.querySelectorAll('audio')].map((audio) => [audio.volume, audio.muted])"
    assert page.evaluate(volumes) == [[0.95, False]] * 2
    player(page).get_by_role("button", name="Mute").click()
    expect(volume).to_have_attribute("aria-valuetext", "0 %")
    assert page.evaluate(volumes) == [[0.95, True]] * 2
    star = player(page).get_by_role("button", name="Star Arrival")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("main").get_by_role("button", name="Star Arrival")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.reload()
    expect(star).to_have_attribute("aria-pressed", "true")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "false")


def test_what_comes_is_moved_removed_shuffled_and_cleared(open_queue: OpenPage) -> None:
    page = open_queue(order="01234")
    listed = page.get_by_role("list", name="What comes")
    expect(listed.locator("li")).to_have_count(4)
    before = coming(page)
    listed.get_by_role("button", name="Move Current up").click()
    expect_coming(page, [before[1], before[0], *before[2:]])
    expect(listed.get_by_role("button", name="Move Current down").first).to_be_focused()
    rows = listed.locator("li")
    rows.nth(0).drag_to(rows.nth(3))
    expect_coming(page, [before[0], *before[2:], before[1]])
    listed.get_by_role("button", name="Remove Beacon").first.click()
    expect_coming(page, [*before[2:], before[1]])
    shuffle = player(page).get_by_role("button", name="Shuffle")
    shuffle.click()
    wait_until(lambda: sorted(coming(page)) == sorted([*before[2:], before[1]]))
    shuffle.click()
    expect_coming(page, [*before[2:], before[1]])
    repeat = player(page).get_by_role("button", name="Repeat")
    repeat.click()
    expect(repeat).to_have_attribute("aria-label", "Repeat: everything")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Nothing follows this track.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Arrival")


def test_a_file_that_cannot_be_played_is_skipped(
    open_queue: OpenPage, stack: Stack, tracks: list[dict[str, Any]]
) -> None:
    path = Path(tracks[1]["path"])
    content, stat = path.read_bytes(), path.stat()
    try:
        path.write_bytes(b"\0" * len(content))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # so that no scan reads it again
        page = open_queue(order="0121111", at=0, seconds=5)
        press_play(page)
        expect(page.get_by_role("status").filter(has_text="“Beacon” cannot be played and was skipped.")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text("Current")
        player(page).get_by_role("slider", name="Position").press("ArrowRight")
        expect(page.get_by_role("status").filter(has_text="The music has stopped.")).to_be_visible()
        expect(player(page).get_by_role("button", name="Play", exact=True)).to_be_visible()
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_music_waits_for_the_network(open_queue: OpenPage) -> None:
    page = open_queue()
    page.context.set_offline(True)
    press_play(page)
    expect(player(page)).to_contain_text("Waiting for SoniqueBay")
    expect(page.get_by_role("heading", level=1)).to_have_text("Arrival")
    page.context.set_offline(False)
    wait_for_second(page, 0.2)
    expect(player(page)).not_to_contain_text("Waiting for SoniqueBay")


def test_settings_crossfade_gain_and_a_transcoded_stream(open_queue: OpenPage) -> None:
    page = open_queue(order="01", seconds=4.5)
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Quality").select_option("128 kbit/s")
    page.get_by_label("Equal loudness").select_option("auto")
    page.get_by_role("slider", name="Crossfade").press("ArrowRight")
    expect(page.get_by_text("1 second")).to_be_visible()
    page.reload()  # the choices stay
    expect(page.get_by_label("Quality")).to_have_value("128")
    player(page).get_by_role("link", name="Show what plays").click()
    # A stream that is transcoded has no ranges: it is asked for from there on.
    with page.expect_request(re.compile(r"/stream\?format=opus&bit_rate=128&offset=4.5$")):
        press_play(page)
    slider = player(page).get_by_role("slider", name="Position")
    wait_until(lambda: float(slider.input_value()) > 4.5)
    volumes = "[...document.querySelectorAll('audio[src]')].map((audio) => audio.volume)"
    wait_for(page, f"() => {volumes}.some((volume) => Math.abs(volume - 0.5) < 0.01)")
    wait_for(page, "() => [...document.querySelectorAll('audio')].filter((audio) => !audio.paused).length === 2")
    expect(page.get_by_role("heading", level=1)).to_have_text("Beacon")
    wait_for(page, "() => document.querySelectorAll('audio[src]').length === 1")


def test_a_playlist_is_made_played_changed_and_deleted(
    open_queue: OpenPage, api: httpx.Client, tracks: list[dict[str, Any]]
) -> None:
    page = open_queue(order="0123")
    page.get_by_role("button", name="Save as playlist").click()
    dialog = page.get_by_role("dialog", name="Add to a playlist")
    dialog.get_by_label("New playlist").fill("Evening")
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_role("status").filter(has_text="4 tracks are in “Evening” now.")).to_be_visible()
    page.goto(f"/albums/{tracks[2]['album_id']}")
    page.get_by_role("button", name=f"More for {tracks[2]['title']}").click()
    page.get_by_role("menuitem", name="Add to a playlist").click()
    dialog.get_by_role("button", name="Evening").click()
    expect(page.get_by_role("status").filter(has_text="1 track is in “Evening” now.")).to_be_visible()
    page.get_by_role("link", name="Playlists").click()
    page.get_by_role("link", name="Evening").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Evening")
    listed = page.get_by_role("list", name="Evening")
    listed.get_by_role("button", name="Move Beacon down").click()
    listed.get_by_role("button", name="Move Beacon down").click()  # before the first change was answered
    listed.get_by_role("button", name="Remove Current").first.click()
    expect(listed.locator("li")).to_have_count(4)
    [playlist] = api.get("/api/playlists").json()["items"]

    def entries() -> list[int]:
        items = api.get(f"/api/playlists/{playlist['id']}/entries").json()["items"]
        return [entry["track"]["id"] for entry in items]

    wait_until(lambda: entries() == [tracks[n]["id"] for n in (0, 3, 1, 2)])
    listed.get_by_role("button", name="Play Beacon").click()
    expect(player(page)).to_contain_text("Beacon")
    wait_for_second(page, 0.2)

    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Name").fill("Late evening")
    page.get_by_label("Others may see and play it").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Late evening")
    assert api.get(f"/api/playlists/{playlist['id']}").json()["is_public"]
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("There is no playlist yet.")).to_be_visible()
    assert api.get("/api/playlists").json()["items"] == []


@pytest.mark.parametrize(
    ("size", "scheme"), [("phone", "light"), ("phone", "dark"), ("desk", "light"), ("desk", "dark")]
)
def test_axe_finds_nothing(
    open_page: OpenPage, api: httpx.Client, tracks: list[dict[str, Any]], size: str, scheme: str
) -> None:
    ids = [track["id"] for track in tracks]
    api.put("/api/queue", json={"track_ids": ids}).raise_for_status()
    rules = {"all": [{"is": {"loved": True}}, {"any": [{"gt": {"year": 1980}}]}], "limit": 10}
    made = [{"name": "Plain", "track_ids": ids}, {"name": "Smart", "rules": rules}]
    playlists = [api.post("/api/playlists", json=one).json()["id"] for one in made]
    try:
        page = open_page("/queue", size, scheme)
        expect(page.get_by_role("heading", name="Lyrics")).to_be_visible()
        check(page)
        page.get_by_role("button", name="Save as playlist").click()
        expect(page.get_by_role("dialog").get_by_role("button", name="Plain")).to_be_visible()
        check(page)
        page.keyboard.press("Escape")
        page.goto("/settings")
        expect(page.get_by_label("Quality")).to_be_visible()
        check(page)
        shown = {"": "Playlists", f"/{playlists[0]}": "Plain", f"/{playlists[1]}": "Smart"}
        for path, heading in shown.items():
            page.goto(f"/playlists{path}")
            expect(page.get_by_role("heading", level=1)).to_have_text(heading)
            expect(page.get_by_text("Loading …")).to_have_count(0)
            check(page)
    finally:
        for playlist in playlists:
            api.delete(f"/api/playlists/{playlist}")


def check(page: Page) -> None:
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
