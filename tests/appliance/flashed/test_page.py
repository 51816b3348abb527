"""The page of the booted machine, in a browser of its network. With PICTURES=1 it makes pictures of the docs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from image.emulated.machine import MACHINE_TIMEOUT_SECONDS
from tests.support.browser import PLAYED_SECONDS, chromium, save_picture
from tests.web import music

from ..client import OWNER, Appliance, wait_for


@pytest.fixture(scope="module", autouse=True)
def albums(appliance: Appliance, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the machine scan and analyse eight albums of one song, and find their covers."""
    folder = tmp_path_factory.mktemp("page") / "music"
    count = music.make(folder, albums_per_artist=1, songs_per_album=1)
    appliance.scan_folder(folder, "/srv/music/Page")

    def all_have_covers() -> bool:
        shown = [album for album in appliance.all_items("/api/albums") if album["title"] in music.TITLES]
        return len(shown) == count and all(album["has_cover"] for album in shown)

    wait_for("the albums have their covers", all_have_covers)


def test_a_listener_signs_in_plays_an_album_and_looks_at_the_machine(appliance: Appliance) -> None:
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
        page.get_by_role("link", name=music.TITLES[-1]).first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(music.TITLES[-1])
        page.get_by_role("main").get_by_role("button", name="Play", exact=True).click()
        wait_for("the music plays", lambda: page.evaluate(PLAYED_SECONDS) > 1, pause=0.2)
        page.goto("/")
        expect(page.get_by_role("heading", name="Recently added")).to_be_visible()
        save_picture(page, "booted-home")
        page.goto("/machine")
        expect(page.get_by_role("heading", name="Processes")).to_be_visible()
        save_picture(page, "booted-machine")
        assert not problems
