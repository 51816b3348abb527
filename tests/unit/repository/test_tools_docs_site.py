"""What the documentation site is made of: links between repository and site, its navigation, and Mermaid."""

import base64
import hashlib
import http.server
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from image.errors import ActionableError
from tools import mermaid
from tools.docs_site import expand, on_page_markdown, rewrite_links


@pytest.mark.parametrize(
    ("source", "link", "expected"),
    [
        ("README.md", "[a](docs/testing.md)", "[a](testing.md)"),
        ("README.md", "[a](docs/testing.md#in-make-test)", "[a](testing.md#in-make-test)"),
        ("README.md", "[a](LICENSE)", "[a](LICENSE.txt)"),
        ("README.md", "[a](roles/base/README.md)", "[a](roles/base.md)"),
        ("docs/architecture.md", "[a](../README.md#try-it)", "[a](readme.md#try-it)"),
        ("docs/decisions/0001.md", "[a](../glossary.md)", "[a](../glossary.md)"),
        ("docs/decisions/0001.md", "[a](../../CONTRIBUTING.md)", "[a](../project/contributing.md)"),
        ("roles/base/README.md", "[a](../../docs/glossary.md)", "[a](../glossary.md)"),
        ("CONTRIBUTING.md", "[a](docs/glossary.md)", "[a](../glossary.md)"),
        ("CONTRIBUTING.md", "[a](SECURITY.md)", "[a](security.md)"),
        ("roles/base/README.md", "[a](../redis/README.md)", "[a](redis.md)"),
        ("docs/testing.md", "[a](#here)", "[a](#here)"),
        ("docs/testing.md", "[a](https://example.org/x.md)", "[a](https://example.org/x.md)"),
        ("docs/testing.md", "[a](mailto:a@example.org)", "[a](mailto:a@example.org)"),
        ("docs/testing.md", "[a](missing.md)", "[a](missing.md)"),  # mkdocs reports it
        ("docs/testing.md", "[the *Makefile*](../Makefile)", "the *Makefile*"),
    ],
)
def test_links_of_the_repository_are_right_in_the_site(source: str, link: str, expected: str) -> None:
    assert rewrite_links(f"See {link}.", source, "") == f"See {expected}."


def test_files_outside_the_site_are_linked_in_the_repository_once_its_address_is_known() -> None:
    link = rewrite_links("[a](../tools/results.py)", "docs/testing.md", "https://example.org/forge/")
    assert link == "[a](https://example.org/forge/blob/main/tools/results.py)"


def test_code_stays_as_it_is() -> None:
    class Page:
        class file:  # noqa: N801
            src_uri = "readme.md"

    class Config:
        repo_url = None

    text = "[a](docs/testing.md) `[a](docs/testing.md)`\n\n```md\n[a](docs/testing.md)\n```\n[a](docs/testing.md)"
    expected = "[a](testing.md) `[a](docs/testing.md)`\n\n```md\n[a](docs/testing.md)\n```\n[a](testing.md)"
    assert on_page_markdown(text, page=Page(), config=Config(), files=None) == expected


def test_patterns_of_the_navigation() -> None:
    nav = ["a.md", "*.md", {"Decisions": "d/*.md"}, {"Roles": "r/*.md"}, {"Last": ["z.md", {"One": "y.md"}]}]
    pages = ["a.md", "b.md", "c.md", "d/1.md", "d/2.md", "d/e/3.md", "y.md", "z.md"]
    assert expand(nav, pages) == [
        "a.md", "b.md", "c.md", {"Decisions": ["d/1.md", "d/2.md"]}, {"Last": ["z.md", {"One": "y.md"}]},
    ]  # fmt: skip


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a small package as the npm registry does, to a machine without npm and with an empty cache."""
    package = tmp_path / "registry/mermaid/-" / f"mermaid-{mermaid.VERSION}.tgz"
    package.parent.mkdir(parents=True)
    script = tmp_path / "mermaid.min.js"
    script.write_text("globalThis.mermaid = {};\n")
    with tarfile.open(package, "w:gz") as archive:
        archive.add(script, "package/dist/mermaid.min.js")
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=tmp_path / "registry")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(mermaid, "INTEGRITY", f"sha512-{digest}")
    yield package
    server.shutdown()
    server.server_close()


def test_mermaid_is_downloaded_once(registry: Path) -> None:
    script = mermaid.script()
    assert script.read_text() == "globalThis.mermaid = {};\n"
    registry.unlink()
    assert mermaid.script() == script
    assert [path.name for path in script.parent.iterdir()] == [script.name]


def test_another_file_than_the_pinned_one_is_refused(registry: Path) -> None:
    registry.write_bytes(registry.read_bytes() + b"x")
    with pytest.raises(ActionableError, match="not the file that is pinned"):
        mermaid.script()


def test_a_failed_download_is_reported(registry: Path) -> None:
    registry.unlink()
    with pytest.raises(ActionableError, match=r"could not be downloaded from http://127\.0\.0\.1.*404"):
        mermaid.script()


def test_npm_is_used_where_there_is_one(registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text(f'#!/bin/sh\n[ "$*" = "pack --silent mermaid@{mermaid.VERSION}" ] && cp "{registry}" .\n')
    npm.chmod(0o755)
    monkeypatch.delenv("NPM_CONFIG_REGISTRY")
    monkeypatch.setattr("shutil.which", lambda name: str(npm))
    assert mermaid.script().exists()
    npm.write_text("#!/bin/sh\necho 'npm error 404' >&2\nexit 1\n")
    mermaid.script().unlink()
    with pytest.raises(ActionableError, match="npm error 404"):
        mermaid.script()
