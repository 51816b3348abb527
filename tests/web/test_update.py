"""The panel Update: a release on a drive and one that is uploaded, up to the request; and what root's program tells.

Root's program itself runs in `tests/unit/cli/test_take.py`: here a test writes the files that it would.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from image import web_page
from soniquebay import __version__
from soniquebay.releases import request
from soniquebay.releases.journal import Journal, Upgrade
from soniquebay.releases.versions import archive_name
from tests.support.ssh_keys import make_key, sign, trust
from tests.support.stack import Stack, wait_until
from tests.web.conftest import OWNER, PAGE_SECONDS, SIZES, claim

NEWER = "9.1"
NAME = archive_name(NEWER)
ARCHIVE = bytes(range(256)) * 6000  # three parts of an upload
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of releases whose current one trusts a key."""
    made = tmp_path_factory.mktemp("opt")
    release = made / "releases" / __version__
    release.mkdir(parents=True)
    (made / "current").symlink_to(release)
    (release / "SIGNERS").write_text(trust(make_key(made / "key")))
    return made


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Stack]:
    web_page.install()
    music, data = tmp_path_factory.mktemp("music"), tmp_path_factory.mktemp("data")
    running = Stack(music, data, login=True, SONIQUEBAY_RELEASES=str(root))
    claim(running)
    yield running
    assert running.stop() == 0


@pytest.fixture
def opened(browser: Browser, machine: Stack, root: Path) -> Iterator[Opened]:
    """Give a function that opens the view Machine; before it nothing is offered, asked for or told."""
    forget(machine, root)
    contexts: list[BrowserContext] = []
    problems: list[str] = []
    cookies = httpx.post(f"{machine.url}/api/sign-in", json=OWNER, timeout=30).cookies

    def open_at(size: str = "desk", locale: str = "en-GB") -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            base_url=machine.url, viewport={"width": width, "height": height}, locale=locale, reduced_motion="reduce"
        )
        contexts.append(context)
        context.add_cookies([{"name": name, "value": value, "url": machine.url} for name, value in cookies.items()])
        page = context.new_page()
        page.set_default_timeout(1000 * PAGE_SECONDS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto("/machine")
        return page

    yield open_at
    for context in contexts:
        context.close()
    forget(machine, root)
    assert not problems


def cookies_of(page: Page) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}


def forget(machine: Stack, root: Path) -> None:
    files = [*machine.music.iterdir(), *(machine.data / "update").glob("*"), root / request.REFUSAL_FILE]
    for path in (*files, root / "upgrade.json"):
        path.unlink(missing_ok=True)


def put(folder: Path, root: Path, version: str = NEWER) -> Path:
    path = folder / archive_name(version)
    path.write_bytes(ARCHIVE)
    sign(path, root / "key")
    return path


def asked_for(machine: Stack) -> str:
    file = machine.data / "update/request.json"
    told: dict[str, str] = json.loads(wait_until(lambda: file.exists() and file.read_bytes()))
    return told["archive"]


def test_a_release_on_a_drive_is_offered_and_asked_for(opened: Opened, machine: Stack, root: Path) -> None:
    archive = put(machine.music, root)
    put(machine.music, root, "0.0.1")
    page = opened()
    expect(page.get_by_text(f"Release {__version__} runs.")).to_be_visible()
    expect(page.get_by_text(str(archive))).to_be_visible()
    expect(page.get_by_text("Release 0.0.1 is older than the one that runs.")).to_be_visible()
    expect(page.get_by_role("button", name="Install release")).to_have_count(1)
    page.get_by_role("button", name=f"Install release {NEWER}").click()
    question = page.get_by_role("dialog", name=f"Install release {NEWER}?")
    expect(question).to_contain_text("the present one runs again, with the library as it was")
    question.get_by_role("button", name="Cancel").click()
    assert not request.waits(machine.data)
    page.get_by_role("button", name=f"Install release {NEWER}").click()
    question.get_by_role("button", name="Install").click()
    expect(page.locator("[aria-current=step]")).to_have_text("The machine is asked for it")
    assert asked_for(machine) == str(archive)


def test_the_steps_are_followed_through_the_restart_to_the_end(opened: Opened, machine: Stack, root: Path) -> None:
    put(machine.music, root)
    page = opened()
    page.get_by_role("button", name=f"Install release {NEWER}").click()
    page.get_by_role("dialog").get_by_role("button", name="Install").click()
    step = page.locator("[aria-current=step]")
    expect(step).to_have_text("The machine is asked for it")
    with request.serving(root) as lock:
        request.take(machine.data)
        request.note_serving(lock, NEWER)
        expect(step).to_have_text("The signature is checked, and the files are unpacked")
        expect(page.get_by_text(f"Release {NEWER} is being installed.")).to_be_visible()
        found = Axe().run(page)
        assert not found.response["violations"], found.generate_report()
        journal = Journal(root)
        journal.begin(Upgrade(__version__, NEWER, "prepared", time.time()))
        journal.note(step="switching")
        expect(step).to_have_text("The new release starts, and has to work")
        assert machine.stop() == 0
        expect(page.get_by_text("This page waits for it.")).to_be_visible()
        machine.start()
        expect(page.get_by_text("This page waits for it.")).to_be_hidden()
        expect(step).to_have_text("The new release starts, and has to work")
        journal.note(step="finished")
    told = page.get_by_role("status").filter(has_text=f"Release {NEWER} was installed in place of {__version__}.")
    expect(told).to_be_visible()
    expect(page.get_by_role("button", name="Load the page again")).to_have_count(0)  # the same version answers


def test_a_page_of_the_release_before_can_be_loaded_again(opened: Opened, machine: Stack, root: Path) -> None:
    """No other version can answer here, so the answers of the API get its number."""
    journal = Journal(root)
    journal.begin(Upgrade(__version__, NEWER, "healthy", time.time()))
    page = opened()
    expect(page.locator("[aria-current=step]")).to_have_text("The new release works, and the rest starts")
    told = httpx.get(f"{machine.url}/api/updates", cookies=cookies_of(page), timeout=30).json()
    ended = {**told, "version": NEWER, "installing": None, "upgrades": [{**told["upgrades"][0], "step": "finished"}]}
    page.route("**/api/updates", lambda route: route.fulfill(json=ended))
    page.get_by_role("button", name="Load the page again").click()
    expect(page.get_by_text(f"Release {NEWER} runs.")).to_be_visible()
    expect(page.get_by_role("button", name="Load the page again")).to_have_count(0)


def test_it_says_why_one_was_undone_or_refused(opened: Opened, machine: Stack, root: Path) -> None:
    journal = Journal(root)
    journal.begin(Upgrade(__version__, "9.0", "finished", time.time() - 86_400))
    journal.begin(Upgrade(__version__, NEWER, "switching", time.time()))
    page = opened()
    expect(page.locator("[aria-current=step]")).to_have_text("The new release starts, and has to work")
    journal.note(step="undoing")
    expect(page.get_by_text("The new release does not work. The one before is started again.")).to_be_visible()
    journal.note(step="undone", reason="worker: no answer")
    undone = f"Release {NEWER} was undone, and {__version__} runs again: worker: no answer"
    expect(page.get_by_role("status").get_by_text(undone)).to_be_visible()
    request.note_refusal(root, NEWER, "the key is not trusted")
    page.reload()
    expect(page.get_by_text(f"Release {NEWER} was not installed: the key is not trusted")).to_be_visible()
    page.get_by_text("Earlier updates").click()
    past = page.locator(".update details li")
    expect(past.nth(0)).to_contain_text(undone)
    expect(past.nth(1)).to_contain_text(f"Release 9.0 was installed in place of {__version__}.")


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_release_is_uploaded_and_asked_for(
    opened: Opened, machine: Stack, root: Path, tmp_path: Path, size: str
) -> None:
    archive = put(tmp_path, root)
    page = opened(size)
    parts: list[str] = []
    page.on("request", lambda sent: parts.append(sent.url) if sent.method == "PUT" else None)
    page.get_by_text("Upload a release").click()
    page.get_by_label("Archive").set_input_files(archive)
    page.get_by_label("Signature").set_input_files(f"{archive}.sig")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("button", name=f"Install release {NEWER}").click()
    page.get_by_role("dialog").get_by_role("button", name="Install").click()
    received = machine.data / "update" / NAME
    assert asked_for(machine) == str(received)
    assert received.read_bytes() == ARCHIVE
    assert received.with_name(f"{NAME}.sig").read_text() == Path(f"{archive}.sig").read_text()
    assert len([url for url in parts if "/api/updates/upload?" in url]) == 3
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_upload_shows_its_progress_and_is_cancelled(
    opened: Opened, machine: Stack, root: Path, tmp_path: Path
) -> None:
    archive = put(tmp_path, root)
    page = opened()
    page.route(re.compile(r"/api/updates/upload\?.*offset=1048576"), lambda route: None)  # the last part waits
    page.get_by_text("Upload a release").click()
    page.get_by_label("Archive").set_input_files(archive)
    page.get_by_label("Signature").set_input_files(f"{archive}.sig")
    page.get_by_role("button", name="Upload", exact=True).click()
    percent = 100 * (1 << 20) // len(ARCHIVE)
    expect(page.get_by_text(f"{NAME} is being uploaded: {percent} %")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Upload a release")).to_have_attribute("aria-valuenow", str(percent))
    assert (machine.data / "update/upload.partial").stat().st_size == 1 << 20
    page.get_by_role("button", name="Cancel").click()
    wait_until(lambda: not list((machine.data / "update").iterdir()))
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_enabled()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_another_file_is_refused_in_a_sentence(opened: Opened, machine: Stack, tmp_path: Path) -> None:
    song = tmp_path / "song.flac.gz"
    song.write_bytes(b"x")
    page = opened()
    page.get_by_text("Upload a release").click()
    page.get_by_label("Archive").set_input_files(song)
    page.get_by_label("Signature").set_input_files(song)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("this file is not one")


@pytest.mark.parametrize(
    ("locale", "words"),
    [("fr-FR", "La version 9.1 peut être installée."), ("de-DE", "Version 9.1 kann installiert werden.")],
)
def test_it_speaks_the_listeners_language(opened: Opened, machine: Stack, root: Path, locale: str, words: str) -> None:
    put(machine.music, root)
    page = opened("phone", locale)
    expect(page.get_by_text(words)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def test_the_command_says_it_too(opened: Opened, machine: Stack, root: Path) -> None:
    archive = put(machine.music, root)
    told = machine.cli("status", control=True).stdout
    assert f"release {NEWER} is offered: {archive}" in told
    assert f"sudo soniquebay release take {archive}" in told
