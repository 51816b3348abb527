"""The frame of the page: who gets it, and that people with a keyboard, a screen reader or a phone can use it."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.conftest import SIZES

OpenPage = Callable[..., Page]


def test_whoever_has_not_signed_in_is_led_to_that(open_page: OpenPage) -> None:
    page = open_page("/", is_signed_in=False)
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Good to hear you, Ada")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_on_the_first_view(open_page: OpenPage, size: str, scheme: str) -> None:
    page = open_page("/", size, scheme)
    expect(page.get_by_role("heading", name="Recently added")).to_be_visible()
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def test_the_search_of_a_phone_stands_beside_the_account_at_the_right(open_page: OpenPage) -> None:
    page = open_page("/albums", "phone")
    search = page.locator(".top").get_by_role("link", name="Search").bounding_box()
    account = page.get_by_role("button", name="Account of Ada").bounding_box()
    assert search
    assert account
    width = SIZES["phone"][0]
    assert 0 <= account["x"] - (search["x"] + search["width"]) <= 16
    assert account["x"] + account["width"] >= width - 16
    page.locator(".account .one-line").evaluate(
        "name => { name.textContent = 'A very long name of a listener who lives here' }"
    )
    assert page.locator(".top").evaluate("top => top.scrollWidth <= top.clientWidth")
    page.locator(".top").get_by_role("link", name="Search").click()
    field = page.get_by_role("searchbox").bounding_box()
    assert field
    assert field["width"] > width / 2


def test_buttons_are_large_enough_for_a_thumb(open_page: OpenPage) -> None:
    page = open_page("/albums", "phone")
    for path in ("/settings", "/machine", "/albums?genre_id=1", "/albums/1", "/blend?more=1", "/playlists", "/map"):
        page.goto(path)
        expect(page.locator("main .button").first).to_be_visible()
        expect(page.get_by_text("Loading …")).to_have_count(0)
        small = page.locator("main .button").evaluate_all(
            "all => all.filter((one) => one.checkVisibility() && one.offsetHeight < 44).map((one) => one.innerText)"
        )
        assert not small, path


@pytest.mark.parametrize(
    ("locale", "title"), [("de-AT", "Neu hinzugekommen"), ("fr-FR", "Ajouts récents"), ("ja", "Recently added")]
)
def test_it_speaks_the_language_of_the_browser(open_page: OpenPage, locale: str, title: str) -> None:
    expect(open_page("/", locale=locale).get_by_role("heading", name=title)).to_be_visible()


def test_an_album_opens_by_its_cover_and_by_its_address(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_role("link", name="Undertow").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Undertow")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Undertow")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Good to hear you, Ada")


def test_a_view_that_cannot_be_fetched_is_told_with_a_way_out(open_page: OpenPage) -> None:
    page = open_page("/")
    page.route("**/assets/Genres*.js", lambda route: route.abort())
    page.get_by_role("link", name="Genres").first.click()
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    page.unroute("**/assets/Genres*.js")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Genres")


def test_a_page_that_cannot_begin_says_so_with_a_way_out(open_page: OpenPage) -> None:
    page = open_page("/")
    page.route("**/api/session", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    page.unroute("**/api/session")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Good to hear you, Ada")
