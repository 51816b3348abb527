"""The sets of system files of the releases on this machine.

<root>/profile                         the profile of the image that this machine was flashed with
<root>/releases/<version>/system.json  the sets of a release, one for each profile, with the roles' defaults
<root>/system/<version>.json           the set that a playbook has rendered with the settings of an inventory
<root>/system/<version>.change         what the upgrade to this release has changed, which leads back
<root>/system-change.json              the change of the upgrade that is open
"""

import contextlib
import json
from pathlib import Path
from typing import NamedTuple

import click

from soniquebay.atomic_file import replace_file
from soniquebay.releases import installed, system_change
from soniquebay.releases.system_change import SystemChange
from soniquebay.releases.system_files import FileSet, plan

PROFILE_FILE, RELEASE_FILE, FOLDER, CHANGE_FILE = "profile", "system.json", "system", "system-change.json"
SITE = "site"  # a machine that was not flashed: its disks, its network and its boot belong to its owner


class Plan(NamedTuple):
    """What a release changes of the system."""

    change: SystemChange
    kept: list[str]
    """Files that stay as somebody has edited them."""
    packages: list[str]
    """Debian packages that the release needs."""


def parse(text: str) -> FileSet:
    """Return the set that a playbook tells. Raises ``click.ClickException``."""
    try:
        return FileSet.of(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"this is no set of system files: {error!r}") from error


def keep_rendered(root: Path, version: str, text: str) -> None:
    """Keep the set that a playbook has rendered for a release."""
    (root / FOLDER).mkdir(mode=0o755, exist_ok=True)
    replace_file(root / FOLDER / f"{version}.json", text.encode())


def rendered_set(root: Path, version: str) -> FileSet | None:
    """Return the set that a playbook has rendered for a release."""
    try:
        return parse((root / FOLDER / f"{version}.json").read_text("utf-8"))
    except FileNotFoundError:
        return None


def plan_for(root: Path, old: str | None, new: str, rendered: FileSet | None) -> Plan:
    """Return what changes when a release takes the place of another one; `old`: None repairs.

    On the way back to the release before, the files become what they were. A set that a playbook has rendered replaces
    edited files. That of the release itself keeps them, as it does not know the settings of this machine. Raises
    ``click.ClickException``.
    """
    made = SystemChange.load(root / FOLDER / f"{old}.change")
    if old is not None and made.replaced == new:
        change, kept = made.back()
        return Plan(change, kept, [])
    target = rendered or _of_release(root, new)
    if target is None:
        return Plan(SystemChange(), [], [])
    bases = [] if old is None else [_of_release(root, old), rendered_set(root, old) if rendered else None]
    changes, kept = plan(target, [base for base in bases if base is not None], keeps_edited=rendered is None)
    return Plan(system_change.of_set(target, changes, old or ""), kept, target.packages)


def open_change(root: Path) -> SystemChange:
    """Return the change of the upgrade that is open."""
    return SystemChange.load(root / CHANGE_FILE)


def keep_change(root: Path, version: str) -> None:
    """Keep the change that has led to a release: it leads back."""
    (root / FOLDER).mkdir(mode=0o755, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        (root / CHANGE_FILE).rename(root / FOLDER / f"{version}.change")


def remove_unused(root: Path) -> None:
    """Remove what is kept for releases that are no longer there."""
    versions = set(installed.versions(root))
    for path in (root / FOLDER).glob("*"):
        if path.stem not in versions:
            path.unlink()


def _of_release(root: Path, version: str) -> FileSet | None:
    try:
        sets = json.loads((root / "releases" / version / RELEASE_FILE).read_text("utf-8"))
    except FileNotFoundError:  # an older release
        return None
    profile = _profile(root)
    return FileSet.of(sets[profile]) if profile in sets else None


def _profile(root: Path) -> str:
    try:
        return (root / PROFILE_FILE).read_text("utf-8").strip()
    except FileNotFoundError:
        return SITE
