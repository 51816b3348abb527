"""Making backups: what they hold, how many stay, and what becomes of one that is cut short."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from soniquebay.backup import BackupError, keeping, making, manifest, restoring
from soniquebay.backup.copying import problems_of
from soniquebay.sqlite import migrations
from tests.support.rows import all_rows
from tests.support.stack import wait_until
from tests.unit.backup.machines import VERSION, WORDS, Machine, damage, pages_of

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the small disk that is filled here")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "data")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 16 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_backup_has_every_row_and_says_what_it_holds(machine: Machine) -> None:
    made = machine.back_up().backup
    for name in ("library.db", "listeners.db"):
        assert all_rows(made.folder / name) == all_rows(machine.data / name)
        assert problems_of(made.folder / name) == []
    assert names(made.folder) == ["device.key", "library.db", "listeners.db", "listeners.json", "manifest.json"]
    read = manifest.read(made.folder)
    assert (read.sequence, read.version, read.reason, read.format) == (1, VERSION, "request", 1)
    assert read.rows["library.db"]["tracks"] == machine.songs
    assert read.rows["listeners.db"]["stars"] == 3
    assert read.schemas == {
        "library.db": len(migrations("soniquebay.library")), "listeners.db": len(migrations("soniquebay.listeners")),
    }  # fmt: skip
    for name, file in read.files.items():
        assert (file["bytes"], file["sha256"]) == (
            (made.folder / name).stat().st_size,
            manifest.sha256_of(made.folder / name),
        )


def test_nobody_else_reads_a_backup(machine: Machine) -> None:
    made = machine.back_up().backup
    assert machine.places().folder.stat().st_mode & 0o777 == made.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.folder.iterdir()} == {0o600}


def test_what_listeners_made_is_readable_and_has_no_secret(machine: Machine) -> None:
    text = (machine.back_up().backup.folder / "listeners.json").read_text("utf-8")
    read = json.loads(text)
    assert [(user["name"], user["role"], user["is_owner"]) for user in read["users"]] == [
        ("Ada", "manage", True),
        ("Bob", "listen", False),
    ]
    assert next((star["user"], star["title"], star["starred_at"]) for star in read["stars"]) == (
        "Ada", "Søng 0", "2023-11-14T22:13:20+00:00",
    )  # fmt: skip
    assert [rating["rating"] for rating in read["ratings"]] == [1, 2, 3]
    assert [count["play_count"] for count in read["play_counts"]] == [7, 8, 9]
    evening, loud = read["playlists"]
    assert (evening["name"], [entry["title"] for entry in evening["entries"]]) == (
        "Évening", ["Søng 2", "Søng 0", "Søng 2"],
    )  # fmt: skip
    assert loud["rules"] == {"all": [{"gt": {"rating": 2}}]}
    assert len(machine.secrets) == 5
    for secret in machine.secrets:
        assert secret not in text
    assert "argon2" not in text and WORDS not in text


def test_secrets_are_in_no_file_as_they_are(machine: Machine) -> None:
    folder = machine.back_up().backup.folder
    hashed = next(secret for secret in machine.secrets if secret.startswith("$argon2"))
    for path in folder.iterdir():
        content = path.read_bytes()
        found = {secret for secret in machine.secrets if secret.encode() in content}
        assert found == ({hashed} if path.name == "listeners.db" else set()), path.name


def test_a_copy_is_one_moment_although_a_scan_writes(machine: Machine) -> None:
    """Each transaction adds a track and its file's tags: no copy may have one without the other."""
    stop = threading.Event()
    written = []

    def scan() -> None:
        while not stop.is_set():
            machine.add_track(f"/r/new-{len(written)}.flac")
            written.append(1)

    writer = threading.Thread(target=scan)
    writer.start()
    try:
        wait_until(lambda: len(written) > 3)
        for _ in range(3):
            before = len(written)
            made = machine.back_up().backup
            wait_until(lambda n=before: len(written) > n)
            rows = made.manifest.rows["library.db"]  # type: ignore[union-attr]
            assert rows["tracks"] == rows["file_tags"] >= machine.songs + before
            assert rows["track_artists"] == rows["tracks"]
    finally:
        stop.set()
        writer.join()


def test_only_some_are_kept_and_the_newest_by_number_whatever_the_clock_says(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = 365 * 86400.0
    now = 1.8e9
    for jump in (0, 10 * year, -20 * year, 3600, 0, 1e15, -1e15):
        monkeypatch.setattr(time, "time", lambda t=now + jump: t)
        machine.back_up(keep=3)
    kept = manifest.backups_in(machine.places().folder)
    assert [backup.sequence for backup in kept] == [7, 6, 5]
    assert manifest.newest(kept).manifest.made_at == now - 1e15  # type: ignore[union-attr]


def test_backups_of_one_second_have_different_names(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1.8e9)
    assert [machine.back_up().backup.name for _ in range(3)] == [
        "20270115T080000Z",
        "20270115T080000Z-2",
        "20270115T080000Z-3",
    ]


def test_the_budget_holds_for_all_but_the_newest_good_one(machine: Machine) -> None:
    folder = machine.places().folder
    machine.back_up(keep=9)
    size = keeping.size_of(machine.back_up(keep=9).backup.folder)
    machine.back_up(keep=9)
    keeping.prune(folder, 9, budget=2 * size + size // 2, made="")
    assert [backup.sequence for backup in manifest.backups_in(folder)] == [3, 2]
    keeping.prune(folder, 9, budget=1, made="")
    assert [backup.sequence for backup in manifest.backups_in(folder)] == [3]
    assert keeping.budget_bytes(folder, 5) == 5 << 20
    assert keeping.budget_bytes(folder, 0) == shutil.disk_usage(folder).total // 10


def test_a_damaged_one_never_counts_as_the_newest_good_one(machine: Machine) -> None:
    folder = machine.places().folder
    good, bad = machine.back_up().backup, machine.back_up().backup
    (bad.folder / "manifest.json").write_text("{")
    keeping.prune(folder, 1, budget=1, made="")
    assert names(folder) == [good.name]
    assert machine.back_up().backup.sequence == 2


def test_other_folders_stay(machine: Machine) -> None:
    own = machine.places().folder / "my notes"
    machine.back_up(keep=1)
    own.mkdir()
    (own / "a.txt").write_text("a")
    machine.back_up(keep=1)
    assert (own / "a.txt").exists()


def test_killed_in_the_midst_it_leaves_the_older_ones_whole(machine: Machine) -> None:
    older = machine.back_up().backup
    before = {path.name: path.read_bytes() for path in older.folder.iterdir()}
    # Stops for ever once the first database is copied.
    program = (
        "import time, sys; from pathlib import Path; from soniquebay.backup import making, exporting;\n"
        "exporting.write = lambda *_: time.sleep(600);\n"
        f"making.make(making.Places(Path({str(machine.data)!r})), 'request', '1')"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        folder = machine.places().folder
        partial = wait_until(lambda: [p for p in folder.glob("*.partial") if (p / "listeners.db").exists()])[0]
        with pytest.raises(BackupError, match="being made already"):
            machine.back_up()
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert partial.is_dir()
    assert {path.name: path.read_bytes() for path in older.folder.iterdir()} == before
    assert [backup.sequence for backup in manifest.backups_in(folder)] == [1]
    following = machine.back_up().backup
    assert names(folder) == sorted([older.name, following.name])
    assert following.sequence == 2


@needs_root
def test_a_full_disk_is_told_and_the_newest_stays(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(small_disk / "data")
    with pytest.raises(BackupError, match=r"needs \d+ MB of free space in .*backups, and \d+ MB are free"):
        machine.back_up()
    monkeypatch.setattr(keeping, "MIN_FREE_BYTES", 0)
    first = machine.back_up().backup
    second = machine.back_up().backup
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filler").write_bytes(b"x" * (free - 300_000))
    # Where an older one would not make enough room, it stays.
    with pytest.raises(BackupError, match="free space"):
        machine.back_up()
    assert first.folder.exists()
    assert second.folder.exists() and manifest.look_at(second.folder).manifest
    # The disk that becomes full while a copy is written.
    monkeypatch.setattr(making, "_check_space", lambda *_: None)
    (small_disk / "filler 2").write_bytes(b"x" * max(0, shutil.disk_usage(small_disk).free - 50_000))
    with pytest.raises(BackupError, match="full"):
        machine.back_up()
    assert names(machine.places().folder) == [first.name, second.name]


@needs_root
def test_damage_pushes_no_older_backup_out(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MIN_FREE_BYTES", 0)
    machine = Machine(small_disk / "data")
    older = [machine.back_up().backup.name for _ in range(2)]
    machine.close()
    middle = pages_of(machine.data / "library.db") // 2
    damage(machine.data / "library.db", *range(middle, middle + 8))
    size = keeping.size_of(small_disk / "data/backups" / older[0])
    (small_disk / "filler").write_bytes(b"x" * max(0, shutil.disk_usage(small_disk).free - size // 2))
    with pytest.raises(BackupError, match=r"library\.db is damaged"):
        making.make(making.Places(machine.data), "request", VERSION)
    assert names(machine.data / "backups") == older


def test_a_damaged_database_is_not_backed_up_and_the_older_backups_stay(machine: Machine) -> None:
    older = machine.back_up().backup
    machine.close()
    middle = pages_of(machine.data / "library.db") // 2
    damage(machine.data / "library.db", *range(middle, middle + 8))
    with pytest.raises(BackupError, match=r"library.db is damaged.*older backups stay.*soniquebay library check"):
        making.make(making.Places(machine.data), "request", VERSION)
    assert names(machine.data / "backups") == [older.name]


def test_damage_that_copying_does_not_notice_is_noticed_in_the_copy(machine: Machine) -> None:
    older = machine.back_up().backup
    with closing(sqlite3.connect(machine.data / "listeners.db")) as db:  # without foreign keys
        db.execute("INSERT INTO stars VALUES (999, 1, 'track', 0)")
        db.commit()
    with pytest.raises(BackupError, match=r"listeners.db is damaged.*1 rows of stars refer to rows of items"):
        machine.back_up()
    assert names(machine.places().folder) == [older.name]


def test_a_database_that_vanished_is_told(machine: Machine) -> None:
    machine.close()
    (machine.data / "listeners.db").unlink()
    with pytest.raises(BackupError, match=r"listeners.db does not exist"):
        making.make(making.Places(machine.data), "request", VERSION)
    assert not (machine.data / "listeners.db").exists()


def test_a_backup_can_be_stopped(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soniquebay.backup.copying._INSTRUCTIONS_PER_CHECK", 10)
    with pytest.raises(BackupError, match="was stopped"):
        making.make(machine.places(), "request", VERSION, stop=lambda: True)
    assert names(machine.places().folder) == []


@needs_root
def test_the_second_place_has_the_backup_without_the_device_key(machine: Machine, small_disk: Path) -> None:
    (small_disk / "soniquebay-other").mkdir()
    made = machine.back_up(second=small_disk)
    assert made.second_problem is None
    folder = making.second_folder(machine.places(second=small_disk))
    assert folder is not None
    (copy,) = manifest.backups_in(folder)
    assert names(copy.folder) == ["library.db", "listeners.db", "listeners.json", "manifest.json"]
    assert copy.manifest == made.backup.manifest.without("device.key")  # type: ignore[union-attr]
    for name in ("library.db", "listeners.db"):
        assert all_rows(copy.folder / name) == all_rows(machine.data / name)
    for _ in range(3):
        assert machine.back_up(second=small_disk, keep=2, max_mb=10).second_problem is None
    assert [backup.sequence for backup in manifest.backups_in(folder)] == [4, 3]
    # A new card: the number goes on where the second place is.
    shutil.rmtree(machine.places().folder)
    assert machine.back_up(second=small_disk).backup.sequence == 5


def test_a_drive_that_is_not_mounted_is_told_and_nothing_is_written_to_the_card(machine: Machine) -> None:
    second = machine.data.parent / "stick"
    second.mkdir()
    assert "is the drive mounted?" in str(machine.back_up(second=second).second_problem)
    assert names(second) == []
    gone = machine.back_up(second=second / "gone")
    assert "No such file" in str(gone.second_problem)
    assert manifest.look_at(gone.backup.folder).manifest


@needs_root
def test_a_new_card_does_not_push_its_backups_out_of_the_second_place(tmp_path: Path, small_disk: Path) -> None:
    old = Machine(tmp_path / "data")
    for _ in range(5):
        newest = old.back_up(second=small_disk).backup
    new = Machine(tmp_path / "new")
    first = new.back_up().backup  # before anything is restored there
    assert first.sequence == 1
    restoring.stage(newest.folder, new.data)
    shutil.copy(old.data / "device.key", new.data / "device.key")
    made = new.back_up(second=small_disk, keep=3)
    folder = making.second_folder(new.places(second=small_disk))
    assert folder is not None
    assert made.second_problem is None
    assert made.backup.sequence == 6
    assert made.backup.name in names(folder)
    assert new.back_up(second=small_disk, keep=3).backup.sequence == 7


@needs_root
def test_a_second_place_without_room_is_told(machine: Machine, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 100_000))
    assert "has no room for a backup" in str(machine.back_up(second=small_disk).second_problem)
    assert all("partial" not in path.name for path in small_disk.rglob("*"))


def test_what_a_manifest_may_say(machine: Machine) -> None:
    folder = machine.back_up().backup.folder
    fields = json.loads((folder / "manifest.json").read_text())
    for changed, words in (
        ({"format": 2}, "format 2, and this release knows 1"),
        ({"files": fields["files"] | {"../../etc/passwd": {"bytes": 1, "sha256": "0" * 64}}}, "unknown file"),
        ({"files": {}}, "does not name"),
        ({"sequence": "1"}, "number"),
        ({"schemas": {}}, "damaged"),
        ({"more": 1}, "damaged"),
    ):
        (folder / "manifest.json").write_text(json.dumps(fields | changed))
        with pytest.raises(BackupError, match=words):
            manifest.read(folder)
    (folder / "manifest.json").write_text(json.dumps(fields))
    os.truncate(folder / "listeners.db", 5)
    assert "5 bytes in place of" in str(manifest.look_at(folder).problem)
    (folder / "manifest.json").unlink()
    assert "it has no manifest.json" in str(manifest.look_at(folder).problem)


def test_copies_are_not_in_wal_mode(machine: Machine) -> None:
    folder = machine.back_up().backup.folder
    with sqlite3.connect(folder / "library.db") as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
