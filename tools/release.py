"""What `make release` requires: that everything is committed, and that CHANGELOG.md has a dated section.

    python -m tools.release

exits with 0 when a release can be built from this checkout. Otherwise it prints what to do, and exits with 1.
"""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from image.errors import ActionableError
from image.release import version_of
from tools import ROOT

CHANGELOG = "CHANGELOG.md"
_UNRELEASED = "## [Unreleased]"
_MAX_LISTED_FILES = 10


def prepare(root: Path = ROOT) -> str:
    """Return the version that can be released from the checkout at `root`.

    Raises `ActionableError` when files are not committed, when nothing is described in the changelog, and when this
    version has been released already. It does so, too, after it has made the changelog's section "Unreleased" that of
    the version, with today's date (or that of SOURCE_DATE_EPOCH): a person reads it and commits it.
    """
    require_commit(root)
    version = version_of(root / "app")
    path = root / CHANGELOG
    changelog = path.read_text(encoding="utf-8")
    waiting = section(changelog, _UNRELEASED)
    if waiting is None:
        raise ActionableError(f"{CHANGELOG} has no section {_UNRELEASED}.", "Put an empty one above the last version.")
    if has_version(changelog, version):
        if waiting:
            raise ActionableError(
                f"{CHANGELOG} has a section {version} already, and there are unreleased changes.",
                "Raise __version__ in app/soniquebay/__init__.py, commit it, and run make release again.",
            )
        return version
    if not waiting:
        raise ActionableError(
            f"{CHANGELOG} does not describe {version}.", f"Describe it under {_UNRELEASED}, and commit."
        )
    path.write_text(dated(changelog, version, today()), encoding="utf-8")
    raise ActionableError(
        f"{CHANGELOG} has a section {version} with today's date now.",
        f"Read it, commit it (git commit -m 'Release {version}' {CHANGELOG}), and run make release again.",
    )


def require_commit(root: Path) -> None:
    """Raise `ActionableError` unless the checkout at `root` is that of a commit, without changed or new files."""
    # safe.directory: under sudo the checkout belongs to somebody else
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), "status", "--porcelain"]
    try:
        changed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError) as error:
        raise ActionableError(f"{root} is no Git checkout.", "A release is built from a commit: clone it.") from error
    if changed:
        listed = ", ".join(line[3:] for line in changed[:_MAX_LISTED_FILES])
        more = f" and {len(changed) - _MAX_LISTED_FILES} more" if len(changed) > _MAX_LISTED_FILES else ""
        raise ActionableError(
            f"Not committed: {listed}{more}.",
            "Commit them or put them aside (git stash -u). make artifacts builds from the files as they are.",
        )


def section(changelog: str, heading: str) -> str | None:
    """Return the text below a heading of the changelog, None when there is no such heading."""
    found = re.search(rf"^{re.escape(heading)}[ \t]*$\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else None


def has_version(changelog: str, version: str) -> bool:
    """Return whether the changelog has a section of a version, released or not."""
    return re.search(rf"^## \[?{re.escape(version)}\]?(?![\w.])", changelog, re.MULTILINE) is not None


def dated(changelog: str, version: str, date: str) -> str:
    """Return the changelog with the section "Unreleased" as that of a version, and an empty one above it."""
    return changelog.replace(_UNRELEASED, f"{_UNRELEASED}\n\n## [{version}] - {date}", 1)


def today() -> str:
    """Return the date in UTC, of SOURCE_DATE_EPOCH if that is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return (datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)).date().isoformat()


def main() -> int:
    """Check this checkout."""
    try:
        print(f"Release {prepare()}")
    except ActionableError as problem:
        print(f"✗ {problem.what}\n  {problem.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
