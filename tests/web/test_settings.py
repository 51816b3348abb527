"""The view Settings: what it makes works elsewhere."""

from collections.abc import Callable

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.stack import Stack
from tests.web.conftest import OWNER

OpenPage = Callable[..., Page]


def test_an_app_password_is_shown_once_works_and_is_revoked(open_page: OpenPage, stack: Stack) -> None:
    page = open_page("/settings")
    page.get_by_label("Name of the app").fill("Feishin")
    page.get_by_role("button", name="Make a password").click()
    expect(page.locator(".made code")).to_have_count(3)
    server, name, password = page.locator(".made code").all_inner_texts()
    assert (server, name) == (stack.url, OWNER["name"])
    parameters = {"u": name, "p": password, "c": "test", "v": "1.16.1", "f": "json"}

    def is_accepted() -> bool:
        answer = httpx.get(f"{server}/rest/ping", params=parameters, timeout=30).json()
        return bool(answer["subsonic-response"]["status"] == "ok")

    assert is_accepted()
    page.reload()
    expect(page.get_by_text("Feishin")).to_be_visible()
    expect(page.get_by_text(password)).to_have_count(0)
    page.get_by_role("button", name="Revoke Feishin").click()
    expect(page.get_by_text("Feishin")).to_have_count(0)
    assert not is_accepted()


def test_a_user_who_is_added_can_sign_in_manage_and_be_removed(open_page: OpenPage, stack: Stack) -> None:
    page = open_page("/settings")
    page.get_by_label("Name", exact=True).fill("Bo")
    page.get_by_label("Password, to be changed by the user").fill("short")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("8")
    page.get_by_label("Password, to be changed by the user").fill("long enough")
    page.get_by_role("button", name="Add", exact=True).click()
    user = page.get_by_role("listitem").filter(has=page.get_by_text("Bo", exact=True))
    expect(user.get_by_text("listens", exact=True)).to_be_visible()

    def sign_in(password: str) -> httpx.Response:
        return httpx.post(f"{stack.url}/api/sign-in", json={"name": "Bo", "password": password}, timeout=30)

    assert sign_in("long enough").json()["role"] == "listen"
    user.get_by_role("button", name="Let Bo manage").click()
    expect(user.get_by_text("listens and manages")).to_be_visible()
    user.get_by_role("button", name="New password Bo").click()
    user.get_by_label("New password of Bo").fill("another long one")
    user.get_by_role("button", name="Set the password").click()
    expect(user.get_by_label("New password of Bo")).to_have_count(0)
    assert sign_in("another long one").json()["role"] == "manage"
    user.get_by_role("button", name="Remove Bo").click()
    user.get_by_role("button", name="Remove Bo with stars").click()
    expect(user).to_have_count(0)
    assert sign_in("another long one").status_code == 401


def test_a_wrong_password_is_told_and_other_browsers_are_signed_out(open_page: OpenPage, stack: Stack) -> None:
    elsewhere = httpx.Client(base_url=stack.url, headers={"User-Agent": "Firefox/140.0 (Android)"}, timeout=30)
    assert elsewhere.post("/api/sign-in", json=OWNER).status_code == 200
    page = open_page("/settings")
    page.get_by_label("Present password").fill("not it at all")
    page.get_by_label("New password", exact=True).fill("never set")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name="Sign out there: Firefox, Android").first.click()
    expect(page.get_by_role("button", name="Sign out there: Firefox, Android")).to_have_count(0)
    assert elsewhere.get("/api/session").json()["user"] is None


def test_the_language_is_kept_and_a_service_that_cannot_be_asked_is_told(open_page: OpenPage) -> None:
    page = open_page("/settings")
    page.get_by_label("Deutsch").check()
    expect(page.get_by_role("heading", level=1)).to_have_text("Einstellungen")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Einstellungen")
    page.get_by_label("English").check()
    page.get_by_label("Your token").fill("token")
    page.get_by_role("button", name="Connect", exact=True).first.click()
    expect(page.get_by_role("alert")).to_contain_text("SONIQUEBAY_ONLINE is off")
    page.get_by_role("button", name="Take them over").click()
    expect(page.get_by_text("ratings and 0 play counts were taken over")).to_be_visible()


def test_the_menu_at_the_top_leads_to_the_settings_and_signs_out(open_page: OpenPage, stack: Stack) -> None:
    page = open_page("/sign-in", "phone", is_signed_in=False)
    page.get_by_label("Name").fill(OWNER["name"])
    page.get_by_label("Password").fill(OWNER["password"])
    page.get_by_role("button", name="Sign in").click()
    menu = page.get_by_role("button", name="Account of Ada")
    menu.focus()
    page.keyboard.press("Enter")
    page.locator(".account-menu").get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
    expect(page.locator(".account-menu")).to_be_hidden()
    menu.click()
    page.locator(".account-menu").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert page.request.get("/api/session").json()["user"] is None


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desk", "dark")])
def test_axe_finds_nothing(open_page: OpenPage, size: str, scheme: str) -> None:
    page = open_page("/settings", size, scheme)
    expect(page.get_by_role("heading", name="Last.fm")).to_be_visible()
    expect(page.get_by_text("owner", exact=True)).to_be_visible()
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
