"""Restoring: every row is back, the present state is set aside, and what is damaged is refused."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from soniquebay.backup import BackupError, keeping, manifest, restoring
from soniquebay.database_note import DatabaseNote
from soniquebay.listeners import app_passwords, device_key, scrobble_accounts
from soniquebay.listeners.database import ListenersDatabase
from tests.support.rows import all_rows
from tests.unit.backup.machines import SECRETS, Machine, damage, pages_of

DATABASES = ("library.db", "listeners.db")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "data")


def rows_of(folder: Path) -> dict[str, object]:
    return {name: all_rows(folder / name) for name in DATABASES}


def restore(backup: Path, data: Path) -> restoring.Staged:
    staged = restoring.stage(backup, data)
    restoring.exchange(data)
    return staged


def change(machine: Machine) -> None:
    machine.add_track("/r/later.flac")
    with machine.kept.listeners.transaction() as db:
        db.execute("DELETE FROM stars")


def test_every_row_of_every_table_is_back_and_the_present_state_is_kept(machine: Machine) -> None:
    before = rows_of(machine.data)
    backup = machine.back_up().backup.folder
    change(machine)
    later = rows_of(machine.data)
    assert later["library.db"] != before["library.db"] and later["listeners.db"] != before["listeners.db"]
    # The log is not yet in the database, as after a crash.
    assert (machine.data / "library.db-wal").stat().st_size > 0
    assert restore(backup, machine.data).lost == []
    machine.close()
    assert rows_of(machine.data) == before
    assert {n: all_rows(machine.data / f"{n}.before-restore") for n in DATABASES} == later
    assert not list(machine.data.glob("restore.*"))
    modes = {name: (machine.data / name).stat().st_mode & 0o777 for name in (*DATABASES, "device.key")}
    assert modes == {"library.db": 0o640, "listeners.db": 0o600, "device.key": 0o600}


def test_only_another_restore_deletes_what_one_has_set_aside(machine: Machine) -> None:
    backup = machine.back_up().backup.folder
    change(machine)
    later = rows_of(machine.data)
    machine.close()
    for _ in range(2):
        restoring.stage(backup, machine.data)
        assert {n: all_rows(machine.data / n) for n in DATABASES} == later
    restoring.exchange(machine.data)
    assert all_rows(machine.data / "library.db.before-restore") == later["library.db"]
    restore(backup, machine.data)
    assert all_rows(machine.data / "library.db.before-restore") == all_rows(machine.data / "library.db")
    assert len(list(machine.data.glob("*before-restore*"))) == 3


def test_onto_another_data_folder_the_device_key_comes_along(machine: Machine, tmp_path: Path) -> None:
    backup = machine.back_up().backup.folder
    other = Machine(tmp_path / "other", songs=3)
    other.close()
    assert restore(backup, other.data).lost == []
    assert rows_of(other.data) == rows_of(machine.data)
    key = device_key.read_or_make(other.data / "device.key")
    db = ListenersDatabase(other.data / "listeners.db").reader()
    assert app_passwords.find(db, key, machine.app_password)
    account = scrobble_accounts.find(db, key, 1, "listenbrainz")
    assert account is not None and account.secrets == SECRETS
    assert (other.data / "device.key.before-restore").exists()


def test_without_the_key_it_says_what_is_lost(machine: Machine, tmp_path: Path) -> None:
    backup = machine.back_up().backup
    copy = tmp_path / backup.name
    shutil.copytree(backup.folder, copy)
    (copy / "device.key").unlink()
    fields = json.loads((copy / "manifest.json").read_text())
    del fields["files"]["device.key"]
    (copy / "manifest.json").write_text(json.dumps(fields))
    # The machine that has the key loses nothing.
    assert restore(copy, machine.data).lost == []
    other = Machine(tmp_path / "other", songs=3)
    own_key = (other.data / "device.key").read_bytes()
    other.close()
    passwords, accounts = restore(copy, other.data).lost
    assert passwords.startswith("1 app passwords do not work any more") and "make new ones" in passwords
    assert accounts.startswith("1 connections to ListenBrainz or Last.fm")
    assert rows_of(other.data) == rows_of(machine.data)
    assert (other.data / "device.key").read_bytes() == own_key
    new = tmp_path / "new card"
    new.mkdir()
    assert len(restore(copy, new).lost) == 2
    assert rows_of(new) == rows_of(machine.data)


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


@pytest.mark.parametrize("name", ["library.db", "listeners.db", "device.key"])
@pytest.mark.parametrize("harm", [flip, shorten, Path.unlink])
def test_a_damaged_backup_is_refused_and_nothing_changes(
    machine: Machine, name: str, harm: Callable[[Path], None]
) -> None:
    if (name, harm) == ("device.key", shorten):
        return
    backup = machine.back_up().backup.folder
    change(machine)
    before = rows_of(machine.data)
    files = sorted(machine.data.iterdir())
    harm(backup / name)
    with pytest.raises(BackupError, match=rf"{name}.*is damaged|cannot be restored: No such file"):
        restoring.stage(backup, machine.data)
    assert rows_of(machine.data) == before
    assert sorted(machine.data.iterdir()) == files


def test_a_backup_whose_manifest_agrees_with_damage_is_refused(machine: Machine) -> None:
    """A database that was damaged before its hash was made."""
    backup = machine.back_up().backup.folder
    middle = pages_of(backup / "library.db") // 2
    damage(backup / "library.db", *range(middle, middle + 8))
    fields = json.loads((backup / "manifest.json").read_text())
    fields["files"]["library.db"]["sha256"] = manifest.sha256_of(backup / "library.db")
    (backup / "manifest.json").write_text(json.dumps(fields))
    with pytest.raises(BackupError, match=r"library.db is damaged, so nothing was changed"):
        restoring.stage(backup, machine.data)
    fields["rows"]["listeners.db"]["stars"] = 99
    other = machine.back_up().backup.folder
    fields["files"] = json.loads((other / "manifest.json").read_text())["files"]
    (other / "manifest.json").write_text(json.dumps(fields))
    with pytest.raises(BackupError, match="does not hold what its manifest says"):
        restoring.stage(other, machine.data)


def test_a_newer_schema_is_refused_with_the_release_that_made_it(machine: Machine) -> None:
    backup = machine.back_up().backup.folder
    fields = json.loads((backup / "manifest.json").read_text())
    fields |= {"version": "9.0.0", "schemas": {"library.db": 99, "listeners.db": 5}}
    (backup / "manifest.json").write_text(json.dumps(fields))
    with pytest.raises(BackupError, match=r"schema 99; this release knows up to \d+: install the release 9.0.0"):
        restoring.stage(backup, machine.data)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_the_owner_of_the_backups_has_put_in_place_of_a_file_is_not_followed(
    machine: Machine, tmp_path: Path, kind: str
) -> None:
    backup = machine.back_up().backup.folder
    file = backup / "listeners.db"
    aside = file.rename(tmp_path / "aside")
    if kind == "link":
        file.symlink_to(aside)
    else:
        os.mkfifo(file)
        described = json.loads((backup / "manifest.json").read_text())
        described["files"]["listeners.db"]["bytes"] = 0
        (backup / "manifest.json").write_text(json.dumps(described))
    with pytest.raises(BackupError):
        restore(backup, machine.data)
    assert not (machine.data / restoring.PARTIAL).exists()


def test_without_room_it_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = machine.back_up().backup.folder
    monkeypatch.setattr(keeping, "MIN_FREE_BYTES", 1 << 60)
    with pytest.raises(BackupError, match="the restore needs"):
        restoring.stage(backup, machine.data)


@pytest.mark.parametrize("step", range(10))
def test_a_power_cut_in_the_exchange_is_finished_at_the_next_start(
    machine: Machine, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program ends before any one of the renames."""
    before = rows_of(machine.data)
    backup = machine.back_up().backup.folder
    change(machine)
    later = rows_of(machine.data)
    machine.close()
    restoring.stage(backup, machine.data)
    renames = []
    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if len(renames) == step:
            raise KeyboardInterrupt
        renames.append(target)
        return real(path, target)

    with monkeypatch.context() as context:
        context.setattr(Path, "rename", rename)
        try:
            restoring.exchange(machine.data)
        except KeyboardInterrupt:
            assert step < 9
        else:
            assert step == 9  # one of the folder; of each database its log, itself and the copy; of the key two
    restoring.finish(machine.data)
    if step == 0:  # it had not begun
        assert rows_of(machine.data) == later
        return
    assert rows_of(machine.data) == before
    assert {n: all_rows(machine.data / f"{n}.before-restore") for n in DATABASES} == later


def test_old_schemas_are_restored_as_they_are(machine: Machine) -> None:
    """The API brings them to the newest schema when it starts."""
    backup = machine.back_up().backup.folder
    with closing(sqlite3.connect(backup / "listeners.db")) as db:
        db.execute("PRAGMA user_version = 4")
    fields = json.loads((backup / "manifest.json").read_text())
    fields["schemas"]["listeners.db"] = 4
    fields["files"]["listeners.db"]["sha256"] = manifest.sha256_of(backup / "listeners.db")
    (backup / "manifest.json").write_text(json.dumps(fields))
    machine.close()
    restore(backup, machine.data)
    with closing(sqlite3.connect(machine.data / "listeners.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (4,)


def test_a_restored_database_is_not_taken_for_one_that_lost_its_log(machine: Machine) -> None:
    """The note beside the old one says that it was in use, as after a crash."""
    backup = machine.back_up().backup.folder
    machine.close()
    for name in DATABASES:
        DatabaseNote(machine.data / name).begin()
    restore(backup, machine.data)
    assert [DatabaseNote(machine.data / name).check() for name in DATABASES] == [None, None]
