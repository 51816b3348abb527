"""Ansible keeps one handler of a name in a play, the last one that it loads: no two roles may use the same name."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .playbook import ROLE_NAMES, ROLES, ROOT, LocalMachine, load


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
def test_a_role_notifies_handlers_of_its_own_or_of_its_dependencies(role: str) -> None:
    available = set(handlers(role))
    for dependency in load(ROLES / role / "meta/main.yml")["dependencies"]:
        available |= set(handlers(dependency["role"]))
    tasks = (ROLES / role / "tasks").glob("*.yml")
    assert set().union(*(notified(load(path)) for path in tasks)) <= available


def make_release(root: Path) -> dict[str, Any]:
    """Unpack a release that is not the current one yet; return the variables with which the role takes it."""
    program = root / "releases/1.0/bin/soniquebay"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}/app" exec "{sys.executable}" -m soniquebay.cli "$@"\n')
    program.chmod(0o755)
    archive = root / "soniquebay-1.0-aarch64.tar.gz"
    return {"soniquebay_root": str(root), "soniquebay_command": str(root / "command"), "release_archive": str(archive)}


SETTINGS_CHANGE = {
    "name": "Stand in for the role services, whose settings have changed",
    "ansible.builtin.debug": {"msg": "changed"},
    "changed_when": True,
    "notify": "Restart SoniqueBay",
    "tags": ["release_configure"],
}


def test_release_restart_decides_beside_the_role_services(machine: LocalMachine, tmp_path: Path) -> None:
    """Both roles as in site.yml; a release that is not to restart, then one that is, with settings that changed too."""
    without, restarted = tmp_path / "without", tmp_path / "restarted"
    machine.play(
        {"roles": ["release", "services"], "vars": {**make_release(without), "release_restart": False}},
        {"roles": ["release", "services"], "vars": make_release(restarted), "tasks": [SETTINGS_CHANGE]},
        options=["--tags", "release_configure"],
    )
    for root in (without, restarted):
        assert (root / "current").resolve() == root / "releases/1.0"
    assert machine.restarts() == 1  # of the second, once for both changes
