"""The built documentation site: complete, and readable without any other host."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build/site"
ELSEWHERE = re.compile(r"""(?:url\(|@import\s)\s*["']?(?:https?:)?//[^)"']+""")
# rel values by which a browser loads something
LOADED = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "dns-prefetch", "manifest"}


class Resources(HTMLParser):
    """Collects the addresses that a page loads, and those that it links to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if "src" in given:
            self.loaded.append(given["src"])
        if "href" in given:
            loads = tag == "link" and LOADED & set(given.get("rel", "").split())
            (self.loaded if loads else self.linked).append(given["href"])
        self.loaded += [part.split()[0] for part in given.get("srcset", "").split(",") if part]


def pages() -> list[Path]:
    found = sorted(SITE.rglob("*.html"))
    assert found, "there is no site: run make docs"
    return found


def local_file(page: Path, address: str) -> Path:
    path = unquote(urlsplit(address).path)
    return SITE / path.lstrip("/") if path.startswith("/") else page.parent / path


def is_local(address: str) -> bool:
    split = urlsplit(address)
    return not split.scheme and not split.netloc


def test_no_page_loads_anything_from_another_host() -> None:
    for page in pages():
        for address in Resources(page).loaded:
            assert is_local(address) or address.startswith("data:"), f"{page.relative_to(SITE)} loads {address}"
            assert address.startswith("data:") or local_file(page, address).is_file(), f"{page}: no {address}"


def test_no_style_loads_anything_from_another_host() -> None:
    for file in [*SITE.rglob("*.css"), *pages()]:
        assert ELSEWHERE.findall(file.read_text()) == [], file


def test_pages_with_a_diagram_bring_mermaid() -> None:
    """Without it mkdocs-material would load it from a content delivery network."""
    for page in pages():
        addresses = [address for address in Resources(page).loaded if "mermaid" in address]
        assert len(addresses) == ('class="mermaid"' in page.read_text()), page
        assert all(is_local(address) for address in addresses), page


def test_links_lead_somewhere() -> None:
    for page in pages():
        if page.name == "404.html":  # its links are absolute, made for the root of a server
            continue
        for address in Resources(page).linked:
            if is_local(address) and urlsplit(address).path:
                assert local_file(page, address).exists(), f"{page.relative_to(SITE)} links to {address}"


@pytest.mark.parametrize("source", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_every_document_is_a_page(source: Path) -> None:
    name = "index.html" if source.name == "README.md" else f"{source.stem}.html"
    assert (SITE / source.parent.relative_to(ROOT / "docs") / name).is_file()
