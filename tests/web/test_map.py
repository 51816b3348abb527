"""The map: points where the API says, a line around some makes a playlist, a path plays, and all of it by keys."""

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.stack import Stack, wait_until
from tests.web.conftest import OWNER

OpenPage = Callable[..., Page]
Point = tuple[int, int, int]  # id, x, y

MARGIN_PX = 28  # of the whole map, as camera.ts has it
MAP_SECONDS = 180.0  # two layouts and the pause between them, on a busy machine


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[httpx.Client]:
    """Give a client of the owner, whose queue and playlists are as before at the end."""
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        assert client.post("/api/sign-in", json=OWNER).status_code == 200
        yield client
        client.put("/api/queue", json={"track_ids": []}).raise_for_status()


@pytest.fixture(scope="module")
def points(api: httpx.Client) -> list[Point]:
    """Return the points of the map, once all tracks are on it."""

    def is_complete() -> bool:
        state = api.get("/api/map/state").json()
        return bool(state["placed"] and state["placed"] == state["tracks"])

    wait_until(is_complete, MAP_SECONDS)
    body = api.get("/api/map").content
    (n,) = struct.unpack_from("<I", body, 4)
    ids = struct.unpack_from(f"<{n}I", body, 8)
    columns = struct.unpack_from(f"<{2 * n}H", body, 8 + 12 * n)
    return list(zip(ids, columns[:n], columns[n:], strict=True))


def on_screen(field: Locator, points: list[Point]) -> dict[int, tuple[float, float]]:
    """Return where each track is within the field that shows the whole map."""
    box = field.bounding_box()
    assert box
    xs, ys = [x for _, x, _ in points], [y for _, _, y in points]
    extent = [max(values) - min(values) for values in (xs, ys)]
    scale = min((box["width"] - 2 * MARGIN_PX) / extent[0], (box["height"] - 2 * MARGIN_PX) / extent[1])
    middle = [(max(values) + min(values)) / 2 for values in (xs, ys)]
    return {
        track_id: ((x - middle[0]) * scale + box["width"] / 2, (y - middle[1]) * scale + box["height"] / 2)
        for track_id, x, y in points
    }


def reachable_on_screen(field: Locator, points: list[Point]) -> dict[int, tuple[float, float]]:
    """Return where each track is that no control lies upon."""
    script = """(field, places) => {
        const box = field.getBoundingClientRect();
        return places.map(([x, y]) => field.contains(document.elementFromPoint(box.left + x, box.top + y)));
    }"""
    places = on_screen(field, points)
    answers = field.evaluate(script, list(places.values()))
    return {track_id: place for (track_id, place), is_free in zip(places.items(), answers, strict=True) if is_free}


def colour_at(page: Page, x: float, y: float) -> list[int]:
    return page.evaluate(
        """([x, y]) => {
            const canvas = document.querySelector(".map-stage canvas");
            const ratio = canvas.width / canvas.clientWidth;
            const at = canvas.getContext("2d").getImageData(Math.floor(x * ratio), Math.floor(y * ratio), 1, 1);
            return [...at.data];
        }""",
        [x, y],
    )


def legend(page: Page) -> dict[str, list[int]]:
    """Return the colour of each class that the legend names."""
    found: dict[str, list[int]] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".map-legend li")].map((row) => {
            const context = document.createElement("canvas").getContext("2d");
            context.fillStyle = getComputedStyle(row.querySelector("i")).backgroundColor;
            context.fillRect(0, 0, 1, 1);
            return [row.textContent, [...context.getImageData(0, 0, 1, 1).data]];
        }))"""
    )
    return found


def the_map(page: Page) -> Locator:
    field = page.get_by_role("application")
    expect(field).to_be_visible()
    expect(page.locator(".map-legend li").first).to_be_visible()
    wait_until_painted(page)
    return field


def wait_until_painted(page: Page) -> None:
    page.wait_for_function(
        """() => { const c = document.querySelector(".map-stage canvas"); return c && c.width > 0
            && c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((value) => value > 0) }"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_are_where_the_api_says_in_the_colour_of_the_legend(
    open_page: OpenPage, api: httpx.Client, points: list[Point], scheme: str
) -> None:
    page = open_page("/map", "desk", scheme)
    places = on_screen(the_map(page), points)
    colours = legend(page)
    genres = {
        track["id"]: track["genres"][0] for track in api.get("/api/tracks", params={"limit": 500}).json()["items"]
    }
    assert set(colours) == {"Folk", "Electronic", "Jazz", "Ambient"}
    seen = [(colour_at(page, *places[track_id]), colours[genres[track_id]]) for track_id, _, _ in points]
    # Where two points lie upon each other, one of them is seen.
    assert sum(colour == expected for colour, expected in seen) > 0.8 * len(points)
    assert all(colour[3] > 200 for colour, _ in seen)
    assert colour_at(page, 3, 3) == [0, 0, 0, 0]
    page.get_by_label("Colour").select_option(label="Year")
    expect(page).to_have_url(re.compile(r"colour=year"))
    expect(page.locator(".map-legend")).to_contain_text("1990–1999")
    page.reload()
    expect(page.locator(".map-legend")).to_contain_text("1990–1999")


def test_points_are_painted_before_their_names_are_known(open_page: OpenPage, points: list[Point]) -> None:
    """The appliance takes many times as long for the names."""
    page = open_page("/settings")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/map/names", hold)
    page.goto("/map")
    wait_until_painted(page)
    expect(page.locator(".map-legend, .overlay text")).to_have_count(0)
    held.pop().fulfill(status=500)
    expect(page.get_by_role("alert")).to_be_visible()
    wait_until_painted(page)
    page.get_by_role("button", name="Try again").click()
    page.wait_for_function("() => document.querySelector('[role=application]')")
    page.wait_for_timeout(200)
    held.pop().continue_()
    expect(page.locator(".map-legend li").first).to_be_visible()
    expect(page.locator(".overlay text").first).to_be_attached()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_dragged_map_is_painted_where_it_was_dragged_to(open_page: OpenPage, points: list[Point]) -> None:
    page = open_page("/map")
    field = the_map(page)
    places = on_screen(field, points)
    colours = {track_id: colour_at(page, *place) for track_id, place in places.items()}
    box = field.bounding_box()
    assert box
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.mouse.down()
    for x, y in ((260, 330), (220, 360), (100, 340)):
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    page.mouse.up()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    seen = {key: (x - 200, y + 40) for key, (x, y) in places.items() if x > 210 and y < box["height"] - 50}
    assert len(seen) > 10
    assert {key: colour_at(page, *place) for key, place in seen.items()} == {key: colours[key] for key in seen}


def test_points_have_the_colour_of_their_sound_tag(open_page: OpenPage, api: httpx.Client, points: list[Point]) -> None:
    page = open_page("/map?colour=sound")
    places = on_screen(the_map(page), points)
    expect(page.locator(".map-legend h2")).to_have_text("Sound (guess)")
    colours = legend(page)
    tagged = [
        item["id"]
        for item in api.get("/api/tracks", params={"tag": "electronic", "limit": 500}).json()["items"]
        if api.get(f"/api/tracks/{item['id']}").json()["sound_tags"][0]["name"] == "electronic"
    ]
    assert tagged
    seen = [colour_at(page, *places[track_id]) == colours["Electronic"] for track_id in tagged]
    assert sum(seen) > 0.6 * len(tagged)  # where two points lie upon each other, one of them is seen


def test_a_line_around_tracks_makes_a_playlist(
    open_page: OpenPage, api: httpx.Client, points: list[Point], stack: Stack
) -> None:
    page = open_page("/map")
    field = the_map(page)
    places = on_screen(field, points)
    box = field.bounding_box()
    assert box
    page.get_by_role("button", name="Draw around tracks").click()
    # Around the left half of the map.
    edges = [(4, 4), (box["width"] / 2, 4), (box["width"] / 2, box["height"] - 4), (4, box["height"] - 4)]
    page.mouse.move(box["x"] + edges[0][0], box["y"] + edges[0][1])
    page.mouse.down()
    for x, y in edges[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
    page.mouse.up()
    inside = {track_id for track_id, (x, _) in places.items() if x < box["width"] / 2}
    assert 0 < len(inside) < len(points)
    expect(page.get_by_role("status").filter(has_text=f"{len(inside)} tracks")).to_be_visible()
    page.get_by_role("button", name="Save as a playlist").click()
    page.get_by_label("New playlist").fill("Left of the map")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("are in “Left of the map” now")).to_be_visible()
    (playlist,) = [one for one in api.get("/api/playlists").json()["items"] if one["name"] == "Left of the map"]
    entries = api.get(f"/api/playlists/{playlist['id']}/entries", params={"limit": 500}).json()["items"]
    assert {entry["track"]["id"] for entry in entries} == inside
    api.delete(f"/api/playlists/{playlist['id']}").raise_for_status()
    page.get_by_role("button", name="Choose nothing").click()
    expect(page.get_by_role("heading", name="Chosen on the map")).to_have_count(0)


def test_a_track_is_shown_on_the_map(open_page: OpenPage, api: httpx.Client, points: list[Point]) -> None:
    track = api.get("/api/tracks", params={"limit": 1}).json()["items"][0]
    page = open_page(f"/albums/{track['album_id']}")
    page.get_by_role("button", name=f"More for {track['title']}").click()
    page.get_by_role("menuitem", name="Show on the map").click()
    the_map(page)
    expect(page.locator(".map-track h2")).to_have_text(track["title"])
    expect(page.locator(".overlay .ring")).to_have_count(1)


def test_a_point_shows_its_track_and_plays_its_radio(
    open_page: OpenPage, api: httpx.Client, points: list[Point]
) -> None:
    page = open_page("/map", has_touch=True)
    field = the_map(page)
    track_id, (x, y) = max(reachable_on_screen(field, points).items(), key=lambda row: row[1][0])
    field.click(position={"x": x, "y": y})
    heading = page.locator(".map-track h2")
    expect(heading).to_be_visible()
    shown = next(
        one for one in api.get("/api/tracks", params={"limit": 500}).json()["items"] if one["id"] == track_id
    )  # fmt: skip
    expect(heading).to_have_text(shown["title"])
    page.get_by_role("button", name=re.compile("^Radio like")).click()
    expect(page.get_by_role("button", name=re.compile("^Radio like"))).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".player-bar")).to_contain_text(shown["title"])
    page.get_by_role("button", name="More like this").click()
    expect(page.locator(".more-like-this .track-row")).to_have_count(12)


def test_a_path_is_found_by_words_drawn_and_played(open_page: OpenPage, points: list[Point]) -> None:
    page = open_page("/map?path=1")
    the_map(page)
    for label, words in (("From", "Arrival Ada North"), ("To", "Current Otto Klang")):
        page.get_by_label(label, exact=True).fill(words)
        page.locator(".path-search li button").first.click()
    rows = page.get_by_role("list", name="Path").get_by_role("listitem")
    expect(rows).to_have_count(12)
    expect(page.locator(".overlay .stop")).to_have_count(12)
    expect(rows.first).to_contain_text("Ada North")
    expect(rows.last).to_contain_text("Otto Klang")
    page.get_by_role("button", name="Play the path").click()
    expect(page.locator(".player-bar")).to_contain_text("Arrival")
    assert page.evaluate("() => document.querySelector('.overlay .way').getAttribute('points').split(' ').length") == 12


def test_keys_choose_a_rectangle_and_the_list_is_the_same_in_words(open_page: OpenPage, points: list[Point]) -> None:
    page = open_page("/map")
    field = the_map(page)
    field.focus()
    page.keyboard.press("r")
    told = page.get_by_role("status").filter(has_text="in the rectangle")
    expect(told).to_have_count(1)
    for _ in range(9):
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
    expect(told).to_have_text(f"{len(points)} tracks in the rectangle")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Chosen on the map")).to_be_visible()
    for key in ("+", "ArrowLeft", "-", "0", "Escape"):
        page.keyboard.press(key)
    page.get_by_role("button", name="List", exact=True).click()
    page.get_by_role("combobox", name="Around").select_option(label="Jazz")
    expect(page.get_by_role("heading", name="Around Jazz, the nearest first")).to_be_visible()
    expect(page.get_by_role("list", name="Around Jazz, the nearest first").get_by_role("listitem")).to_have_count(
        len(points)
    )


@pytest.mark.parametrize(
    ("size", "scheme", "path"),
    [("phone", "light", "/map"), ("desk", "dark", "/map?path=1"), ("phone", "dark", "/map?list=1&path=1")],
)
def test_axe_finds_nothing_on_the_map(
    open_page: OpenPage, points: list[Point], size: str, scheme: str, path: str
) -> None:
    page = open_page(path, size, scheme)
    if "list" not in path:
        field = the_map(page)
        _, (x, y) = min(reachable_on_screen(field, points).items(), key=lambda row: row[1][1])
        field.click(position={"x": x, "y": y})
        expect(page.locator(".map-track h2")).to_be_visible()
    else:
        expect(page.locator(".map-list .track-row").first).to_be_visible()
    found: Any = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
