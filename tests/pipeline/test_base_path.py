"""The public API below a path of a reverse proxy, nginx: one that passes the path on, and one that takes it away."""

import http.cookies
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.nginx import nginx
from tests.support.stack import Stack, free_port

OWNER = {"name": "Ada", "password": "correct horse"}
BROWSER = {"Accept": "text/html"}
NAMED, UNNAMED = "127.0.0.5", "127.0.0.6"  # from where a proxy asks
SERVER = """
    server {{
        listen 127.0.0.1:{port};
        location /music/ {{
            proxy_pass http://127.0.0.1:{api}{rest};
            proxy_bind {source};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto {scheme};
        }}
    }}
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack with an owner and one track, which knows the proxies at `NAMED`."""
    music = tmp_path_factory.mktemp("music")
    tone(music / "a.flac", seconds=1, title="Song")
    running = Stack(
        music, tmp_path_factory.mktemp("data"), login=True,
        SONIQUEBAY_BASE_PATH="/music/", SONIQUEBAY_TRUSTED_PROXIES=NAMED,
    )  # fmt: skip
    running.cli("user", "add", "Ada", "--manage", control=True, typed=OWNER["password"])
    running.cli("scan", "--wait", control=True)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def proxies(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start nginx; return the URL of each way."""
    ways = {
        "passes it on": ("", NAMED, "http"),
        "takes it away": ("/", NAMED, "http"),
        "is not named": ("", UNNAMED, "http"),
        "has TLS": ("", NAMED, "https"),
    }
    ports = {way: free_port() for way in ways}
    servers = "".join(
        SERVER.format(port=ports[way], api=stack.port, rest=rest, source=source, scheme=scheme)
        for way, (rest, source, scheme) in ways.items()
    )
    urls = {way: f"http://localhost:{port}" for way, port in ports.items()}
    with nginx(tmp_path_factory.mktemp("nginx"), servers, f"{urls['passes it on']}/music/api/health"):
        yield urls


@pytest.mark.parametrize("way", ["passes it on", "takes it away", "is not named"])
def test_a_browser_stays_below_the_path(stack: Stack, proxies: dict[str, str], way: str) -> None:
    with httpx.Client(base_url=proxies[way], headers={"Origin": proxies[way]}, timeout=30) as client:
        asked = client.get("/music/docs?a=b", headers=BROWSER)
        assert asked.headers["location"] == "/music/sign-in?next=%2Fmusic%2Fdocs%3Fa%3Db"
        page = client.get(asked.headers["location"]).text
        assert 'action="/music/sign-in"' in page and 'href="/music/sign-in/style.css"' in page
        assert 'value="/music/docs?a=b"' in page
        assert client.get("/music/sign-in/style.css").status_code == 200
        answer = client.post("/music/sign-in", data=OWNER)
        assert (answer.status_code, answer.headers["location"]) == (303, "/music/")
        for header in answer.headers.get_list("set-cookie"):
            (cookie,) = http.cookies.SimpleCookie(header).values()
            assert (cookie["path"], cookie["secure"]) == ("/music", "")
        docs = client.get("/music/docs")
        assert (docs.status_code, 'src="docs/assets/' in docs.text) == (200, True)
        assert client.get("/music/openapi.json").json()["servers"][0] == {"url": "/music"}
        (track,) = client.get("/music/api/tracks").json()["items"]
        assert client.get(f"/music/api/tracks/{track['id']}/stream", headers={"Range": "bytes=0-3"}).content == b"fLaC"
        with client.stream("GET", "/music/api/events") as events:
            assert next(line for line in events.iter_lines() if line.startswith("data:"))
        assert client.get("/music/internal/x").status_code == 403
        made = client.post("/music/api/account/app-passwords", json={"name": f"App, {way}"}).json()["password"]
        signed_out = client.post("/music/api/sign-out")
        assert "Path=/music;" in signed_out.headers["set-cookie"]
        assert "soniquebay_session" not in client.cookies
    ping = httpx.get(
        f"{proxies[way]}/music/rest/ping", params={"f": "json", "c": "test", "apiKey": made, "v": "1.16.1"}
    )
    assert ping.json()["subsonic-response"]["status"] == "ok"


def test_a_proxy_with_tls_makes_the_cookie_secure(stack: Stack, proxies: dict[str, str]) -> None:
    answer = httpx.post(f"{proxies['has TLS']}/music/sign-in", data=OWNER)
    assert "; Secure" in answer.headers["set-cookie"]


def test_the_command_line_signs_in_below_the_path(stack: Stack, proxies: dict[str, str], tmp_path: Path) -> None:
    url = f"{proxies['passes it on']}/music"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        done = stack.cli("login", url, "--name", "Ada", typed=OWNER["password"])
    assert f"signed in at {url} as Ada" in done.stdout


def test_without_the_proxy_pages_have_no_path(stack: Stack, proxies: dict[str, str]) -> None:
    """So the cookie of somebody who signs in there also reaches Flower."""
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        assert client.get("/docs", headers=BROWSER).headers["location"] == "/sign-in?next=%2Fdocs"
        answer = client.post("/sign-in", data=OWNER)
        assert (answer.headers["location"], "Path=/;" in answer.headers["set-cookie"]) == ("/", True)
        assert client.get(f"http://127.0.0.1:{stack.flower_port}/workers").status_code == 200
        assert client.get("/musical").status_code == 404
