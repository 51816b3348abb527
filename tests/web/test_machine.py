"""The view Machine: its numbers are the API's, and it says why a file is not in the library."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.stack import Stack
from tests.web.conftest import OWNER, PAGE_SECONDS

OpenPage = Callable[..., Page]
LISTENER = {"name": "Lis", "password": "long enough"}
# Of the security updates, as `/api/machine` tells it.
RECORD: dict[str, Any] = {
    "began_at": 1_767_326_400.0,
    "ended_at": 1_767_326_500.0,  # 2 January 2026
    "succeeded_at": 1_767_326_500.0,
    "result": "installed",
    "reason": "",
    "packages": ["openssl:arm64: 3.5.1-1 → 3.5.1-1+deb13u1"],
    "waits_for_reboot": False,
}


@pytest.fixture(scope="module")
def owner(stack: Stack) -> httpx.Client:
    client = httpx.Client(base_url=stack.url, timeout=30)
    assert client.post("/api/sign-in", json=OWNER).status_code == 200
    return client


@pytest.fixture(scope="module")
def broken(stack: Stack) -> Path:
    """Scan a damaged file, and a folder that is left out."""
    folder = stack.music / "Broken"
    folder.mkdir()
    (folder / "damaged.flac").write_bytes(b"fLaC" + bytes(100))
    (folder / "Ignored").mkdir()
    (folder / "Ignored/.nomedia").touch()
    (folder / "Ignored/talk.mp3").write_bytes(b"x")
    stack.cli("scan", "--wait", control=True)
    return folder


def show(page: Page, owner: httpx.Client, **changed: Any) -> None:
    """Show the view Machine with another state than the API's."""
    state = {**owner.get("/api/machine").json(), **changed}
    page.route("**/api/machine", lambda route: route.fulfill(json=state))
    event = f"event: machine\ndata: {json.dumps(state)}\n\n"
    page.route(
        re.compile(r"/api/events\?.*machine=true"),
        lambda route: route.fulfill(body=event, content_type="text/event-stream"),
    )
    page.goto("/machine")


def test_its_numbers_are_those_of_the_api(open_page: OpenPage, owner: httpx.Client, broken: Path) -> None:
    page = open_page("/machine")
    state: dict[str, Any] = owner.get("/api/machine").json()
    assert state["processes"]["now"] >= 1
    assert {change["reason"] for change in state["processes"]["changes"]} >= {"start"}
    assert {part["name"] for part in state["memory"]["parts"]} >= {"api", "worker", "redis"}
    expect(page.get_by_test_id("processes")).to_have_text(str(state["processes"]["now"]))
    for queue, length in state["queues"].items():
        expect(page.get_by_test_id(f"queue-{queue}")).to_have_text(str(length))
    expect(page.locator(".drives strong").first).to_have_text(state["drives"][0]["path"])
    expect(page.get_by_text(state["version"], exact=True)).to_be_visible()
    page.get_by_text("Changes and their reasons").click()
    expect(page.get_by_role("cell", name="The worker has started")).to_be_visible()
    reason = owner.get("/api/scan-sessions/2/failures").json()["items"][0]["reason"]
    failure = page.locator(".failures li").filter(has_text=f"{broken}/damaged.flac")
    expect(failure).to_contain_text(reason)
    expect(failure).to_contain_text("Replace it by a good copy")


def test_flower_is_linked_at_the_port_that_it_has(open_page: OpenPage, stack: Stack) -> None:
    link = open_page("/machine").get_by_role("link", name="More details in Flower")
    expect(link).to_have_attribute("href", f"http://127.0.0.1:{stack.flower_port}/")


def test_the_log_is_shown_by_level_and_program_the_newest_first(
    open_page: OpenPage, stack: Stack, owner: httpx.Client, broken: Path
) -> None:
    page = open_page("/machine")
    log, lines = page.get_by_role("region", name="Log of the last hour"), page.locator(".log li")
    damaged = lines.filter(has_text=f"{broken}/damaged.flac")
    expect(damaged).to_contain_text("files that could not be read: 1, the first:")
    expect(damaged).to_contain_text(re.compile(r"\d:\d\d:\d\d\s*Warning\s*Worker"))
    expect(damaged).to_contain_text("Scan 2")
    expect(lines.filter(has_text="inserted a batch")).to_have_count(0)
    page.get_by_label("Show").select_option("Everything")
    expect(lines.filter(has_text="inserted a batch").first).to_contain_text("Note")
    told = owner.get("/api/logs").json()["items"]
    assert len(told) > 5
    expect(lines).to_have_count(len(told))
    for number in (0, len(told) - 1):
        expect(lines.nth(number)).to_contain_text(told[number]["message"])
    page.get_by_label("Program").select_option("API")
    expect(lines.filter(has_text="inserted a batch")).to_have_count(0)
    expect(lines.filter(has_text="public API on").first).to_be_visible()
    log.focus()
    expect(log).to_be_focused()
    page.get_by_label("Show").select_option("Errors")
    expect(page.get_by_text("Nothing has gone wrong.")).to_be_visible()


def test_a_new_line_appears_by_itself(open_page: OpenPage, stack: Stack, broken: Path) -> None:
    page = open_page("/machine")
    lines = page.locator(".log li")
    expect(lines.filter(has_text="damaged.flac")).to_be_visible()
    expect(lines.filter(has_text="192.0.2.1")).to_have_count(0)
    # A client that is no proxy of the settings, which the API tells once.
    httpx.get(f"{stack.url}/api/health", headers={"X-Forwarded-For": "192.0.2.1"}, timeout=30)
    expect(lines.first).to_contain_text("seems to be a reverse proxy", timeout=15_000)


def test_it_says_whether_every_part_answers(open_page: OpenPage, stack: Stack) -> None:
    page = open_page("/machine")
    expect(page.get_by_text("Everything works.")).to_be_visible()
    with stack.frozen("worker"):
        page.reload()
        expect(page.get_by_text("The worker: no answer within 5 s")).to_be_visible(timeout=1000 * PAGE_SECONDS)


def test_it_shows_how_worn_the_card_is(open_page: OpenPage, owner: httpx.Client) -> None:
    """No machine of a test has a card that tells it, so the answers of the API get one."""
    page = open_page("/settings")
    show(page, owner, card={"worn_percent": 90, "reserve": "urgent", "written_bytes": 3_200_000_000})
    expect(page.get_by_text("at most 90 % of its life used · 3.2 GB written since the start")).to_be_visible()
    expect(page.get_by_text("The card is worn")).to_be_visible()


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (None, "on another machine, install them yourself"),
        (RECORD, "1 package was updated. There is nothing to do."),
        ({**RECORD, "waits_for_reboot": True}, "Or restart it now: sudo reboot"),
        ({**RECORD, "result": "up_to_date", "packages": []}, "Every security update is installed. There is nothing"),
        ({**RECORD, "result": "postponed", "reason": "somebody listens"}, "put off: somebody listens. The machine"),
        ({**RECORD, "result": "unreachable", "reason": "no route"}, "fetched: no route. Connect the machine"),
        ({**RECORD, "result": "failed", "reason": "dpkg ended"}, "failed: dpkg ended. The machine tries again"),
        ({**RECORD, "succeeded_at": None}, "No run has come to its end yet."),
    ],
)  # fmt: skip
def test_it_says_what_to_do_about_security_updates(
    open_page: OpenPage, owner: httpx.Client, record: dict[str, Any] | None, words: str
) -> None:
    """Only a booted appliance runs them, so the answers of the API get a record of each kind."""
    page = open_page("/settings")
    show(page, owner, system_updates=record)
    panel = page.locator("section").filter(has=page.get_by_role("heading", name="Security updates", exact=True))
    expect(panel).to_contain_text(words)
    waits = bool(record and record["waits_for_reboot"])
    expect(panel.get_by_text("takes effect when the machine has restarted")).to_have_count(int(waits))


@pytest.mark.parametrize(
    ("size", "locale", "words"),
    [
        ("phone", "en-GB", "look into /var/log/unattended-upgrades there."),
        ("phone", "de-DE", "sieh dort in /var/log/unattended-upgrades nach."),
        ("phone", "fr-FR", "consultez-y /var/log/unattended-upgrades."),
        ("desk", "en-GB", "Last run: 2 Jan 2026"),
    ],
)
def test_security_updates_are_told_in_each_language_and_have_room(
    open_page: OpenPage, owner: httpx.Client, size: str, locale: str, words: str
) -> None:
    page = open_page("/settings", size, "dark" if size == "desk" else "light", locale=locale)
    show(page, owner, system_updates={**RECORD, "result": "failed", "reason": "x" * 200, "waits_for_reboot": True})
    expect(page.get_by_text(words)).to_be_visible()
    page.locator("details").filter(has_text=RECORD["packages"][0]).locator("summary").click()
    expect(page.get_by_text(RECORD["packages"][0])).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def test_it_says_why_a_file_is_not_there(open_page: OpenPage, broken: Path) -> None:
    page = open_page("/machine")
    for path, words in (
        (f"{broken}/Ignored/talk.mp3", f"{broken}/Ignored/.nomedia"),
        (f"{broken}/damaged.flac", "It could not be read"),
        (f"{broken}/gone.flac", "There is no such file"),
        ("/etc/passwd", "not below a folder of music"),
        ("song.flac", "not an absolute path"),
    ):
        page.get_by_label("Path of the file").fill(path)
        page.get_by_role("button", name="Find out").click()
        expect(page.locator("output")).to_contain_text(words)
    page.goto(f"/machine?path={broken}/damaged.flac")
    expect(page.locator("output")).to_contain_text("It could not be read")


def test_a_backup_is_made_and_shown(open_page: OpenPage, stack: Stack, owner: httpx.Client, broken: Path) -> None:
    page = open_page("/machine")
    panel = page.locator("section").filter(has=page.get_by_role("heading", name="Backups", exact=True))
    expect(panel).to_contain_text("There is no backup yet. The first one is made by itself.")
    expect(panel).to_contain_text("They are on this machine alone.")
    panel.get_by_role("button", name="Back up now").click()
    expect(panel.get_by_role("listitem")).to_have_count(1)
    (made,) = owner.get("/api/backups").json()["items"]
    expect(panel.get_by_role("listitem")).to_contain_text(f"{made['tracks']} tracks")
    expect(panel.get_by_role("button", name="Back up now")).to_be_enabled()
    (stack.data / "backups" / made["name"] / "library.db").unlink()
    page.reload()
    expect(panel.get_by_role("listitem")).to_contain_text("cannot be read")
    for locale, heading in (("de-DE", "Sicherungen"), ("fr-FR", "Sauvegardes")):
        expect(open_page("/machine", locale=locale).get_by_role("heading", name=heading, exact=True)).to_be_visible()


def test_a_listener_sees_no_machine(open_page: OpenPage, stack: Stack, owner: httpx.Client) -> None:
    assert owner.post("/api/users", json=LISTENER).status_code == 201
    page = open_page("/sign-in", is_signed_in=False)
    page.get_by_label("Name").fill(LISTENER["name"])
    page.get_by_label("Password").fill(LISTENER["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Good to hear you, Lis")
    expect(page.get_by_role("link", name="Albums")).to_be_visible()
    expect(page.get_by_role("link", name="Machine")).to_have_count(0)
    page.goto("/machine")
    expect(page.get_by_text(re.compile("Only users who manage"))).to_be_visible()
    assert page.request.get("/api/machine").status == 403
    assert page.request.get("/api/events?machine=true").status == 403


@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desk", "light")])
def test_axe_finds_nothing(open_page: OpenPage, broken: Path, size: str, scheme: str) -> None:
    page = open_page(f"/machine?path={broken}/damaged.flac", size, scheme)
    page.get_by_text("Changes and their reasons").click()
    expect(page.locator("output")).to_contain_text("It could not be read")
    expect(page.locator(".failures li").first).to_be_visible()
    page.get_by_label("Show").select_option("Everything")
    expect(page.locator(".log li").nth(2)).to_be_visible()
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def test_a_scan_that_is_started_there_is_followed_everywhere(
    open_page: OpenPage, stack: Stack, owner: httpx.Client, broken: Path
) -> None:
    """The last one here: the scan that it cancels has no failures, which the others look at."""
    page = open_page("/machine")
    last = owner.get("/api/scan-sessions?limit=1").json()["items"][0]["id"]
    with stack.frozen("worker"):  # else it might be quicker than the test
        page.get_by_role("button", name="Read every file again").click()
        expect(page.get_by_role("progressbar", name="Progress of the scan")).to_be_visible()
        page.get_by_role("button", name="Pause the scan").click()
        expect(page.get_by_text("The scan is paused.")).to_be_visible()
        page.get_by_role("button", name="Continue the scan").click()
        expect(page.get_by_test_id("queue-scan")).not_to_have_text("0", timeout=20_000)  # by the next event
        page.get_by_role("link", name="Home").click()
        expect(page.locator(".scan-bar")).to_contain_text("Looking for music")
        page.get_by_role("link", name="Machine").click()
        page.get_by_role("button", name="Cancel the scan").click()
        expect(page.get_by_role("button", name="Scan now")).to_be_visible()
    session = owner.get("/api/scan-sessions?limit=1").json()["items"][0]
    assert (session["id"], session["full"], session["status"]) == (last + 1, True, "cancelled")
