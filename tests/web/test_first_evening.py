"""The first evening of a listener, from the sign-in to the map. With PICTURES=1 it makes the pictures of the docs."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.support.browser import save_picture
from tests.support.stack import Stack, wait_until
from tests.web.conftest import OWNER

OpenPage = Callable[..., Page]
MAP_SECONDS = 180.0  # until all tracks are on the map, on a busy machine


def test_from_the_sign_in_to_music_to_what_is_alike_to_the_map(open_page: OpenPage, stack: Stack) -> None:
    page = open_page("/", is_signed_in=False)
    page.get_by_label("Name").fill(OWNER["name"])
    page.get_by_label("Password").fill(OWNER["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Recently added")).to_be_visible()
    save_picture(page, "page-home")
    page.get_by_role("link", name="Undertow").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Undertow")
    page.get_by_role("main").get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("region", name="Player")).to_contain_text("Arrival")
    save_picture(page, "page-album")
    page.goto("/queue")
    page.get_by_role("button", name="More like this").click()
    expect(page.get_by_role("heading", name="More like “Arrival”")).to_be_visible()
    expect(page.get_by_role("list", name="More like “Arrival”").get_by_role("listitem").first).to_be_visible()
    save_picture(page, "page-queue")
    state = page.context.request
    wait_until(lambda: _is_complete(state.get("/api/map/state").json()), MAP_SECONDS)
    page.goto("/map")
    expect(page.get_by_role("application")).to_be_visible()
    expect(page.locator(".map-legend li").first).to_be_visible()
    save_picture(page, "page-map")
    for path, name in (("/albums", "phone"), ("/queue", "phone-queue"), ("/map", "phone-map")):
        save_picture(open_page(path, "phone", "dark"), f"page-{name}")
    save_picture(open_page("/machine", "desk"), "page-machine")


def _is_complete(state: dict[str, int]) -> bool:
    return bool(state["placed"] and state["placed"] == state["tracks"])
