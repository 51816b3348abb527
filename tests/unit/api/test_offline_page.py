"""The page that describes the API works on a network without the internet."""

import asyncio
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from soniquebay.api.internal import internal_app
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.settings import from_environment

ORIGIN = "http://soniquebay.local"
CONTENT_TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png", ".json": "application/json"}


class Page(HTMLParser):
    """The addresses in a page, and what a strict Content-Security-Policy refuses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.inline: list[str] = []
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.urls += [value for name in ("src", "href") if (value := values.get(name)) is not None]
        self.inline += [name for name in values if name.startswith("on") or name == "style"]
        self.inline += [tag] if tag == "style" else []
        self._in_script = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    return make_services(
        from_environment({"SONIQUEBAY_LOGIN": "off", "SONIQUEBAY_DATA": str(tmp_path_factory.mktemp("data"))})
    )


@pytest.fixture(scope="module")
def public(services: Services) -> FastAPI:
    return public_app(services)


@pytest.fixture(scope="module")
def internal(services: Services) -> FastAPI:
    return internal_app(services)


def get(app: FastAPI, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
            return await client.get(path)

    return asyncio.run(ask())


def test_the_page_needs_nothing_from_another_host(public: FastAPI) -> None:
    answer = get(public, "/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = Page(answer.text)
    urls = [urljoin(f"{ORIGIN}/docs", url) for url in page.urls]
    assert {Path(urlsplit(url).path).suffix for url in urls} == CONTENT_TYPES.keys()
    for url in urls:
        assert url.startswith(f"{ORIGIN}/"), url
        loaded = get(public, url.removeprefix(ORIGIN))
        content_type = CONTENT_TYPES[Path(urlsplit(url).path).suffix]
        assert (loaded.status_code, loaded.headers["content-type"].partition(";")[0]) == (200, content_type), url
        assert loaded.content
    assert page.inline == []
    initializer = get(public, "/docs/assets/swagger-initializer.js").text
    for text in (answer.text, initializer):
        assert "//" not in re.sub(r"^ *//.*", "", text, flags=re.MULTILINE)  # comments aside
    (description,) = re.findall(r'\burl: "(.*)"', initializer)
    assert json.loads(get(public, f"/{description}").text)["info"]["title"] == "SoniqueBay"
    # Swagger UI sends the description to validator.swagger.io otherwise.
    assert "validatorUrl: null" in initializer


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect", "/docs/assets/", "/docs/assets/__init__.py",
                                  "/docs/assets/..%2fmain.py"])  # fmt: skip
def test_nothing_else_is_served_there(public: FastAPI, path: str) -> None:
    assert get(public, path).status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/assets/swagger-ui.css"])
def test_the_internal_application_has_no_page(internal: FastAPI, path: str) -> None:
    assert get(internal, path).status_code == 404


def test_the_page_is_not_part_of_the_api_itself(public: FastAPI) -> None:
    assert not [path for path in get(public, "/openapi.json").json()["paths"] if "docs" in path]
