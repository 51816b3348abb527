"""What the page plays by its sound: the radio of a genre, and a blend of some tracks without others."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.web.test_library import open_album, row

OpenPage = Callable[..., Page]
SHOWN_TRACKS = 50


def choose(page: Page, title: str, action: str) -> None:
    row(page, title).get_by_role("button", name=f"More for {title}").click()
    page.get_by_role("menuitem", name=action).click()


def blended(page: Page, more: list[int], less: list[int]) -> list[dict[str, Any]]:
    """Return the tracks that the API blends."""
    ids = "&".join([f"more={i}" for i in more] + [f"less={i}" for i in less])
    answer = page.request.get(f"/api/blend?{ids}&limit={SHOWN_TRACKS}")
    assert answer.ok, answer.text()
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def expect_tracks(page: Page, tracks: list[dict[str, Any]]) -> None:
    assert len(tracks) == SHOWN_TRACKS
    expect(page.locator(".blend-view .track-row .names")).to_have_text(
        [f"{track['title']}{track['artist']} · {track['album']}" for track in tracks]
    )


def given(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name=name).get_by_role("listitem")


def some_ids(page: Page, count: int) -> list[int]:
    return [track["id"] for track in page.request.get("/api/tracks", params={"limit": count}).json()["items"]]


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


def test_a_track_plays_a_radio_from_its_menu(open_page: OpenPage) -> None:
    page = open_album(open_page, "lanterns ada north")
    choose(page, "Beacon", "Radio")
    expect(page.get_by_role("status").filter(has_text="Radio like Beacon")).to_be_visible()
    expect(page.locator(".player-bar")).to_contain_text("Beacon")


def test_a_blend_is_gathered_from_menus_and_its_address_keeps_it(open_page: OpenPage) -> None:
    page = open_album(open_page, "lanterns ada north")
    choose(page, "Beacon", "Blend: more of this")
    expect(page.get_by_role("status").filter(has_text="sounds more like “Beacon” now")).to_be_visible()
    choose(page, "Arrival", "Blend: more of this")
    choose(page, "Current", "Blend: less of this")
    page.get_by_role("link", name="Show the blend").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Blend")
    expect(page.get_by_role("link", name="Show the blend")).to_have_count(0)
    expect(given(page, "More like these")).to_have_count(2)
    expect(given(page, "Less like these")).to_contain_text("Current")
    found = re.search(r"/blend\?more=(\d+),(\d+)&less=(\d+)$", page.url)
    assert found
    beacon, arrival, current = map(int, found.groups())
    expect_tracks(page, blended(page, [beacon, arrival], [current]))
    page.get_by_role("button", name="Remove Arrival").click()
    expect(page).to_have_url(re.compile(rf"/blend\?more={beacon}&less={current}$"))
    page.reload()
    expect(given(page, "More like these")).to_have_count(1)
    expect_tracks(page, blended(page, [beacon], [current]))
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lanterns")
    page.get_by_role("link", name="Blend", exact=True).click()
    expect(page).to_have_url(re.compile(rf"/blend\?more={beacon}&less={current}$"))  # the page remembers it


def test_a_blend_changes_by_the_menus_of_its_own_tracks(open_page: OpenPage) -> None:
    page = open_page("/blend")
    expect(page.get_by_text("Music that sounds like some tracks")).to_be_visible()
    (seed,) = some_ids(page, 1)
    page.goto(f"/blend?more={seed}")
    before = blended(page, [seed], [])
    expect_tracks(page, before)
    page.locator(".blend-view .track-row").first.get_by_role("button", name=re.compile("^More for")).click()
    page.get_by_role("menuitem", name="Blend: less of this").click()
    less = before[0]["id"]
    expect(page).to_have_url(re.compile(rf"/blend\?more={seed}&less={less}$"))
    expect(given(page, "Less like these")).to_have_count(1)
    expect_tracks(page, blended(page, [seed], [less]))
    page.get_by_role("button", name="Clear").click()
    expect(page).to_have_url(re.compile("/blend$"))
    expect(page.locator(".blend-view .track-row")).to_have_count(0)
    page.go_back()
    expect(given(page, "Less like these")).to_have_count(1)


def test_a_blend_plays_and_becomes_a_playlist(open_page: OpenPage) -> None:
    page = open_page("/albums")
    one, other = some_ids(page, 2)
    page.goto(f"/blend?more={one},{other}")
    tracks = blended(page, [one, other], [])
    expect_tracks(page, tracks)
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator(".player-bar")).to_contain_text(tracks[0]["title"])
    page.get_by_role("button", name="Save as a playlist").click()
    page.get_by_label("New playlist").fill("Blended")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("status").filter(has_text=f"{SHOWN_TRACKS} tracks are in “Blended” now")).to_be_visible()
    lists = page.request.get("/api/playlists").json()["items"]
    made = next(one for one in lists if one["name"] == "Blended")
    entries = page.request.get(f"/api/playlists/{made['id']}/entries").json()["items"]
    assert [entry["track"]["id"] for entry in entries] == [track["id"] for track in tracks]
    assert page.request.delete(f"/api/playlists/{made['id']}", headers={"Origin": page.evaluate("origin")}).ok


def test_the_list_of_what_is_like_a_track_leads_to_a_blend(open_page: OpenPage) -> None:
    page = open_album(open_page, "lanterns ada north")
    row(page, "Beacon").click()
    page.get_by_role("link", name="Show what plays").click()
    page.get_by_role("button", name="More like this").click()
    page.get_by_role("link", name="Make a blend").click()
    expect(given(page, "More like these")).to_contain_text("Beacon")


def test_a_blend_needs_a_track_to_sound_like(open_page: OpenPage) -> None:
    page = open_page("/albums")
    (seed,) = some_ids(page, 1)
    page.goto(f"/blend?less={seed}")
    expect(page.get_by_text("needs a track that it is to sound like")).to_be_visible()
    page.goto("/blend?more=999999")
    expect(page.get_by_role("alert")).to_contain_text("This is not in the library")


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desk", "dark")])
def test_axe_finds_nothing_on_a_blend(open_page: OpenPage, size: str, scheme: str) -> None:
    page = open_page("/blend", size, scheme)
    one, other = some_ids(page, 2)
    for path in ("/blend", f"/blend?more={one}&less={other}"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_have_text("Blend")
        expect(page.get_by_text("Loading …")).to_have_count(0)
        found = Axe().run(page)
        assert not found.response["violations"], (path, found.generate_report())
