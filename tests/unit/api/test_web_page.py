"""How the API serves the page, whatever the page is."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from image.paths import ROOT
from soniquebay.api import web_page
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.settings import from_environment

INDEX = '<meta name="base-path" content=""><script src="./assets/a-1.js"></script><link href="./icon.svg">'
SCRIPT = "console.log('a page');" * 100


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets/a-1.js").write_text(SCRIPT)
    (folder / "assets/a-1.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    monkeypatch.setattr(web_page, "FILES", folder)
    return folder


@pytest.fixture
def client(files: Path, tmp_path: Path) -> Iterator[TestClient]:
    variables = {"DATA": tmp_path, "CLAIM_FOLDER": tmp_path, "LOGIN": "off", "BASE_PATH": "/music"}
    settings = from_environment({f"SONIQUEBAY_{name}": str(value) for name, value in variables.items()})
    yield TestClient(public_app(make_services(settings)), "http://localhost")


@pytest.mark.parametrize("path", ["/music/", "/music/albums", "/music/albums/7", "/music/artists/7/more"])
def test_every_view_is_the_same_page_below_the_base_path(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    assert 'content="/music"' in answer.text
    assert 'src="/music/assets/a-1.js"' in answer.text
    assert answer.headers["cache-control"] == "no-cache"


def test_assets_are_kept_for_a_year_and_come_compressed_to_those_who_understand_it(client: TestClient) -> None:
    for encoding in ("gzip", "identity"):
        answer = client.get("/assets/a-1.js", headers={"Accept-Encoding": encoding})
        assert (answer.text, answer.headers.get("content-encoding")) == (SCRIPT, {"gzip": "gzip"}.get(encoding))
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path",
    [
        *("/assets/b.js", "/assets/..%2Findex.html", "/assets/%2e%2e/index.html", "/assets/.hidden.js"),
        *("/assets/a-1.js.gz", "/assets/a%00.js", "/nothing", "/album", "/manifest.webmanifest"),
    ],
)
def test_nothing_else_is_there(client: TestClient, files: Path, path: str) -> None:
    (files / "assets/.hidden.js").write_text("hidden")
    assert client.get(path).status_code == 404


def test_a_checkout_without_the_page_says_how_to_build_it(client: TestClient, files: Path) -> None:
    (files / "index.html").unlink()
    answer = client.get("/")
    assert (answer.status_code, "make web" in answer.text) == (503, True)


def test_browser_and_api_know_the_same_views() -> None:
    source = (ROOT / "app/web/src/shell/App.tsx").read_text()
    routed = re.findall(r"path=\{`\$\{basePath\}/([a-z]+)", source)
    assert set(routed) == set(web_page.VIEWS)
