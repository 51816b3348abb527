"""What holds for the repository as a whole."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from soniquebay import __version__

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], check=True, capture_output=True, text=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def text_of(path: Path) -> str | None:
    content = path.read_bytes()
    return None if b"\0" in content else content.decode()


def makefile_list(name: str) -> list[str]:
    found = re.search(rf"^{name} := ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found, f"the Makefile has no {name}"
    return found[1].replace("\\\n", " ").split()


def test_the_version_stands_in_one_place() -> None:
    # after a word that says whose version it is: other programs may have the same number
    version = re.compile(rf"(?:soniquebay|release|image|version)[\W_]{{1,8}}{re.escape(__version__)}(?!\w|\.\d)", re.I)
    elsewhere = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path.suffix != ".lock" and path.name != "CHANGELOG.md"
        for number, line in enumerate((text_of(path) or "").splitlines(), 1)
        if version.search(line)
    ]
    assert len(elsewhere) == 1, elsewhere
    assert elsewhere[0].startswith("app/soniquebay/__init__.py:")


def test_text_files_are_as_editorconfig_says() -> None:
    for path in tracked():
        text = text_of(path)
        if text is None or not text or path.suffix in (".svg", ".patch"):
            continue
        name = path.relative_to(ROOT)
        assert text.endswith("\n"), f"{name} has no newline at its end"
        assert "\r" not in text, f"{name} has line ends of Windows"
        trailing = [number for number, line in enumerate(text.splitlines(), 1) if line != line.rstrip()]
        assert trailing == [], f"{name} has white space at the end of lines {trailing}"


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> Any:
    return yaml.safe_load(request.param.read_text())


def test_workflows_only_read_and_end(workflow: Any) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        assert 0 < job["timeout-minutes"] <= 360
        assert "permissions" not in job


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    used = re.findall(r"uses: *(.*)", path.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_every_long_target_runs_at_night() -> None:
    nightly = yaml.safe_load((ROOT / ".github/workflows/image.yml").read_text())
    assert nightly["jobs"]["test"]["strategy"]["matrix"]["target"] == ["test", *makefile_list("LONGER")]


def test_hooks_are_those_of_the_environment() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]
    for hook in hooks[0]["hooks"]:
        assert hook["language"] == "system", hook["id"]
        assert ".venv/bin" in hook["entry"], hook["id"]
