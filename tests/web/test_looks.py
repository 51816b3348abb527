"""Every main view looks as it did: UPDATE_PICTURES=1 makes the pictures anew after a change that is wanted."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.stack import Stack, wait_until
from tests.web.conftest import made_music, scanned_stack, sign_in
from tests.web.looks import compare, shown

OpenPage = Callable[..., Page]
LOOKS = [("phone", "light"), ("desk", "light"), ("phone", "dark"), ("desk", "dark")]
ARTISTS_PER_SCAN = 2  # with 9 files each, fewer than the first batch of a scan holds
MAP_SECONDS = 180.0  # until all tracks are on the map, on a busy machine
# By view: its address, what is there once it is complete, and what differs at each start.
VIEWS: dict[str, tuple[str, str, list[str]]] = {
    "home": ("/", "main .album-row >> nth=1", []),
    "albums": ("/albums", "main .virtual-grid img >> nth=3", []),
    "album": ("/albums/{album}", "main h1", []),
    "artist": ("/artists/{artist}", "main h1", []),
    "search": ("/search?q=paper", "main h1", []),
    "queue": ("/queue", ".lyrics li >> nth=2", []),
    "map": ("/map", ".map-legend li >> nth=0", ["canvas"]),
    "machine": (
        "/machine",
        ".drives li >> nth=1",
        [".big", ".steps", "dd", "dt", ".memory-bar", ".drives", ".panel p:not(.scan-buttons)"],
    ),
    "settings": ("/settings", "main h1", []),
}
DARK = {"home", "queue"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack of its own: what other tests play, star and make would be in the pictures.

    Every scan finds as many files as make one batch: which of two batches of a scan is inserted first differs, and with
    it the order in which albums were added.
    """
    artists, folder = sorted(made_music(tmp_path_factory).iterdir()), tmp_path_factory.mktemp("library")
    scans = [artists[first : first + ARTISTS_PER_SCAN] for first in range(0, len(artists), ARTISTS_PER_SCAN)]
    for artist in scans[0]:
        artist.rename(folder / artist.name)
    with scanned_stack(folder, tmp_path_factory.mktemp("data")) as running:
        for added in scans[1:]:
            for artist in added:
                artist.rename(folder / artist.name)
            running.cli("scan", "--wait-vectors", control=True)
        wait_until(running.pictures_are_found)
        yield running


@pytest.fixture(scope="module")
def signed_in(stack: Stack) -> list[dict[str, Any]]:
    return sign_in(stack)


@pytest.fixture(scope="module")
def api(stack: Stack, signed_in: list[dict[str, Any]]) -> Iterator[httpx.Client]:
    cookies = {cookie["name"]: cookie["value"] for cookie in signed_in}
    with httpx.Client(base_url=stack.url, cookies=cookies, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def tracks(api: httpx.Client) -> list[dict[str, Any]]:
    """Return the tracks of the first artist, once one of them was heard and the map is complete."""
    artist = api.get("/api/artists", params={"limit": 1}).json()["items"][0]
    found: list[dict[str, Any]] = api.get("/api/tracks", params={"artist_id": artist["id"], "limit": 6}).json()["items"]
    api.post("/api/plays", json={"track_id": found[0]["id"], "played_at": 1.7e9}).raise_for_status()

    def is_complete() -> bool:
        state = api.get("/api/map/state").json()
        return bool(state["placed"] and state["placed"] == state["tracks"])

    wait_until(is_complete, MAP_SECONDS)
    return found


@pytest.mark.parametrize(
    ("view", "look"), [(view, look) for view in VIEWS for look in LOOKS if look[1] == "light" or view in DARK]
)
def test_a_view_looks_as_it_did(
    open_page: OpenPage, api: httpx.Client, tracks: list[dict[str, Any]], view: str, look: tuple[str, str]
) -> None:
    if view == "queue":
        api.put("/api/queue", json={"track_ids": [track["id"] for track in tracks]}).raise_for_status()
    path, complete, varying = VIEWS[view]
    page = open_page("/sign-in/style.css", *look, bypass_csp=True)
    page.add_init_script("Math.random = () => 0.5")  # by which the page chooses some albums
    page.goto(path.format(album=tracks[0]["album_id"], artist=tracks[0]["artist_id"]))
    expect(page.locator(complete)).to_be_visible()
    problem = compare("-".join((view, *look)), shown(page, [page.locator(one) for one in varying]))
    assert problem is None, problem
