"""`soniquebay release upgrade`: it ends with the new release, or with the old one and its library, whatever happens."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing, nullcontext
from typing import Any

import pytest
from click import ClickException

from soniquebay import board
from soniquebay.releases import preflight
from tests.support.release_machine import OLD_LIBRARY, Machine
from tests.support.stack import wait_until


def test_a_healthy_release_takes_the_place_of_the_old_one(machine: Machine) -> None:
    done = machine.upgrade(machine.archive("1.1"))
    assert done.returncode == 0, done.stderr
    assert machine.is_upgraded()
    assert not list(machine.folder.glob("data/*.schema-*"))
    (ended,) = machine.ended()
    assert (ended["old"], ended["new"], ended["step"], ended["reason"]) == ("1.0", "1.1", "finished", "")
    assert machine.calls()[-2:] == ["restart soniquebay-flower.service", "restart soniquebay-maintenance.timer"]
    assert machine.checked() == ["1.1 /api/health/check?timeout_seconds=120"]
    assert machine.transact("resume").stdout == ""


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("sick", "release 1.1 is not healthy after 3 s: worker: no answer within 5 s"),
        ("ends", "release 1.1 is not healthy after 3 s: the API does not answer"),
        (
            "deaf",
            "release 1.1 fails its check: the worker cannot read a FLAC file: it is broken; "
            "the API could not transcode a FLAC file to MP3 within 120 s",
        ),
        ("odd", "release 1.1 fails its check: it answers 500"),
        ("dies", "release 1.1 does not end its check: the API has gone"),
    ],
)
def test_a_release_that_is_not_healthy_is_undone_and_its_reason_kept(machine: Machine, kind: str, reason: str) -> None:
    done = machine.upgrade(machine.archive("1.1", kind))
    assert done.returncode == 3
    assert f"the upgrade to 1.1 is undone: {reason}" in done.stderr
    assert machine.is_as_before()
    assert [(ended["step"], ended["reason"]) for ended in machine.ended()] == [("undone", reason)]
    assert f"from 1.0 to 1.1: undone: {reason}" in machine.release("list").stdout
    assert machine.upgrade(machine.archive("1.1")).returncode == 0  # another build of it is given another try
    assert machine.is_upgraded()


def cuts(calls: int) -> list[str]:
    return [f"{when} {number}" for number in range(1, calls + 1) for when in ("before", "after")]


@pytest.mark.parametrize("cut", cuts(4))
def test_an_upgrade_that_is_cut_anywhere_is_ended_by_the_next_boot(machine: Machine, cut: str) -> None:
    archive = machine.archive("1.1")
    assert machine.upgrade(archive, CUT_AT=cut).returncode == -signal.SIGKILL
    assert "has not come to its end" in machine.upgrade(archive).stderr
    machine.reboot()
    resumed = machine.transact("resume")
    assert resumed.returncode in {0, 3}
    assert machine.is_upgraded() or machine.is_as_before(), resumed.stdout + resumed.stderr
    assert machine.ended()[-1]["step"] == ("finished" if machine.is_upgraded() else "undone")
    assert machine.transact("resume").stdout == ""
    assert machine.is_upgraded() or machine.upgrade(archive).returncode == 0
    assert machine.is_upgraded()


@pytest.mark.slow
@pytest.mark.long  # four minutes
@pytest.mark.parametrize("cut", cuts(7))
def test_going_back_that_is_cut_anywhere_is_ended_by_the_next_boot(machine: Machine, cut: str) -> None:
    archive = machine.archive("1.1", "sick")
    assert machine.upgrade(archive, CUT_AT=cut).returncode == -signal.SIGKILL
    machine.reboot()
    assert machine.transact("resume").returncode == 3
    assert machine.is_as_before()
    assert machine.ended()[-1]["step"] == "undone"


def test_a_release_that_keeps_ending_the_machine_is_undone_without_another_try(machine: Machine) -> None:
    archive = machine.archive("1.1")
    assert machine.upgrade(archive, CUT_AT="after 2").returncode == -signal.SIGKILL
    for number in (3, 4):
        assert machine.transact("resume", CUT_AT=f"before {number}").returncode == -signal.SIGKILL
    assert "the machine has started 3 times before it was healthy" in machine.transact("resume").stdout
    assert machine.is_as_before()


def test_what_only_shows_the_appliance_holds_up_no_upgrade(machine: Machine) -> None:
    archive = machine.archive("1.1")
    done = machine.upgrade(archive, FAILS="soniquebay-flower.service")
    assert done.returncode == 0
    assert "soniquebay-flower.service failed" in done.stdout
    assert machine.is_upgraded()
    assert machine.ended()[-1]["step"] == "finished"


def test_a_copy_that_a_release_still_writes_is_waited_for(machine: Machine) -> None:
    """The program of release 1.1 is slow: it copies the library only when it is told to stop."""
    archive = machine.archive("1.1", "slow")
    assert machine.upgrade(archive).returncode == 3
    assert machine.is_as_before()
    assert not list(machine.folder.glob("data/*.schema-*"))


def test_databases_of_a_newer_release_do_not_keep_that_release_away(machine: Machine) -> None:
    program = machine.folder / "opt/releases/1.0/bin/soniquebay"
    told = 'fault="a newer release made library.db", fault_kind="newer", worker="no answer'
    program.write_text(program.read_text().replace('worker="no answer', told))
    machine.reboot()
    wait_until(lambda: machine.folder.joinpath("control.sock").exists())
    assert machine.upgrade(machine.archive("1.1")).returncode == 0


def test_the_next_boot_uses_the_program_that_is_known_to_work(machine: Machine) -> None:
    machine.upgrade(machine.archive("1.1"), CUT_AT="after 2")
    program = machine.folder / "opt/upgrade-program"
    assert program.resolve() == machine.folder / "opt/releases/1.0/bin/soniquebay"
    machine.transact("resume")
    assert not program.is_symlink()


def test_the_same_version_again_is_a_repair(machine: Machine) -> None:
    archive = machine.folder / "1.0-healthy.tar.gz"
    assert "all its files are as in the archive" in machine.upgrade(archive).stdout
    assert not (machine.folder / "calls").exists()
    program = machine.folder / "opt/releases/1.0/bin/soniquebay"
    text = program.read_text()
    program.write_text(text.replace("healthy", "sick"))
    done = machine.upgrade(archive)
    assert done.returncode == 0, done.stderr
    assert program.read_text() == text
    assert machine.is_as_before()
    assert machine.ended() == []


def test_rollback_goes_back_to_the_release_before(machine: Machine) -> None:
    def previous() -> Any:
        return json.loads(machine.release("list", "--json").stdout)["previous"]

    assert "there is no other release" in machine.transact("rollback").stderr
    assert previous() is None
    machine.upgrade(machine.archive("1.1"))
    assert previous() == "1.0"
    machine.library.write_text(OLD_LIBRARY)
    assert machine.transact("rollback").returncode == 0
    assert machine.is_as_before()
    assert [check.split()[0] for check in machine.checked()] == ["1.1", "1.0"]  # 1.0 does not know the request
    assert [(ended["old"], ended["new"], ended["step"]) for ended in machine.ended()][-1] == ("1.1", "1.0", "finished")
    assert "there is no release 2.0" in machine.transact("rollback", "2.0").stderr


def test_a_release_that_cannot_open_the_library_is_refused(machine: Machine) -> None:
    machine.upgrade(machine.archive("1.1"))
    migrations = machine.folder / "opt/releases/1.0/lib/soniquebay/library/migrations"
    migrations.mkdir(parents=True)
    (migrations / "0001_first.sql").touch()
    (migrations / "0002_second.sql").touch()
    for schema, is_refused in ((3, True), (2, False)):
        machine.library.unlink()
        with closing(sqlite3.connect(machine.library)) as db:
            db.execute(f"PRAGMA user_version = {schema}")
        done = machine.transact("switch", "1.0")
        assert ("release 1.0 opens library.db up to schema 2, and it has schema 3" in done.stderr) is is_refused


@pytest.mark.parametrize(("now", "is_refused"), [(["under_voltage"], True), (["throttled"], False), ([], False)])
def test_a_board_with_too_little_power_is_not_upgraded(
    monkeypatch: pytest.MonkeyPatch, now: list[board.Slowing], is_refused: bool
) -> None:
    monkeypatch.setattr(board, "throttling", lambda: board.Throttling(now, []))
    with pytest.raises(ClickException, match="stronger power supply") if is_refused else nullcontext():
        preflight.check_power()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the small disk")
def test_without_room_nothing_is_touched(machine: Machine) -> None:
    archive = machine.archive("1.1")
    opt = machine.folder / "opt"
    kept = machine.folder / "kept"
    opt.rename(kept)
    opt.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", opt], check=True)
    try:
        shutil.copytree(kept, opt, symlinks=True, dirs_exist_ok=True)
        refused = machine.upgrade(archive)
        assert "the upgrade needs 64 MB on the disk of" in refused.stderr
        assert "make room there" in refused.stderr
        assert machine.is_as_before()
        assert sorted(path.name for path in (opt / "releases").iterdir()) == ["1.0"]
    finally:
        subprocess.run(["umount", "--lazy", opt], check=True)


def test_a_damaged_library_is_mended_before_an_upgrade(machine: Machine) -> None:
    sentence = "library.db is damaged: `soniquebay library repair` saves what can be read"
    program = machine.folder / "opt/releases/1.0/bin/soniquebay"
    program.write_text(program.read_text().replace('worker="no answer', f'fault="{sentence}", worker="no answer'))
    machine.reboot()
    wait_until(lambda: machine.folder.joinpath("control.sock").exists())
    (machine.folder / "calls").unlink()
    assert f"{sentence}. Upgrade after that" in machine.upgrade(machine.archive("1.1")).stderr
    assert machine.is_as_before()
    assert not (machine.folder / "calls").exists()


def test_two_upgrades_at_a_time_are_refused(machine: Machine) -> None:
    with (machine.folder / "opt/.upgrade.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another upgrade runs" in machine.upgrade(machine.archive("1.1")).stderr
        resumed = machine.transact("resume")
        assert (resumed.returncode, "another upgrade runs" in resumed.stdout) == (0, True)
    assert machine.is_as_before()


def test_a_damaged_journal_is_no_obstacle(machine: Machine) -> None:
    (machine.folder / "opt/upgrade.json").write_text("{")
    assert machine.transact("resume").returncode == 0
    assert machine.upgrade(machine.archive("1.1")).returncode == 0
    assert machine.is_upgraded()
