"""The search of the page: the field at the top, what is found while one types, and the keyboard."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

OpenPage = Callable[..., Page]


def test_what_is_typed_is_found_with_few_requests(open_page: OpenPage) -> None:
    page = open_page("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/search" in request.url else None)
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Search")
    expect(field).to_be_focused()
    page.keyboard.type("lanterns", delay=20)
    expect(page).to_have_url(re.compile(r"/search\?q=lanterns$"))
    albums = page.locator(".results.albums article")
    expect(albums).to_have_count(3)
    expect(albums.first).to_contain_text("Lanterns")
    expect(page.get_by_role("status").filter(has_text="3 albums")).to_be_attached()
    assert len(asked) <= 2
    page.go_back()
    expect(page).to_have_url(re.compile("/$"))
    expect(field).to_have_value("")


def test_the_answer_to_an_older_question_is_not_shown(open_page: OpenPage) -> None:
    page = open_page("/search")
    page.route("**/api/search/all?q=undertow*", lambda route: None)  # it never answers
    field = page.get_by_role("searchbox", name="Search")
    with page.expect_request("**/api/search/all?q=undertow*") as older:
        field.fill("undertow")
    with page.expect_event("requestfailed", lambda request: request == older.value):
        field.fill("salt")
    expect(page.locator(".results.albums article").first).to_contain_text("Salt")


def test_arrows_lead_through_the_results_and_enter_opens_one(open_page: OpenPage) -> None:
    page = open_page("/search?q=ada")
    artist = page.locator(".results.artists").get_by_role("link", name="Ada North")
    expect(artist).to_be_visible()
    field = page.get_by_role("searchbox", name="Search")
    expect(field).to_have_value("ada")
    field.press("ArrowDown")
    expect(artist).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    page.keyboard.press("Enter")
    expect(artist).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".results.albums a").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Shuffle")).to_be_visible()
    expect(field).to_have_value("")
    page.go_back()
    expect(field).to_have_value("ada")


def test_all_of_one_kind_and_a_track_that_is_played(open_page: OpenPage) -> None:
    page = open_page("/search?q=beacon")
    page.get_by_role("link", name="Show all 24").click()
    expect(page).to_have_url(re.compile("q=beacon&kind=track$"))
    expect(page.locator(".list-head")).to_contain_text("24 for “beacon”")
    second = page.locator(".virtual-grid .track-row").nth(1)
    second.get_by_role("button", name="Play Beacon").click()
    expect(second).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="All results").click()
    expect(page).to_have_url(re.compile("q=beacon$"))


def test_typing_errors_and_nothing_at_all_are_told(open_page: OpenPage) -> None:
    page = open_page("/search?q=lanterms")
    expect(page.get_by_text("Nothing has exactly these words.")).to_be_visible()
    expect(page.locator(".results.albums article").first).to_contain_text("Lanterns")
    page.get_by_role("searchbox", name="Search").fill("qqqqq")
    expect(page.get_by_role("main").locator("p.notice")).to_have_text("Nothing was found.")
    page.get_by_role("searchbox", name="Search").fill("jazz")
    page.locator(".results.genres").get_by_role("link", name="Jazz").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jazz")


def test_on_a_phone_an_icon_opens_the_field(open_page: OpenPage) -> None:
    page = open_page("/albums/1", "phone")
    field = page.get_by_role("searchbox", name="Search")
    expect(field).to_be_hidden()
    page.get_by_role("banner").get_by_role("link", name="Search").click()
    expect(field).to_be_focused()
    page.keyboard.type("salt")
    expect(page.locator(".results.albums article").first).to_contain_text("Salt")
