"""What the page plays by its sound: the radio of a genre, and a blend."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.web.test_library import row

OpenPage = Callable[..., Page]


def test_a_genre_plays_a_radio_that_goes_on(open_page: OpenPage) -> None:
    page = open_page("/genres")
    page.get_by_role("link", name="Jazz 6 albums").click()
    button = page.get_by_role("button", name="Radio like Jazz")
    with page.expect_response(re.compile(r"/api/radio\?genre_id=\d+")) as asked:
        button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    titles = [track["title"] for track in asked.value.json()["items"]]
    expect(page.locator(".player-bar")).to_contain_text(titles[0])
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    page.goto("/albums")
    expect(page.get_by_role("heading", level=1)).to_have_text("Albums")
    expect(page.get_by_role("button", name=re.compile("^Radio like"))).to_have_count(0)
