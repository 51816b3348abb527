"""The page for guests, who have no user: each of its views shows what there is without one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.stack import Stack
from tests.web import music
from tests.web.conftest import scanned_stack, sign_in

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("music")
    music.make(folder, albums_per_artist=1)
    with scanned_stack(folder, tmp_path_factory.mktemp("data"), SONIQUEBAY_GUESTS="on") as running:
        yield running


@pytest.fixture(scope="module")
def signed_in(stack: Stack) -> list[dict[str, Any]]:
    return sign_in(stack)


def test_the_first_view_has_albums_for_guests(open_page: OpenPage) -> None:
    page = open_page("/", is_signed_in=False)
    expect(page.get_by_role("heading", name="Recently added")).to_be_visible()
    expect(page.get_by_role("heading", name="Most played")).to_have_count(0)
    page.locator(".album-row a").first.click()
    expect(page.get_by_role("button", name="Play", exact=True).first).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/albums", "/artists", "/genres", "/folders", "/playlists", "/map", "/blend", "/queue"]
)
def test_no_view_needs_a_user(open_page: OpenPage, path: str) -> None:
    page = open_page(path, is_signed_in=False)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("sign in with a user")).to_have_count(0)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
