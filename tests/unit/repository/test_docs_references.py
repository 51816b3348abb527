"""What the documents say of the code is still so: the API's page, named tests, settings, the list of decisions."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from soniquebay.settings import from_environment

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_the_api_page_is_made_from_this_code() -> None:
    command = [sys.executable, str(DOCS / "generate_api.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@cache
def source(file: str) -> str:
    path = ROOT / file
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_test_exists(page: Path) -> None:
    missing = [
        f"{file}::{function}"
        for file, function in NAMED_TEST.findall(page.read_text())
        if not re.search(rf"^(?:async )?def {function}\(", source(file), re.MULTILINE)
    ]
    assert missing == []


def test_tests_are_named_at_all() -> None:
    assert len(NAMED_TEST.findall((DOCS / "tuning.md").read_text())) > 50


class Recorder(dict[str, str]):
    """An environment that notes which variables are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    def get(self, key: str, default: object = None) -> str:  # type: ignore[override]
        self.read.add(key)
        return ""


def test_every_setting_is_documented() -> None:
    environment = Recorder()
    from_environment(environment)
    documented = re.findall(r"^\| `(SONIQUEBAY_\w+)` \|", (DOCS / "operating.md").read_text(), re.MULTILINE)
    assert len(environment.read) > 15
    assert environment.read - set(documented) == set()
    assert len(documented) == len(set(documented))


def test_every_decision_is_listed() -> None:
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (DOCS / "decisions/README.md").read_text())
    assert sorted(listed) == sorted(path.name for path in (DOCS / "decisions").glob("[0-9]*.md"))
