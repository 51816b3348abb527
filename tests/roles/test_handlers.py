"""Ansible keeps one handler of a name in a play, the last one that it loads: no two roles may use the same name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .playbook import ROLE_NAMES, ROLES, LocalMachine, load


def handlers(role: str) -> list[str]:
    path = ROLES / role / "handlers/main.yml"
    return [handler["name"] for handler in load(path)] if path.exists() else []


def notified(tasks: Any) -> set[str]:
    """Return every name that these tasks notify, those in blocks included."""
    names: set[str] = set()
    for task in tasks:
        notify = task.get("notify", [])
        names |= {notify} if isinstance(notify, str) else set(notify)
        names |= notified(task.get("block", []))
    return names


def test_no_two_roles_have_a_handler_of_the_same_name() -> None:
    count = Counter(name for role in ROLE_NAMES for name in handlers(role))
    assert count
    assert {name: times for name, times in count.items() if times > 1} == {}


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_notifies_handlers_that_it_has(role: str) -> None:
    """Its own, or those of the roles that it depends on."""
    available = set(handlers(role))
    for dependency in load(ROLES / role / "meta/main.yml")["dependencies"]:
        available |= set(handlers(dependency["role"]))
    tasks = (ROLES / role / "tasks").glob("*.yml")
    assert set().union(*(notified(load(path)) for path in tasks)) <= available


def make_releases(root: Path) -> None:
    program = root / "releases/1.0/bin/soniquebay"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)


SETTINGS_CHANGE = {
    "name": "Stand in for the role services, whose settings have changed",
    "ansible.builtin.debug": {"msg": "changed"},
    "changed_when": True,
    "notify": "Restart SoniqueBay",
    "tags": ["settings"],
}


@pytest.mark.parametrize(
    ("restart", "tags", "times"),
    [(True, "release_configure,settings", 1), (False, "release_configure", 0)],
    ids=["once for both", "not for the release"],
)
def test_release_restart_decides_beside_the_role_services(
    machine: LocalMachine, tmp_path: Path, restart: bool, tags: str, times: int
) -> None:
    """Both roles as in site.yml, where only the current release changes, or the settings as well."""
    make_releases(tmp_path)
    machine.play(
        {"roles": ["release", "services"], "tasks": [SETTINGS_CHANGE]},
        options=["--tags", tags],
        release_archive=str(tmp_path / "soniquebay-1.0-aarch64.tar.gz"),
        release_root=str(tmp_path),
        release_command=str(tmp_path / "command"),
        release_restart=restart,
    )
    assert (tmp_path / "current").resolve() == tmp_path / "releases/1.0"
    assert machine.restarts() == times
