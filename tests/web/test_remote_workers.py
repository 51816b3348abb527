"""The view Settings lets the owner see the workers on other machines, let one join, and end one."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.cli import remote_workers
from soniquebay.pipeline.remote_api import Appliance, NotOursError
from soniquebay.worker.remote import Credentials
from tests.support.stack import Stack

OpenPage = Callable[..., Page]
HEARTBEAT = {"processes": 2, "feature_version": FEATURE_VERSION, "begins": True}


@pytest.fixture(autouse=True)
def ended(stack: Stack) -> Iterator[None]:
    """End the workers of a test, for the tests of other views."""
    yield
    with closing(sqlite3.connect(stack.data / "listeners.db")) as db:
        names = [name for (name,) in db.execute("SELECT name FROM remote_workers")]
    for name in names:
        stack.cli("workers", "revoke", name, control=True)


def panel(page: Page) -> Locator:
    return page.locator("section").filter(has=page.get_by_role("heading", name="Workers on other machines"))


def join(page: Page, folder: Path) -> Appliance:
    """Have a worker with the name of the folder join by what the page says."""
    page.get_by_role("button", name="Make a join code").click()
    *command, url, option, code = panel(page).locator(".made code").inner_text().split()
    assert (command, option) == (["soniquebay", "worker", "--join"], "--code")
    made = remote_workers.join(url, code, folder.name, folder)
    return Appliance(Credentials(**made), folder)


def suspend(stack: Stack, name: str) -> None:
    with closing(sqlite3.connect(stack.data / "listeners.db")) as db, db:
        db.execute("UPDATE remote_workers SET suspended_at = 1e9, suspended_because = 'x' WHERE name = ?", (name,))


def test_a_worker_joins_by_the_command_of_the_page_and_is_revoked(
    open_page: OpenPage, stack: Stack, tmp_path: Path
) -> None:
    page = open_page("/settings")
    expect(panel(page).get_by_text("No other machine has joined.")).to_be_visible()
    appliance = join(page, tmp_path / "laptop")
    expect(panel(page).get_by_text("is valid until")).to_be_visible()
    page.reload()
    item = panel(page).get_by_role("listitem").filter(has_text="laptop")
    expect(item.get_by_text("never seen")).to_be_visible()
    expect(panel(page).locator(".made")).to_have_count(0)  # the code is shown once
    appliance.request("POST", "/worker/heartbeat", json=HEARTBEAT)
    page.get_by_role("button", name="Refresh the list").click()
    expect(item.get_by_text("here now")).to_be_visible()
    expect(item.get_by_text("0 tracks analysed")).to_be_visible()
    page.get_by_role("button", name="Revoke laptop").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(item).to_be_visible()
    page.get_by_role("button", name="Revoke laptop").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(panel(page).get_by_text("No other machine has joined.")).to_be_visible()
    with pytest.raises(NotOursError, match="revoked"):
        appliance.request("POST", "/worker/heartbeat", json=HEARTBEAT)


def test_a_suspended_worker_is_told_and_may_join_again(open_page: OpenPage, stack: Stack, tmp_path: Path) -> None:
    page = open_page("/settings", locale="de-DE")
    page.get_by_label("English").check()
    join(page, tmp_path / "laptop")
    suspend(stack, "laptop")
    page.reload()
    expect(panel(page).get_by_text("what it had analysed was wrong")).to_be_visible()
    (tmp_path / "again").mkdir()
    join(page, tmp_path / "again" / "laptop")
    page.reload()
    expect(panel(page).get_by_text("never seen")).to_be_visible()
    expect(panel(page).get_by_text("was wrong")).to_have_count(0)


def test_only_the_owner_sees_them(open_page: OpenPage, stack: Stack) -> None:
    bo = {"name": "Bo", "password": "long enough"}
    owner = open_page("/settings")
    made = owner.request.post("/api/users", data={**bo, "role": "manage"})
    assert made.status == 201
    page = open_page("/sign-in", is_signed_in=False)
    assert page.request.post("/api/sign-in", data=bo).ok
    page.goto("/settings")
    expect(page.get_by_role("heading", name="Users")).to_be_visible()
    expect(panel(page)).to_have_count(0)
    assert owner.request.delete(f"/api/users/{made.json()['id']}").ok


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desk", "dark")])
def test_axe_finds_nothing(open_page: OpenPage, stack: Stack, tmp_path: Path, size: str, scheme: str) -> None:
    page = open_page("/settings", size, scheme)
    join(page, tmp_path / "laptop")
    suspend(stack, "laptop")
    page.get_by_role("button", name="Refresh the list").click()
    expect(panel(page).get_by_text("was wrong")).to_be_visible()
    expect(panel(page).locator(".made")).to_be_visible()
    expect(page.get_by_role("heading", name="Last.fm")).to_be_visible()
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    page.get_by_role("button", name="Revoke laptop").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
