"""The first run: an empty library, a drive with music, the first scan; and a page whose appliance is away."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, expect

from image import web_page
from tests.support import nginx
from tests.support.stack import Stack, free_port
from tests.web import music
from tests.web.conftest import OWNER, PAGE_SECONDS, SIZES

CLAIM = "Make it yours: "


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack without an owner and without music; the first test gives it both."""
    web_page.install()
    running = Stack(tmp_path_factory.mktemp("music"), tmp_path_factory.mktemp("data"), login=True)
    yield running
    assert running.stop() == 0


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    width, height = SIZES["desk"]
    made = browser.new_context(
        viewport={"width": width, "height": height}, locale="en-GB", reduced_motion="reduce", color_scheme="dark"
    )
    made.set_default_timeout(1000 * PAGE_SECONDS)
    yield made
    made.close()


def test_from_the_claim_to_the_first_albums(new: Stack, context: BrowserContext, tmp_path: Path) -> None:
    music.make(tmp_path / "made")
    page = context.new_page()
    link = next(line for line in new.output if CLAIM in line).split(CLAIM, 1)[1].strip()
    page.goto(link)
    expect(page.locator("img[src='/icon.svg']")).to_be_visible()
    expect(page.get_by_text("Choose your name and a password")).to_be_visible()
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    page.get_by_label("Your name").fill(OWNER["name"])
    page.get_by_label("A password").fill(OWNER["password"])
    page.get_by_label("The password again").fill(OWNER["password"])
    page.get_by_role("button", name="This is mine").click()
    expect(page.get_by_role("link", name="Albums")).to_be_visible()
    page.goto(new.url)

    expect(page.get_by_role("heading", name="Plug in a drive with your music")).to_be_visible()
    drive = page.locator(".drives li")
    expect(drive).to_have_count(1)
    expect(drive).to_contain_text(str(new.music))
    expect(drive).to_contain_text("free")
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()

    for artist in (tmp_path / "made").iterdir():
        shutil.move(artist, new.music / artist.name)
    with new.frozen("worker"):
        page.get_by_role("button", name="Scan now").click()
        expect(page.get_by_text("Looking for music")).to_be_visible()
        expect(page.get_by_role("progressbar")).to_be_visible()
        found = Axe().run(page)
        assert not found.response["violations"], found.generate_report()
    expect(page.get_by_role("link", name="Undertow").first).to_be_visible()
    expect(page.get_by_role("heading", name="Recently added")).to_be_visible()


def test_a_page_says_that_the_appliance_is_away_until_it_is_back(
    new: Stack, context: BrowserContext, tmp_path: Path
) -> None:
    port = free_port()
    proxy = f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {new.url}; proxy_buffering off; }} }}"
    url = f"http://127.0.0.1:{port}"
    page = context.new_page()
    folder = tmp_path / "nginx"
    folder.mkdir()
    notice = page.get_by_text("SoniqueBay does not answer. Trying again")
    with nginx.nginx(folder, proxy, f"{url}/api/health"):
        assert context.request.post(f"{url}/api/sign-in", data=OWNER).status == 200
        page.route("**/api/backups", lambda route: route.abort())
        page.goto(f"{url}/machine")
        expect(page.get_by_role("heading", name="Processes")).to_be_visible()
        expect(notice).to_have_count(0)
        expect(page.get_by_role("alert").get_by_role("button", name="Try again")).to_be_visible()
        page.unroute("**/api/backups")
    expect(notice).to_be_visible()
    page.get_by_role("button", name="Scan now").click()
    # What was not loaded yet says the same, with a button.
    alert = page.get_by_role("alert").filter(has_text=re.compile(r"^SoniqueBay does not answer\.$"))
    expect(alert).to_be_visible()
    with nginx.nginx(folder, proxy, f"{url}/api/health"):
        expect(notice).to_have_count(0, timeout=60_000)
        page.get_by_role("button", name="Scan now").click()
        expect(page.get_by_role("alert")).to_have_count(0)
