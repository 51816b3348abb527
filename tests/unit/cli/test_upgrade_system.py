"""The files of the system in `soniquebay release upgrade`: made, kept and undone with the release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.release_machine import OLD_LIBRARY, Machine, sha256


def given_set(machine: Machine, content: str, **more: Any) -> Path:
    path = machine.folder / "given.json"
    path.write_text(json.dumps(machine.system_set(content, **more)))
    return path


def test_a_setting_that_was_edited_stays(machine: Machine) -> None:
    machine.setting.write_text("mine")
    done = machine.upgrade(machine.archive("1.1"))
    assert f"{machine.setting} stays as it is, because it was edited" in done.stdout
    assert (machine.current, machine.setting.read_text(), machine.applied.read_text()) == ("1.1", "mine", "1.0")


def test_a_playbook_replaces_settings_and_going_back_restores_them(machine: Machine) -> None:
    machine.setting.write_text("mine")
    archive, given = machine.archive("1.1"), given_set(machine, "inventory 1.1")
    compared = machine.release("compare", given)
    assert compared.stdout == f"would change {machine.setting}\n"
    assert machine.setting.read_text() == "mine"
    assert machine.transact("upgrade", archive, "--sha256", sha256(archive), "--system", given).returncode == 0
    assert machine.setting.read_text() == machine.applied.read_text() == "inventory 1.1"
    sick = machine.archive("1.2", "sick")
    given = given_set(machine, "inventory 1.2")
    assert machine.transact("upgrade", sick, "--sha256", sha256(sick), "--system", given).returncode == 3
    assert machine.setting.read_text() == machine.applied.read_text() == "inventory 1.1"
    machine.library.write_text(OLD_LIBRARY)
    assert machine.transact("rollback").returncode == 0
    assert (machine.setting.read_text(), machine.current) == ("mine", "1.0")
    assert machine.transact("upgrade", archive, "--sha256", sha256(archive)).returncode == 0
    assert machine.setting.read_text() == "inventory 1.1"


def test_what_was_edited_since_an_upgrade_stays_on_the_way_back(machine: Machine) -> None:
    machine.upgrade(machine.archive("1.1"))
    machine.setting.write_text("mine")
    machine.library.write_text(OLD_LIBRARY)
    done = machine.transact("rollback")
    assert f"{machine.setting} stays as it is" in done.stdout
    assert (machine.setting.read_text(), machine.current) == ("mine", "1.0")


def test_going_back_disables_the_units_that_the_upgrade_has_enabled(machine: Machine) -> None:
    machine.upgrade(machine.archive("1.1", enabled=["new.timer"]))
    assert machine.enabled() == ["new.timer"]
    machine.upgrade(machine.archive("1.2", "sick", enabled=["new.timer", "other.timer"]))
    assert machine.enabled() == ["new.timer"]
    machine.library.write_text(OLD_LIBRARY)
    assert machine.transact("rollback").returncode == 0
    assert (machine.enabled(), machine.current) == ([], "1.0")


def test_a_set_that_is_damaged_changes_nothing(machine: Machine) -> None:
    archive = machine.archive("1.1")
    given = machine.folder / "given.json"
    for text in ("{", "[]", '{"files": [{"path": "etc/x"}]}'):
        given.write_text(text)
        done = machine.transact("upgrade", archive, "--sha256", sha256(archive), "--system", given)
        assert done.returncode == 1
        assert done.stderr.startswith("Error: ")
    assert machine.is_as_before()
    assert sorted(path.name for path in (machine.folder / "opt/releases").iterdir()) == ["1.0"]


def test_a_setting_that_is_missing_is_repaired(machine: Machine) -> None:
    machine.setting.unlink()
    done = machine.upgrade(machine.folder / "1.0-healthy.tar.gz")
    assert f"files of the system are replaced: {machine.setting}" in done.stdout
    assert machine.is_as_before()
    assert "restart --no-block soniquebay-api.service soniquebay-worker.service" in machine.calls()


def test_a_setting_that_cannot_be_brought_to_what_runs_undoes_the_upgrade(machine: Machine) -> None:
    failing = {"paths": [str(machine.setting)], "run": ["sh", "-c", "grep -q 1.0 $0 || exit 5", str(machine.setting)]}
    good = machine.system_set("")["commands"]
    done = machine.upgrade(machine.archive("1.1", commands=[*good, failing]))
    assert done.returncode == 3
    assert "sh -c grep -q 1.0" in machine.ended()[-1]["reason"]
    assert machine.is_as_before()


@pytest.mark.parametrize("installs", [True, False])
def test_debian_packages_that_are_missing_are_installed_first(machine: Machine, installs: bool) -> None:
    apt = machine.folder / "programs/apt-get"
    apt.write_text(f'#!/bin/sh\necho "$*" >>{machine.folder}/apt\n{"true" if installs else "echo no network; false"}\n')
    apt.chmod(0o755)
    done = machine.upgrade(machine.archive("1.1", packages=["python3", "zstd"]))
    if installs:
        assert machine.is_upgraded()
        install = "--quiet --yes --no-install-recommends install zstd"
        assert (machine.folder / "apt").read_text().splitlines() == ["--quiet update", install]
    else:
        assert "the release needs zstd" in done.stderr
        assert "no network. Connect the machine to the internet" in done.stderr
        assert machine.is_as_before()
        assert machine.ended() == []


def test_the_profile_of_the_machine_chooses_the_files(machine: Machine) -> None:
    (machine.folder / "opt/profile").write_text("debian\n")
    machine.upgrade(machine.archive("1.1"))  # which has files for `site` alone
    assert (machine.current, machine.setting.read_text()) == ("1.1", "1.0")
