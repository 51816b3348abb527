"""Guesses by the sound, on the page: the filter of albums, what plays, and the map; each says that it is a guess."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.stack import Stack
from tests.web.conftest import OWNER

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def guessed(stack: Stack) -> dict[str, int]:
    """Return of how many tracks each tag is guessed, without those that are guessed of none."""
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        assert client.post("/api/sign-in", json=OWNER).status_code == 200
        items = client.get("/api/sound-tags").json()["items"]
    return {item["name"]: item["tracks"] for item in items if item["tracks"]}


def play(page: Page) -> dict[str, Any]:
    """Play the track that sounds most like “electronic”, and return what the API says of it."""
    track = page.request.get("/api/tracks", params={"tag": "electronic", "sort": "tag", "limit": 1}).json()["items"][0]
    page.request.put("/api/queue", data={"track_ids": [track["id"]]})
    page.goto("/queue")
    return page.request.get(f"/api/tracks/{track['id']}").json()


def test_the_model_guesses_some_tags_of_real_sound(guessed: dict[str, int]) -> None:
    assert guessed["electronic"] == 15  # the top fifth of 72 tones
    assert 1 < len(guessed) < 20


def test_albums_are_filtered_by_a_guess_that_the_address_keeps(open_page: OpenPage, guessed: dict[str, int]) -> None:
    page = open_page("/albums")
    page.get_by_role("button", name="Filters").click()
    choice = page.get_by_label("Sound (guess)")
    expect(choice.locator("option")).to_have_count(1 + len(guessed))
    choice.select_option(label=f"Electronic ({guessed['electronic']})")
    expect(page).to_have_url(re.compile(r"tag=electronic"))
    found = page.request.get("/api/albums", params={"tag": "electronic"}).json()
    assert 0 < found["total"] < 24
    expect(page.get_by_role("status").filter(has_text="album")).to_have_text(re.compile(rf"^{found['total']} album"))
    page.reload()
    expect(choice).to_have_value("electronic")
    expect(page.locator(".virtual-grid .title")).to_have_count(found["total"])
    page.get_by_role("button", name="Radio like Electronic").click()
    expect(page.get_by_role("button", name="Radio like Electronic")).to_have_attribute("aria-pressed", "true")


def test_what_plays_tells_what_it_sounds_like_as_a_guess(open_page: OpenPage) -> None:
    page = open_page("/queue")
    track = play(page)
    chips = page.get_by_role("list", name="Sounds like … (a guess by sound):").get_by_role("link")
    assert track["sound_tags"]
    expect(chips).to_have_count(min(6, len(track["sound_tags"])))
    expect(page.get_by_text("Perhaps")).to_have_count(0)  # its file names a genre
    chips.filter(has_text=re.compile("^Electronic$")).click()
    expect(page).to_have_url(re.compile(r"/albums\?tag=electronic"))


def test_a_track_without_a_genre_has_the_best_tag_as_a_guess(open_page: OpenPage) -> None:
    page = open_page("/queue")

    def without_genre(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "genres": [], "guessed_genre": "electronic"})

    page.route(re.compile(r"/api/tracks/\d+$"), without_genre)
    play(page)
    expect(page.get_by_text("Perhaps Electronic: a guess, the file names no genre.")).to_be_visible()


@pytest.mark.parametrize(("locale", "words"), [("fr-FR", "Son (supposé)"), ("de-DE", "Klang (vermutet)")])
def test_each_language_says_that_it_is_a_guess(open_page: OpenPage, locale: str, words: str) -> None:
    page = open_page("/albums?tag=electronic", locale=locale)
    expect(page.get_by_label(words)).to_have_value("electronic")


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desk", "dark")])
def test_axe_finds_nothing(open_page: OpenPage, size: str, scheme: str) -> None:
    page = open_page("/albums?tag=electronic", size, scheme)
    expect(page.locator(".virtual-grid .title").first).to_be_visible()
    found: Any = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    play(page)
    expect(page.locator(".sound-tags a").first).to_be_visible()
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
