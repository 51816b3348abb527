"""A release is built from a commit, with a dated section in the changelog."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from image.errors import ActionableError
from tools.release import dated, has_version, main, prepare, section, today

ROOT = Path(__file__).parents[3]
CHANGELOG = """# Changelog

## [Unreleased]

### Added

- Something.

## [7.0.0] - 2026-01-01

- The first.
"""


def git(checkout: Path, *arguments: str) -> str:
    command = ["git", "-C", str(checkout), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write(checkout: Path, version: str, changelog: str) -> None:
    (checkout / "app/soniquebay/__init__.py").write_text(f'__version__ = "{version}"\n')
    (checkout / "CHANGELOG.md").write_text(changelog)
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "x")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "app/soniquebay").mkdir(parents=True)
    git(tmp_path, "init", "-q")
    write(tmp_path, "7.1.0", CHANGELOG)
    return tmp_path


def test_the_changelog_is_dated_then_the_release_is_built(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772000000")
    with pytest.raises(ActionableError, match=r"section 7\.1\.0 with today's date") as problem:
        prepare(checkout)
    assert "git commit" in problem.value.hint
    text = (checkout / "CHANGELOG.md").read_text()
    assert text == CHANGELOG.replace("## [Unreleased]\n", "## [Unreleased]\n\n## [7.1.0] - 2026-02-25\n")
    with pytest.raises(ActionableError, match=r"Not committed: CHANGELOG\.md\."):  # it is for a person to read
        prepare(checkout)
    git(checkout, "commit", "-q", "-a", "-m", "Release 7.1.0")
    assert prepare(checkout) == "7.1.0"
    assert (checkout / "CHANGELOG.md").read_text() == text
    assert git(checkout, "status", "--porcelain") == ""


@pytest.mark.parametrize("change", ["changed", "staged", "new"])
def test_a_dirty_tree_is_refused(checkout: Path, change: str) -> None:
    name = "app/soniquebay/__init__.py" if change == "changed" else "other.py"
    (checkout / name).write_text("x = 1\n")
    if change == "staged":
        git(checkout, "add", name)
    before = (checkout / "CHANGELOG.md").read_text()
    with pytest.raises(ActionableError, match=rf"Not committed: {name}\.") as problem:
        prepare(checkout)
    assert "Commit them" in problem.value.hint
    assert "make artifacts" in problem.value.hint
    assert (checkout / "CHANGELOG.md").read_text() == before


def test_many_files_are_not_all_listed(checkout: Path) -> None:
    for number in range(13):
        (checkout / f"f{number:02}").touch()
    with pytest.raises(ActionableError, match=r"f00, .*, f09 and 3 more\."):
        prepare(checkout)


def test_ignored_files_do_not_count(checkout: Path) -> None:
    (checkout / ".gitignore").write_text("dist/\n")
    (checkout / "dist").mkdir()
    (checkout / "dist/x").touch()
    write(checkout, "7.0.0", CHANGELOG.replace("### Added\n\n- Something.\n", ""))
    assert prepare(checkout) == "7.0.0"


def test_a_version_is_released_once(checkout: Path) -> None:
    write(checkout, "7.0.0", CHANGELOG)
    with pytest.raises(ActionableError, match=r"section 7\.0\.0 already") as problem:
        prepare(checkout)
    assert "Raise __version__" in problem.value.hint


def test_a_release_is_described(checkout: Path) -> None:
    write(checkout, "7.2.0", "# Changelog\n\n## [Unreleased]\n\n## [7.0.0] - 2026-01-01\n")
    with pytest.raises(ActionableError, match=r"does not describe 7\.2\.0"):
        prepare(checkout)
    write(checkout, "7.2.0", "# Changelog\n")
    with pytest.raises(ActionableError, match=r"no section ## \[Unreleased\]"):
        prepare(checkout)


def test_outside_of_git(tmp_path: Path) -> None:
    with pytest.raises(ActionableError, match="no Git checkout"):
        prepare(tmp_path)


def test_a_person_reads_what_to_do(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.release.prepare.__defaults__", (checkout,))
    (checkout / "new").touch()
    assert main() == 1
    assert capsys.readouterr().err.startswith("✗ Not committed: new.\n  Commit them")


def test_sections() -> None:
    assert section(CHANGELOG, "## [Unreleased]") == "### Added\n\n- Something."
    assert section(CHANGELOG, "## [7.0.0] - 2026-01-01") == "- The first."
    assert section(CHANGELOG, "## [7.0") is None
    assert has_version(CHANGELOG, "7.0.0")
    assert not any(has_version(CHANGELOG, version) for version in ("7.0", "7.0.01", "1.0", "7.1.0"))
    assert has_version("## 7.0.0 (not released)\n", "7.0.0")
    assert dated("## [Unreleased]\n", "1.0", "2026-01-01") == "## [Unreleased]\n\n## [1.0] - 2026-01-01\n"


def test_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert today() in {datetime.now(UTC).date().isoformat(), today()}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert today() == "1970-01-01"


def test_the_changelog_of_this_repository() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    for heading in headings[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d|\d+\.\d+\.\d+ \(not released\)", heading)
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
