"""The files of the system that a release brings: what an upgrade changes, keeps and removes, and how it is undone."""

from __future__ import annotations

import getpass
import grp
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click import ClickException

from soniquebay.releases import system_change
from soniquebay.releases.system_change import SystemChange
from soniquebay.releases.system_files import Change, FileSet, plan, write

OWNER = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "etc"
    made.mkdir()
    return made


def file_set(folder: Path, files: Mapping[str, Any], **more: Any) -> FileSet:
    """Return a set of files: name -> content, or fields of an entry."""
    entries = [
        {"path": str(folder / name), **OWNER, **(entry if isinstance(entry, dict) else {"content": entry})}
        for name, entry in files.items()
    ]
    return FileSet.of({"files": entries, **more})


def install(target: FileSet, *bases: FileSet, keeps_edited: bool = True) -> list[str]:
    """Make the change; return the names of the files that are kept."""
    changes, kept = plan(target, bases, keeps_edited=keeps_edited)
    for change in changes:
        write(change.path, change.new)
    return [Path(path).name for path in kept]


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}


def test_a_release_replaces_adds_and_removes_its_files(folder: Path) -> None:
    old = file_set(folder, {"same": "1", "changed": "1", "dropped": "1"})
    assert install(old) == []
    new = file_set(folder, {"same": "1", "changed": "2", "added/deeply": {"content": "2", "mode": "0600"}})
    changes, kept = plan(new, [old], keeps_edited=True)
    assert sorted(Path(change.path).name for change in changes) == ["changed", "deeply", "dropped"]
    assert install(new, old) == kept == []
    assert contents(folder) == {"changed": "2", "same": "1"}
    assert (folder / "added/deeply").read_text() == "2"
    assert (folder / "added/deeply").stat().st_mode & 0o777 == 0o600
    assert plan(new, [old], keeps_edited=True) == ([], [])


def test_what_somebody_has_edited_removed_or_made_stays(folder: Path) -> None:
    old = file_set(folder, {"edited": "1", "removed": "1", "dropped": "1", "link": {"link": "/one"}})
    install(old)
    (folder / "edited").write_text("mine")
    (folder / "dropped").write_text("mine")
    (folder / "made").write_text("mine")
    (folder / "removed").unlink()
    (folder / "link").unlink()
    (folder / "link").symlink_to("/mine")
    new = file_set(folder, {"edited": "2", "removed": "2", "made": "2", "link": {"link": "/two"}})
    assert install(new, old) == ["edited", "removed", "made", "link"]
    assert contents(folder) == {"dropped": "mine", "edited": "mine", "made": "mine"}
    assert (folder / "link").readlink() == Path("/mine")


def test_a_playbook_replaces_edited_files_but_those_of_the_machine(folder: Path) -> None:
    old = file_set(folder, {"unit": "1", "hostname": {"content": "1", "edited": "keep"}})
    install(old)
    (folder / "unit").write_text("mine")
    (folder / "hostname").write_text("mine")
    new = file_set(folder, {"unit": "2", "hostname": {"content": "2", "edited": "keep"}})
    assert install(new, old, keeps_edited=False) == ["hostname"]
    assert contents(folder) == {"hostname": "mine", "unit": "2"}
    (folder / "hostname").write_text("1")
    assert install(new, old, keeps_edited=False) == []
    assert contents(folder) == {"hostname": "2", "unit": "2"}


def test_a_repair_brings_back_what_is_missing(folder: Path) -> None:
    release = file_set(folder, {"unit": "1", "setting": "1"})
    install(release)
    (folder / "unit").unlink()
    (folder / "setting").write_text("mine")
    assert install(release) == ["setting"]
    assert contents(folder) == {"setting": "mine", "unit": "1"}


def test_modes_are_set_and_folders_and_touched_files_stay(folder: Path) -> None:
    release = file_set(folder, {"file": {"content": "1", "mode": "0640"}, "folder": {"state": "directory"}})
    touched = file_set(folder, {"touched": {"state": "touch"}})
    install(release)
    install(touched)
    (folder / "file").chmod(0o666)
    (folder / "touched").write_text("more")
    install(release, release)
    assert (folder / "file").stat().st_mode & 0o777 == 0o640
    assert plan(touched, [], keeps_edited=False) == ([], [])
    install(file_set(folder, {}), release, touched)
    assert sorted(path.name for path in folder.iterdir()) == ["folder", "touched"]


def test_patterns_of_files_that_must_not_exist(folder: Path) -> None:
    (folder / "secret-1").write_text("1")
    (folder / "secret-2").write_text("2")
    install(file_set(folder, {}, absent=[f"{folder}/secret-*"]))
    assert contents(folder) == {}


@pytest.mark.parametrize("path", ["etc/file", "/etc/../file", "/etc//file"])
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(ClickException, match="no absolute path"):
        FileSet.of({"files": [{"path": path, "content": ""}]})


def test_what_is_no_file_is_told(folder: Path) -> None:
    os.mkfifo(folder / "unit")
    with pytest.raises(ClickException, match="no regular file"):
        plan(file_set(folder, {"unit": "1"}), [], keeps_edited=False)


class Systemd:
    """Stand-ins for systemd's programs, with a log of their calls; `systemd-run` runs its command."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = folder / "calls"
        programs = folder / "programs"
        programs.mkdir()
        (programs / "systemctl").write_text(
            f'#!/bin/sh\necho "$*" >>{self.log}\ncd {programs}\n'
            'case $1 in enable) touch "$2" ;; disable) rm "$2" ;; is-enabled) [ -e "$3" ] ;; esac\n'
        )
        (programs / "systemd-run").write_text(
            f'#!/bin/sh\nwhile case $1 in --*) ;; *) false ;; esac; do shift; done\necho "run $*" >>{self.log}\n"$@"\n'
        )
        for program in programs.iterdir():
            program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        monkeypatch.setattr(system_change, "UNITS", f"{folder}/etc")

    def calls(self) -> list[str]:
        calls = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return calls


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    return Systemd(tmp_path, monkeypatch)


def change_of(folder: Path, target: FileSet, *bases: FileSet) -> SystemChange:
    changes, _ = plan(target, bases, keeps_edited=True)
    change = system_change.of_set(target, changes)
    change.save(folder.parent / "change.json")
    return SystemChange.load(folder.parent / "change.json")  # as the next boot reads it


def test_a_change_is_made_and_undone_as_often_as_needed(folder: Path, systemd: Systemd) -> None:
    old = file_set(folder, {"a.service": "1", "b.service": "1"})
    install(old)
    unit = {"content": "2", "mode": "0640"}
    commands = [
        {"paths": [f"{folder}/a"], "run": ["true"]},
        {"paths": [f"{folder}/x"], "run": ["false"]},
    ]
    new = file_set(folder, {"a.service": unit, "c.timer": "2"}, commands=commands, enabled=["c.timer"])
    change = change_of(folder, new, old)
    systemd.calls()
    for _ in range(2):
        change.write_new()
        assert list(change.run_commands()) == []
        assert contents(folder) == {"a.service": "2", "c.timer": "2"}
    assert systemd.calls()[-4:] == [
        "stop --job-mode=replace-irreversibly b.servic[e]",
        "daemon-reload",
        "enable c.timer",
        "run true",
    ]
    for _ in range(2):
        change.write_old()
        assert contents(folder) == {"a.service": "1", "b.service": "1"}
        assert (folder / "a.service").stat().st_mode & 0o777 == 0o644
    writing = ["stop --job-mode=replace-irreversibly c.time[r]", "daemon-reload"]
    enabled = "is-enabled --quiet c.timer"
    assert systemd.calls() == [enabled, "disable c.timer", *writing, enabled, *writing]


def test_a_change_that_was_cut_anywhere_is_undone(folder: Path, systemd: Systemd) -> None:
    old = file_set(folder, dict.fromkeys("abc", "1"))
    install(old)
    new = file_set(folder, {"a": "2", "c": "2", "d": "2"})
    change = change_of(folder, new, old)
    for count in range(len(change.changes) + 1):
        SystemChange(change.changes[:count]).write_new()
        (folder / ".a.soniquebay-new").write_text("half of it")
        change.write_old()
        change.write_new()
        assert contents(folder) == {"a": "2", "c": "2", "d": "2"}
        change.write_old()
        assert contents(folder) == {"a": "1", "b": "1", "c": "1"}


def test_a_command_that_fails_is_told(folder: Path, systemd: Systemd) -> None:
    commands = [{"paths": [str(folder)], "run": ["sh", "-c", "echo no such key; exit 1"]}]
    change = change_of(folder, file_set(folder, {"sysctl": "1"}, commands=commands))
    change.write_new()
    assert list(change.run_commands()) == ["sh -c echo no such key; exit 1 failed: no such key"]


def test_an_owner_that_is_not_there_is_told(folder: Path, systemd: Systemd) -> None:
    unknown = {"content": "MQ==", "mode": 0o644, "owner": "nobody-of-this-name", "group": "root"}
    change = SystemChange([Change(str(folder / "file"), None, unknown)])
    with pytest.raises(ClickException, match=r"file cannot be written: .*nobody-of-this-name"):
        change.write_new()
