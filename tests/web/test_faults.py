"""The page while the appliance is away, a drive is pulled out, or the disk is full: it says so, and recovers."""

import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.browser import PLAYED_SECONDS
from tests.support.small_disk import full_disk, needs_root, small_disk
from tests.support.stack import Stack, wait_until
from tests.web import music
from tests.web.conftest import PAGE_SECONDS, scanned_stack, sign_in

OpenPage = Callable[..., Page]
pytestmark = needs_root
LOOKS = [("phone", "dark"), ("desk", "light")]
DATA_MIB = 64
RETRY_MS = 40_000  # the page waits up to 15 s between two attempts, and a stream of events up to 30


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> "Drive":
    folder = tmp_path_factory.mktemp("drive")
    music.make(folder / "content", albums_per_artist=1)
    return Drive(folder / "content", folder / "mounted")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, drive: "Drive") -> Iterator[Stack]:
    """Give a stack with its data on a small disk, and its music on a drive that can be pulled out."""
    with (
        small_disk(tmp_path_factory.mktemp("data"), DATA_MIB) as data,
        drive.plugged_in(),
        scanned_stack(drive.root, data) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def signed_in(stack: Stack) -> list[dict[str, Any]]:
    return sign_in(stack)


@pytest.fixture
def api(stack: Stack, signed_in: list[dict[str, Any]]) -> Iterator[httpx.Client]:
    cookies = {cookie["name"]: cookie["value"] for cookie in signed_in}
    with httpx.Client(base_url=stack.url, cookies=cookies, timeout=30) as client:
        yield client


class Drive:
    """A folder that is mounted where the library has its root."""

    def __init__(self, content: Path, root: Path) -> None:
        self.content, self.root = content, root

    def _plug_in(self) -> None:
        self.root.mkdir()
        subprocess.run(["mount", "--bind", self.content, self.root], check=True)

    def _pull_out(self) -> None:
        subprocess.run(["umount", "--lazy", self.root], check=True)
        self.root.rmdir()

    @contextmanager
    def plugged_in(self) -> Iterator[None]:
        self._plug_in()
        try:
            yield
        finally:
            self._pull_out()

    @contextmanager
    def pulled_out(self) -> Iterator[None]:
        """Take it away for the duration of the block, with its folder, as systemd does on the appliance."""
        self._pull_out()
        try:
            yield
        finally:
            self._plug_in()


def open_queue(open_page: OpenPage, api: httpx.Client, *look: str, **more: Any) -> Page:
    """Open a queue of more than a minute, whose first track has come to its third second."""
    tracks = api.get("/api/tracks", params={"limit": 12}).json()["items"]
    ids = [track["id"] for track in tracks]
    api.put("/api/queue", json={"track_ids": ids, "position": 0, "position_ms": 3000}).raise_for_status()
    page = open_page("/queue", *look, **more)
    expect(player(page)).to_be_visible()
    return page


def player(page: Page) -> Locator:
    """Return the controls of the player: at the foot of the page, or on a phone in the view of the queue."""
    return page.locator(".player-bar, .queue-view .phone").filter(visible=True)


def press_play(page: Page) -> None:
    player(page).get_by_role("button", name="Play", exact=True).click()
    expect(player(page).get_by_role("button", name="Pause")).to_be_visible()


def wait_until_played(page: Page) -> None:
    """Wait until sound is really played, further than now."""
    before = page.evaluate(PLAYED_SECONDS)
    wait_until(lambda: 0 < page.evaluate(PLAYED_SECONDS) != before, PAGE_SECONDS)


def check(page: Page) -> None:
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def go_to(page: Page, name: str) -> None:
    """Open a view without leaving the page, as a listener does: music plays on."""
    link = page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
    if not link.is_visible():
        page.get_by_role("button", name="More", exact=True).click()
    link.click()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_drive_that_is_pulled_out_is_told_and_the_music_goes_on_once_it_is_back(
    open_page: OpenPage, api: httpx.Client, drive: Drive, size: str, scheme: str
) -> None:
    page = open_queue(open_page, api, size, scheme)
    press_play(page)
    wait_until_played(page)
    waiting = player(page).get_by_text("Waiting for its drive")
    with drive.pulled_out():
        expect(waiting).to_be_visible(timeout=1000 * PAGE_SECONDS)  # the next track is in the browser already
        told = page.get_by_role("status").filter(has_text="is not there. Plug it in, and the music plays on.")
        expect(told).to_be_visible()
        check(page)
        go_to(page, "Albums")
        expect(page.get_by_role("link", name="Undertow").first).to_be_visible()  # the library is still there
        go_to(page, "Machine")
        expect(page.locator(".drives li").filter(has_text=str(drive.root))).to_contain_text("Is the drive plugged in?")
        check(page)
        expect(waiting).to_be_visible()  # it is no reason to skip a track
    expect(waiting).to_have_count(0, timeout=RETRY_MS)
    wait_until_played(page)


@contextmanager
def full(stack: Stack) -> Iterator[None]:
    """Fill the disk with the data; the write-ahead logs have no room left that they could use again."""
    for name in ("library.db", "listeners.db"):
        with closing(sqlite3.connect(stack.data / name)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with full_disk(stack.data):
        yield


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_full_disk_is_told_and_nothing_is_lost(
    open_page: OpenPage, api: httpx.Client, stack: Stack, size: str, scheme: str
) -> None:
    page = open_queue(open_page, api, size, scheme)
    first = page.get_by_role("heading", level=1).inner_text()
    plays = api.get("/api/plays", params={"limit": 500}).json()["items"]
    full_words = re.compile("The disk of SoniqueBay is full, so nothing can be saved. Make room on it")
    banner = page.locator("main").get_by_role("status").filter(has_text="stay on this page until they can be saved")
    with full(stack):
        star = page.get_by_role("main").get_by_role("button", name=f"Star {first}")
        star.click()
        expect(page.locator(".told")).to_contain_text(full_words)
        expect(star).to_have_attribute("aria-pressed", "false")
        press_play(page)
        expect(banner).to_contain_text(full_words)
        check(page)
        wait_until_played(page)  # it plays on, also the next track
        expect(page.get_by_role("heading", level=1)).not_to_have_text(first, timeout=1000 * PAGE_SECONDS)
        wait_until_played(page)
        page.get_by_role("button", name="Save as playlist").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("New playlist").fill("Evening")
        dialog.get_by_role("button", name="Create").click()
        expect(dialog.get_by_role("alert")).to_contain_text(full_words)
        check(page)
        page.keyboard.press("Escape")
        go_to(page, "Machine")
        data = page.locator(".drives li").filter(has_text="covers and database")
        expect(data).to_contain_text("It is full, so nothing can be saved.")
        page.get_by_role("button", name="Scan now").click()
        expect(page.get_by_role("alert")).to_contain_text(full_words)
        check(page)
        assert api.get("/api/queue").json()["changed_by"] != "page"
    expect(banner).to_have_count(0, timeout=RETRY_MS)
    wait_until(lambda: api.get("/api/queue").json()["changed_by"] == "page")
    assert api.get("/api/queue").json()["position"] > 0
    heard = api.get("/api/plays", params={"limit": 500}).json()["items"]
    assert len(heard) > len(plays)
    player(page).get_by_role("button", name="Pause").click()
    player(page).get_by_role("link", name="Show what plays").click()
    star = page.get_by_role("main").get_by_role("button", name="Star")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(
    ("locale", "words"),
    [("de-DE", "Der Speicher von SoniqueBay ist voll"), ("fr-FR", "Le disque de SoniqueBay est plein")],
)
def test_a_full_disk_is_told_in_the_language_of_the_browser(
    open_page: OpenPage, api: httpx.Client, stack: Stack, locale: str, words: str
) -> None:
    page = open_queue(open_page, api, locale=locale)
    with full(stack):
        page.locator("main .star").first.click()
        expect(page.locator(".told")).to_contain_text(words)


def test_a_saved_queue_that_cannot_be_loaded_is_told_and_there_once_the_appliance_is_back(
    open_page: OpenPage, api: httpx.Client, stack: Stack
) -> None:
    page = open_queue(open_page, api)
    saved = api.get("/api/queue").json()
    waiting = page.get_by_text("The saved queue cannot be loaded yet. Trying again")

    def lose_the_appliance(route: Route) -> None:
        if stack.process.poll() is None:
            assert stack.stop() == 0
        route.continue_()

    page.route("**/api/queue?*", lose_the_appliance)
    try:
        page.reload()
        expect(page.locator(".told").filter(has=waiting)).to_be_visible()
        expect(page.get_by_role("main").filter(has=waiting)).to_be_visible()
        check(page)
    finally:
        page.unroute("**/api/queue?*")
        stack.start()
    expect(player(page)).to_be_visible(timeout=RETRY_MS)
    expect(page.get_by_role("heading", level=1)).to_have_text(saved["items"][0]["track"]["title"])
    expect(waiting).to_have_count(0)
    wait_until(lambda: page.evaluate("document.querySelectorAll('.coming li').length") == len(saved["items"]) - 1)
    assert api.get("/api/queue").json()["changed_by"] == saved["changed_by"]  # nothing has taken its place


def test_a_page_and_its_music_come_back_with_the_appliance(
    open_page: OpenPage, api: httpx.Client, stack: Stack
) -> None:
    page = open_queue(open_page, api)
    press_play(page)
    wait_until_played(page)
    away = page.get_by_text("SoniqueBay does not answer. Trying again")
    assert stack.stop() == 0
    try:
        expect(away).to_be_visible()
        check(page)
    finally:
        stack.start()
    expect(away).to_have_count(0, timeout=RETRY_MS)
    wait_until_played(page)
    go_to(page, "Albums")
    expect(page.get_by_role("link", name="Undertow").first).to_be_visible()
