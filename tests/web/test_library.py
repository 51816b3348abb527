"""The library on the page: lists that scroll, what albums, artists, genres and folders show, and their controls."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.stack import wait_until

OpenPage = Callable[..., Page]
ALBUMS = 24
VIEWS = (
    "/albums?year_from=1990&sort=random&seed=5", "/albums/1", "/artists", "/artists/1", "/genres", "/folders",
    "/folders?root=1&path=Ada%20North/1%20Lanterns", "/search?q=lan", "/search?q=lan&kind=track",
)  # fmt: skip


def titles(page: Page) -> list[str]:
    return page.locator(".virtual-grid .title").all_text_contents()


def open_album(open_page: OpenPage, words: str) -> Page:
    page = open_page("/genres")
    found = page.request.get("/api/search", params={"q": words, "type": "album"}).json()
    page.goto(f"/albums/{found['items'][0]['id']}")
    return page


def row(page: Page, title: str) -> Locator:
    return page.locator(".track-row").filter(has=page.get_by_role("button", name=f"Play {title}", exact=True))


# A size decides on what is shown, and a scheme on colours: two pairs show each of both.
@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desk", "dark")])
def test_axe_finds_nothing_on_any_view_of_the_library(open_page: OpenPage, size: str, scheme: str) -> None:
    page = open_page(VIEWS[0], size, scheme)
    for view in VIEWS:
        page.goto(view)
        expect(page.get_by_role("main").locator("a[href], .play").first).to_be_visible()
        expect(page.get_by_text("Loading …")).to_have_count(0)
        found = Axe().run(page)
        assert not found.response["violations"], (view, found.generate_report())


def test_a_list_holds_what_is_in_view_and_back_leads_to_the_same_place(open_page: OpenPage) -> None:
    page = open_page("/albums", "phone")
    expect(page.get_by_role("status").filter(has_text=f"{ALBUMS} albums")).to_be_visible()
    items = page.locator(".virtual-grid li")
    expect(items.first).to_have_attribute("aria-setsize", str(ALBUMS))
    assert items.count() < ALBUMS
    main = page.get_by_role("main")
    main.evaluate("main => main.scrollTo(0, main.scrollHeight)")
    expect(page.locator(f'li[aria-posinset="{ALBUMS}"] a').first).to_be_visible()
    expect(page.locator('li[aria-posinset="1"]')).to_have_count(0)
    place = main.evaluate("main => main.scrollTop")
    page.locator(f'li[aria-posinset="{ALBUMS}"] a').first.click()
    expect(page.get_by_role("button", name="Shuffle")).to_be_visible()
    assert main.evaluate("main => main.scrollTop") == 0
    page.go_back()
    expect(page.locator(f'li[aria-posinset="{ALBUMS}"] a').first).to_be_in_viewport()
    assert abs(main.evaluate("main => main.scrollTop") - place) <= 1


def test_arrow_keys_lead_through_a_grid(open_page: OpenPage) -> None:
    page = open_page("/albums", "phone")
    page.locator('li[aria-posinset="1"] a').first.focus()
    for keys, number in (("ArrowRight", 2), ("ArrowDown", 4), ("End", ALBUMS), ("ArrowUp", ALBUMS - 2), ("Home", 1)):
        page.keyboard.press(keys)
        expect(page.locator(f'li[aria-posinset="{number}"] a').first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Lanterns")


def test_the_address_keeps_the_order_and_the_filters(open_page: OpenPage) -> None:
    page = open_page("/albums")
    page.get_by_label("Sort by").select_option("Year")
    expect(page).to_have_url(re.compile(r"/albums\?sort=year$"))
    expect(page.locator(".virtual-grid article").first).to_contain_text("1990")
    page.get_by_role("button", name="In reverse order").click()
    expect(page.locator(".virtual-grid article").first).to_contain_text("2005")
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("To", exact=True).fill("1995")
    page.get_by_label("To", exact=True).press("Enter")
    page.get_by_label("Genre").select_option("Jazz")
    expect(page.get_by_role("heading", level=1)).to_have_text("Jazz")
    expect(page.locator(".list-head")).to_contain_text("1 album")
    expect(page).to_have_url(re.compile(r"\?sort=year&order=desc&year_to=1995&genre_id=\d+$"))
    page.reload()
    expect(page.locator(".list-head")).to_contain_text("1 album")
    page.get_by_label("Format").select_option("MP3")
    expect(page.get_by_text("There is no such album.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".list-head")).to_contain_text(f"{ALBUMS} albums")


def test_a_year_that_is_typed_before_the_first_painting_stays(open_page: OpenPage) -> None:
    page = open_page("/albums")
    page.get_by_role("button", name="Filters").wait_for()
    value = page.evaluate("""async () => {
        const named = (text) => [...document.querySelectorAll("main button")].find((one) => one.innerText === text);
        named("Filters").click();
        while (!document.querySelector("input[type=number]")) await Promise.resolve();
        const field = document.querySelector("input[type=number]");
        field.value = "1995";
        field.dispatchEvent(new InputEvent("input", { bubbles: true }));
        await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted, 300)));
        return field.value;
    }""")
    assert value == "1995"


def test_a_random_order_stays_until_another_is_wanted(open_page: OpenPage) -> None:
    page = open_page("/albums?sort=random&seed=3")
    expect(page.locator(".virtual-grid .title").first).to_be_visible()
    before, text = titles(page), page.locator(".virtual-grid").inner_text()
    page.reload()
    expect(page.locator(".virtual-grid .title").first).to_be_visible()
    assert titles(page) == before
    page.get_by_role("button", name="Another order").click()
    expect(page).not_to_have_url(re.compile("seed=3$"))
    page.wait_for_function(
        "before => (document.querySelector('.virtual-grid')?.innerText ?? before) !== before", arg=text
    )


def test_an_album_plays_from_the_chosen_track(open_page: OpenPage) -> None:
    page = open_album(open_page, "lanterns ada north")
    expect(page.locator(".album-head")).to_contain_text("1990 · 3 tracks · 1 min · FLAC")
    row(page, "Beacon").click()
    expect(row(page, "Beacon")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Play Current").focus()
    page.keyboard.press("Enter")
    expect(row(page, "Current")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(row(page, "Arrival")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("heading", name="More of Ada North")).to_be_visible()
    page.locator(".album-artists").get_by_role("link", name="Ada North").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada North")


def test_a_star_is_kept(open_page: OpenPage) -> None:
    page = open_album(open_page, "salt")
    star = page.get_by_role("button", name="Star Current")
    expect(star).to_have_attribute("aria-pressed", "false")
    with page.expect_response("**/api/stars/track/*"):
        star.click()
    page.reload()
    expect(star).to_have_attribute("aria-pressed", "true")
    with page.expect_response("**/api/stars/track/*"):
        star.click()
    page.reload()
    expect(page.get_by_role("button", name="Star Arrival")).to_be_visible()
    expect(star).to_have_attribute("aria-pressed", "false")


def test_a_star_that_cannot_be_given_is_taken_back(open_page: OpenPage) -> None:
    page = open_album(open_page, "salt")
    star = page.get_by_role("button", name="Star Arrival")
    page.route("**/api/stars/**", lambda route: route.abort())
    star.click()
    expect(star).to_have_attribute("aria-pressed", "false")


def test_the_menu_of_a_track_by_keyboard(open_page: OpenPage) -> None:
    page = open_album(open_page, "lanterns ada north")
    button = page.get_by_role("button", name="More for Beacon")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Play next")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Add to the queue")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(button).to_be_focused()
    expect(row(page, "Beacon")).to_have_attribute("aria-current", "true")  # nothing was in the queue
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    button.click()
    page.get_by_role("menuitem", name="Go to Ada North").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada North")


def test_artists_and_what_is_theirs(open_page: OpenPage) -> None:
    page = open_page("/artists")
    expect(page.locator(".list-head")).to_contain_text("8 artists")
    assert titles(page)[:2] == ["Ada North", "Élan Vital"]
    page.get_by_label("Show").select_option("Composers")
    expect(page).to_have_url(re.compile(r"/artists\?role=composer$"))
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    page.go_back()
    page.goto("/artists")
    page.get_by_role("link", name="Sólveig").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sólveig")
    expect(page.locator(".artist-head")).to_contain_text("performer of 9 tracks")
    expect(page.locator(".album-grid article")).to_have_count(3)
    years = [int(text[-4:]) for text in page.locator(".album-grid article p").all_text_contents()]
    assert years == sorted(years)
    with page.expect_response("**/api/tracks?*"):
        page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator(".track-row").first).to_have_attribute("aria-current", "true")


def test_all_tracks_of_an_artist_are_there_and_play(open_page: OpenPage) -> None:
    page = open_page("/artists")
    page.get_by_role("link", name="Sólveig").click()
    expect(page.locator(".track-row")).to_have_count(8)
    page.get_by_role("button", name="Show all tracks").click()
    first, last = (page.locator(f'li[aria-setsize="9"][aria-posinset="{place}"]') for place in (1, 9))
    first.locator(".play").focus()
    page.keyboard.press("End")
    expect(last.locator(".play")).to_be_focused()
    expect(page).to_have_url(re.compile(r"/artists/\d+\?tracks=all$"))

    def in_small_pages(route: Route) -> None:
        # Real answers, but so small that one is not enough: an artist of 500 tracks would have to be made.
        route.continue_(url=route.request.url.replace("limit=500", "limit=4"))

    page.route("**/api/tracks?*limit=500*", in_small_pages)
    page.keyboard.press("Enter")
    expect(last.locator(".track-row")).to_have_attribute("aria-current", "true")
    wait_until(lambda: page.request.get("/api/queue").json()["total"] == 9)
    page.get_by_role("link", name="Show what plays").click()
    expect(page.get_by_text("Nothing follows this track.")).to_be_visible()
    page.go_back()
    expect(last).to_be_in_viewport()


def test_genres_and_decades_lead_to_their_albums(open_page: OpenPage) -> None:
    page = open_page("/genres")
    page.get_by_role("link", name="Ambient 6 albums").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ambient")
    expect(page.locator(".list-head")).to_contain_text("6 albums")
    page.go_back()
    decade = page.get_by_role("link", name="1990s")
    expect(decade).to_contain_text("16 albums")
    decade.click()
    expect(page.locator(".list-head")).to_contain_text("16 albums")
    expect(page).to_have_url(re.compile(r"\?sort=year&year_from=1990&year_to=1999$"))


def test_the_genre_of_an_album_and_of_an_artist_leads_to_its_albums(open_page: OpenPage) -> None:
    page = open_album(open_page, "lanterns ada north")
    page.locator(".album-head").get_by_role("link", name="Folk").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Folk")
    expect(page.locator(".list-head")).to_contain_text("6 albums")
    page.go_back()
    page.locator(".album-head").get_by_role("link", name="Ada North").click()
    page.locator(".artist-head").get_by_role("link", name="Folk").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Folk")


def test_folders_as_they_lie_on_the_disk(open_page: OpenPage) -> None:
    page = open_page("/folders")
    page.get_by_role("link", name="Ada North 9 tracks").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada North")
    page.get_by_role("link", name="1 Lanterns 3 tracks").click()
    expect(page.locator(".track-row")).to_have_count(3)
    page.get_by_label("Folders above").get_by_role("link", name="Ada North").click()
    expect(page.get_by_role("link", name="1 Lanterns 3 tracks")).to_be_visible()


def test_a_failure_is_told_with_a_way_out(open_page: OpenPage) -> None:
    page = open_page("/genres")
    expect(page.get_by_role("link", name="1990s")).to_be_visible()
    page.route("**/api/albums?*", lambda route: route.abort())
    page.get_by_role("link", name="Ambient").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("SoniqueBay does not answer.")
    page.unroute("**/api/albums?*")
    alert.get_by_role("button", name="Try again").click()
    expect(page.locator(".list-head")).to_contain_text("6 albums")
    page.goto("/albums/99999")
    expect(page.get_by_role("alert")).to_contain_text("This is not in the library")
