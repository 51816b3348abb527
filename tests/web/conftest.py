"""The page in Debian's Chromium, from a real stack over real music."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from image import web_page
from tests.support.browser import chromium
from tests.support.stack import Stack, free_port, wait_until
from tests.web import music

OWNER = {"name": "Ada", "password": "correct horse"}
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desk": (1280, 800)}
PAGE_SECONDS = 20.0
expect.set_options(timeout=1000 * PAGE_SECONDS)  # Playwright's 5 s are not enough beside an emulated machine


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    port = str(free_port())  # of the worker proxy
    with scanned_stack(
        made_music(tmp_path_factory), tmp_path_factory.mktemp("data"), SONIQUEBAY_WORKER_PROXY_PORT=port
    ) as running:
        yield running


def made_music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the music of `tests.web.music`."""
    folder = tmp_path_factory.mktemp("music")
    music.make(folder)
    return folder


@contextmanager
def scanned_stack(folder: Path, data: Path, **settings: str) -> Iterator[Stack]:
    """Give a stack with an owner, whose library over a folder of music is scanned and analysed."""
    web_page.install()
    running = Stack(folder, data, login=True, **settings)
    try:
        running.cli("scan", "--wait-vectors", control=True)
        wait_until(running.pictures_are_found)
        claim(running)
        yield running
    finally:
        code = running.stop()
    assert code == 0


def claim(stack: Stack) -> None:
    """Make the owner, as the page /claim does."""
    link = next(line for line in stack.output if "Make it yours: " in line).split(": ", 1)[1].strip()
    answer = httpx.post(f"{stack.url}/api/claim", json={"code": link.partition("code=")[2], **OWNER}, timeout=30)
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="session")
def signed_in(stack: Stack) -> list[dict[str, Any]]:
    return sign_in(stack)


def sign_in(stack: Stack) -> list[dict[str, Any]]:
    """Return the cookies of a browser in which the owner has signed in."""
    answer = httpx.post(f"{stack.url}/api/sign-in", json=OWNER, timeout=30)
    assert answer.status_code == 200, answer.text
    return [{"name": name, "value": value, "url": stack.url} for name, value in answer.cookies.items()]


@pytest.fixture
def open_page(browser: Browser, stack: Stack, signed_in: list[dict[str, Any]]) -> Iterator[Callable[..., Page]]:
    """Give a function that opens a path in a new window; a script that fails there fails the test.

    The queue is empty at first, whatever another test has played.
    """
    cookies = {cookie["name"]: cookie["value"] for cookie in signed_in}
    httpx.put(f"{stack.url}/api/queue", json={"track_ids": []}, cookies=cookies, timeout=30).raise_for_status()
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_at(
        path: str, size: str = "desk", scheme: str = "light", *, is_signed_in: bool = True, **more: Any
    ) -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            base_url=stack.url, viewport={"width": width, "height": height}, color_scheme=scheme,
            locale=more.pop("locale", "en-GB"), reduced_motion="reduce", **more,
        )  # fmt: skip
        contexts.append(context)
        if is_signed_in:
            context.add_cookies(signed_in)
        page = context.new_page()
        page.set_default_timeout(1000 * PAGE_SECONDS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console", lambda message: problems.append(message.text) if "Content Security" in message.text else None
        )
        page.goto(path)
        return page

    yield open_at
    for context in contexts:
        with suppress(Exception):
            context.close()
    assert not problems
