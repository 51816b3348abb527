"""What the built page is made from, and that it fits the appliance. `make web` has built it before."""

import gzip
import json
import re
from pathlib import Path

import pytest

from image import web_page
from image.errors import ActionableError

MAX_FIRST_LOAD_BYTES = 100_000  # compressed


def test_the_lock_file_has_a_hash_of_each_package_and_no_address() -> None:
    text = (web_page.SOURCES / "package-lock.json").read_text()
    assert '"resolved"' not in text
    locked = json.loads(text)["packages"]
    assert all("integrity" in entry for path, entry in locked.items() if path)


def test_packages_that_are_part_of_the_page_are_told_with_their_licences() -> None:
    told = json.loads((web_page.INSTALLED / web_page.PACKAGES).read_text())
    assert told == web_page.bundled_packages()
    assert {"preact", "preact-iso", "@preact/signals"} <= {package["name"] for package in told}
    texts = (web_page.INSTALLED / "licences.txt").read_text()
    for package in told:
        assert f"{package['name']}\n" in texts


def test_a_package_without_a_licence_is_not_built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "node_modules/free").mkdir(parents=True)
    monkeypatch.setattr(web_page, "SOURCES", tmp_path)
    with pytest.raises(ActionableError, match="free has no licence"):
        web_page._licence_text("free")


def test_the_first_load_is_small_and_nothing_comes_from_elsewhere() -> None:
    index = (web_page.INSTALLED / "index.html").read_text()
    names = re.findall(r'(?:src|href)="\./assets/([^"]+)"', index)
    assert len(names) >= 2
    assert sum(_compressed_bytes(web_page.INSTALLED / "assets" / name) for name in names) < MAX_FIRST_LOAD_BYTES
    assert not re.findall(r'(?:src|href)="(?!\./)', index)
    assert "<style" not in index
    assert "<script>" not in index  # the Content Security Policy would refuse it


def _compressed_bytes(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9))
