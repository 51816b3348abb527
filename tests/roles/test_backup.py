"""playbooks/backup.yml and playbooks/restore.yml on this machine, with real backups and without systemd."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.rows import all_rows
from tests.support.stack import free_port
from tests.unit.backup.machines import Machine

from .playbook import ROOT, LocalMachine

# each starts Ansible and some ten of its modules
pytestmark = pytest.mark.slow

COMMAND = """#!/bin/sh
export PYTHONPATH={root}/app
command=$2
shift 2
exec {python} -m soniquebay.cli library "$command" --data {data} "$@"
"""


def variables(folder: Path, data: Path) -> dict[str, Any]:
    """Return the variables of a machine whose command works on a data folder as that of `serve`."""
    command = folder / f"soniquebay-{data.name}"
    command.write_text(COMMAND.format(root=ROOT, python=sys.executable, data=data))
    command.chmod(0o755)
    backups = str(folder / "backups")
    return {
        "soniquebay_command": str(command), "ansible_become": False, "backup_folder": backups,
        "restore_folder": backups,
    }  # fmt: skip


def rows_of(folder: Path) -> dict[str, object]:
    return {name: all_rows(folder / name) for name in ("library.db", "listeners.db")}


def test_a_backup_comes_here_and_goes_onto_another_machine(machine: LocalMachine, tmp_path: Path) -> None:
    old = Machine(tmp_path / "old")
    old.back_up()
    old.add_track("/r/later")
    old.close()
    before = rows_of(old.data)
    done = machine.try_run(ROOT / "playbooks/backup.yml", **variables(tmp_path, old.data))
    assert done.returncode == 0, done.stdout + done.stderr
    (fetched,) = (tmp_path / "backups/localhost").iterdir()  # the newest, which it has made
    assert sorted(path.name for path in fetched.iterdir()) == [
        "device.key", "library.db", "listeners.db", "listeners.json", "manifest.json",
    ]  # fmt: skip
    assert rows_of(fetched) == before
    assert {path.stat().st_mode & 0o77 for path in [fetched, fetched.parent, *fetched.iterdir()]} == {0}
    assert not list(Path("/var/tmp").glob("soniquebay-backup-*"))

    new = tmp_path / "new"
    new.mkdir()
    # An older one, whose clock was ahead.
    older = fetched.with_name("20990101T000000Z")
    shutil.copytree(fetched, older)
    text = (older / "manifest.json").read_text()
    (older / "manifest.json").write_text(text.replace('"sequence": 2', '"sequence": 1'))
    done = machine.try_run(ROOT / "playbooks/restore.yml", **variables(tmp_path, new))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{fetched.name} is restored" in done.stdout
    assert rows_of(new) == before
    assert (new / "device.key").read_bytes() == (old.data / "device.key").read_bytes()
    assert not list(Path("/var/tmp").glob("soniquebay-restore-*"))


def test_what_fails_is_told_and_changes_nothing(machine: LocalMachine, tmp_path: Path) -> None:
    old = Machine(tmp_path / "old")
    folder = old.back_up().backup.folder
    old.close()
    before = rows_of(old.data)
    chosen = variables(tmp_path, old.data)
    missing = machine.try_run(ROOT / "playbooks/restore.yml", **chosen)
    assert missing.returncode != 0 and "there is no backup" in missing.stdout
    shutil.copytree(folder, tmp_path / "backups/localhost" / folder.name)
    with (tmp_path / "backups/localhost" / folder.name / "library.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"x")
    damaged = machine.try_run(ROOT / "playbooks/restore.yml", **chosen)
    assert damaged.returncode != 0 and "is damaged" in " ".join(damaged.stdout.split())
    assert rows_of(old.data) == before
    assert not list(Path("/var/tmp").glob("soniquebay-restore-*"))


def test_no_machine_is_restored_after_one_that_cannot_be_reached(machine: LocalMachine, tmp_path: Path) -> None:
    old = Machine(tmp_path / "old")
    folder = old.back_up().backup.folder
    old.close()
    shutil.copytree(folder, tmp_path / "backups/old" / folder.name)
    new = tmp_path / "new"
    new.mkdir()
    gone = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": free_port()}
    machine.have({"all": {"hosts": {"gone": gone, "new": {"ansible_connection": "local"}}}})
    done = machine.try_run(ROOT / "playbooks/restore.yml", restore_host="old", **variables(tmp_path, new))
    assert done.returncode != 0
    assert "UNREACHABLE" in done.stdout, done.stdout + done.stderr
    assert list(new.iterdir()) == []
