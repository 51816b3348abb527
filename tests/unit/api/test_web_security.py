"""Foreign pages in a listener's browser: which requests are refused."""

import asyncio
import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from soniquebay.api.web_security import HEADERS, WebSecurity, is_own_name

OWN = "http://soniquebay.local"


async def _answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse("done", headers={"Referrer-Policy": "no-referrer"})


APP = WebSecurity(
    Starlette(routes=[Route("/", _answer, methods=["GET", "POST", "PUT", "DELETE"])]), frozenset({"music.example.org"})
)


def request(method: str = "POST", url: str = OWN, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(APP)) as client:
            return await client.request(method, url, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "host",
    [
        "soniquebay.local", "SoniqueBay.Local:80", "soniquebay.local.", "localhost", "localhost:8080", "127.0.0.1:8080",
        "192.168.1.7", "[::1]", "[fe80::1]:80", "pi.lan", "pi.home.arpa", "music.example.org", "music.example.org:443",
        socket.gethostname(),
    ],
)  # fmt: skip
def test_a_name_that_only_the_appliance_can_have_is_answered(host: str) -> None:
    assert is_own_name(host, {"music.example.org", socket.gethostname().lower()})
    assert request("GET", host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "soniquebay.local.evil.example", "127.0.0.1.evil.example", "local", "evil-local", "evillocal",
        "xlocalhost", "example.org", "a.music.example.org", "", "a@127.0.0.1", "127.0.0.1/x", "[::1", "::1",
        "1.2.3.4:x",
    ],
)  # fmt: skip
def test_a_name_that_others_can_have_is_refused(host: str) -> None:
    assert not is_own_name(host, {"music.example.org"})
    answer = request("GET", host=host)
    assert answer.status_code == 421
    assert "SONIQUEBAY_HOSTS" in answer.json()["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://soniquebay.local.evil.example"},
        {"origin": "http://soniquebay.local:8080"},  # another program of the same machine
        {"origin": "http://[::1"},
        {"origin": ""},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": OWN},
    ],
)
def test_a_foreign_page_changes_nothing(method: str, headers: dict[str, str]) -> None:
    answer = request(method, **headers)
    assert answer.status_code == 403
    assert "another site" in answer.json()["detail"]
    assert request("GET", **headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},  # curl, an app
        {"origin": OWN},
        {"origin": "http://SONIQUEBAY.local"},
        {"origin": "https://soniquebay.local"},  # TLS ends before this program
        {"sec_fetch_site": "same-origin", "origin": OWN},
        {"sec_fetch_site": "none"},
    ],
)
def test_the_appliances_own_page_and_programs_may_change_something(headers: dict[str, str]) -> None:
    assert request("POST", **headers).status_code == 200


def test_every_answer_has_the_headers_and_keeps_its_own() -> None:
    for answer in (request("GET"), request("POST", origin="null"), request("GET", host="evil.example")):
        assert set(map(str.lower, HEADERS)) <= set(answer.headers)
        assert "unsafe" not in answer.headers["content-security-policy"]
    assert request("GET").headers["referrer-policy"] == "no-referrer"
