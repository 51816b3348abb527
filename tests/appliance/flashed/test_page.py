"""The page of the booted machine, in a browser of its network."""

from __future__ import annotations

from playwright.sync_api import expect

from image.emulated.machine import MACHINE_TIMEOUT_SECONDS
from tests.support.browser import chromium

from ..client import OWNER, Appliance


def test_a_listener_signs_in_and_finds_the_album(appliance: Appliance) -> None:
    appliance.scan_songs("/srv/music/Shown", 2, title="Shown", artist="Somebody", album="In the browser")
    appliance.cookie()  # makes the owner
    with chromium() as browser:
        page = browser.new_page(base_url=appliance.machine.url(), locale="en-GB")
        page.set_default_timeout(1000 * MACHINE_TIMEOUT_SECONDS / 3)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto("/")
        page.get_by_label("Name").fill(OWNER["name"])
        page.get_by_label("Password").fill(OWNER["password"])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="In the browser").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("In the browser")
        assert not problems
