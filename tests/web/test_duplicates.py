"""The view of duplicates: what sounds like one recording, file by file, for those who manage the library."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.stack import Stack, wait_until
from tests.web.conftest import OWNER, SIZES

OpenPage = Callable[..., Page]
LISTENER = {"name": "Dup", "password": "long enough"}
COMPARED_SECONDS = 180.0  # until the library is compared, on a busy machine
TITLES = {"en-GB": "Duplicates by sound", "de-DE": "Doppelte nach dem Klang", "fr-FR": "Doublons par le son"}


@pytest.fixture(scope="module")
def owner(stack: Stack) -> httpx.Client:
    client = httpx.Client(base_url=stack.url, timeout=30)
    assert client.post("/api/sign-in", json=OWNER).status_code == 200
    return client


@pytest.fixture(scope="module")
def groups(owner: httpx.Client) -> list[dict[str, Any]]:
    """Return the groups of the library: the albums of an artist have the same tones under other titles."""
    wait_until(lambda: owner.get("/api/duplicates").json()["complete"], COMPARED_SECONDS)
    found: list[dict[str, Any]] = owner.get("/api/duplicates", params={"limit": 500}).json()["items"]
    assert len(found) > 10
    return found


def test_the_list_leads_to_the_files_of_a_recording_and_each_can_be_heard(
    open_page: OpenPage, groups: list[dict[str, Any]]
) -> None:
    page = open_page("/machine")
    page.get_by_role("link", name=f"{len(groups)} recordings in several files").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["en-GB"])
    expect(page.get_by_text("That is a guess: listen before you delete one.")).to_be_visible()
    expect(page.get_by_role("link", name="Machine")).to_have_attribute("aria-current", "page")
    tracks = groups[0]["tracks"]
    row = page.locator(".duplicate-row").first
    expect(row).to_contain_text(tracks[0]["title"])
    expect(row).to_contain_text(f"{len(tracks)} files · FLAC")
    row.get_by_role("button").click()
    files = page.get_by_role("dialog").locator(".duplicate-files li")
    expect(files).to_have_count(len(tracks))
    for number, track in enumerate(tracks):
        expect(files.nth(number)).to_contain_text(track["path"])
        expect(files.nth(number)).to_contain_text(track["album"])
        expect(files.nth(number)).to_contain_text(f"FLAC · {track['sound']['bit_rate'] / 1000:.0f} kbit/s")
    files.nth(1).get_by_role("button").click()
    expect(page.locator(".player-bar")).to_contain_text(tracks[1]["title"])
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row.get_by_role("button")).to_be_focused()


def test_only_what_is_in_view_is_in_the_document(open_page: OpenPage, groups: list[dict[str, Any]]) -> None:
    page = open_page("/machine/duplicates", "desk")
    rows = page.locator(".virtual-grid li")
    expect(rows.first).to_have_attribute("aria-setsize", str(len(groups)))
    assert rows.count() < len(groups)
    page.get_by_role("main").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    expect(page.locator(f".virtual-grid li[data-index='{len(groups) - 1}'] .duplicate-row")).to_be_visible()


@pytest.mark.parametrize("locale", TITLES)
def test_it_speaks_each_language(open_page: OpenPage, groups: list[dict[str, Any]], locale: str) -> None:
    page = open_page("/machine/duplicates", locale=locale)
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES[locale])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(open_page: OpenPage, groups: list[dict[str, Any]], size: str, scheme: str) -> None:
    page = open_page("/machine/duplicates", size, scheme)
    expect(page.locator(".duplicate-row").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    page.locator(".duplicate-row").first.get_by_role("button").click()
    expect(page.locator(".duplicate-files li").nth(1)).to_be_visible()
    assert page.locator(".dialog").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def test_a_listener_sees_none(open_page: OpenPage, owner: httpx.Client) -> None:
    assert owner.post("/api/users", json=LISTENER).status_code == 201
    page = open_page("/sign-in", is_signed_in=False)
    page.get_by_label("Name").fill(LISTENER["name"])
    page.get_by_label("Password").fill(LISTENER["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Good to hear you, Dup")
    page.goto("/machine/duplicates")
    expect(page.get_by_text("Only users who manage")).to_be_visible()
    assert page.request.get("/api/duplicates").status == 403
