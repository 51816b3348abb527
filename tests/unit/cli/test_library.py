"""`soniquebay library`: what an owner types, sees, and finds afterwards."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from soniquebay import __version__
from soniquebay.backup import manifest
from soniquebay.cli import data_folder, main
from soniquebay.cli.scale import lock_folder
from soniquebay.database_note import DatabaseNote
from soniquebay.settings import settings
from soniquebay.storage_faults import StorageFaultError
from tests.support.rows import all_rows
from tests.support.stack import wait_until
from tests.unit.backup.machines import Machine, damage, pages_of, pages_with

DATABASES = ("library.db", "listeners.db")
API_USER = 64_123  # of no user of this machine
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "data")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["library", *map(str, arguments)])


def rows_of(folder: Path) -> dict[str, object]:
    return {name: all_rows(folder / name) for name in DATABASES}


def test_backup_list_and_restore_of_a_folder_of_serve(machine: Machine) -> None:
    before = rows_of(machine.data)
    made = json.loads(run("backup", "--data", machine.data, "--json").stdout)
    assert rows_of(Path(made["folder"])) == before
    machine.add_track("/r/later")
    later = rows_of(machine.data)
    machine.close()
    assert run("backup", "--data", machine.data).stdout.startswith("the backup ")
    listed = run("list", "--data", machine.data).stdout.splitlines()
    assert [line.partition(": ")[2].split(",")[0] for line in listed] == ["number 2", "number 1"]
    assert "12 tracks, 2 users, by release" in listed[1]
    facts = json.loads(run("list", "--data", machine.data, "--json").stdout)["backups"]
    assert [(one["number"], one["rows"]["library.db"]["tracks"]) for one in facts] == [(2, 13), (1, 12)]
    (machine.data / "redis").mkdir()
    asked = CliRunner().invoke(main, ["library", "restore", "--data", str(machine.data), made["name"]], input="n\n")
    assert asked.exit_code == 1 and rows_of(machine.data) == later
    restored = run("restore", "--data", machine.data, "--yes", made["name"])
    assert restored.exit_code == 0, restored.output
    assert rows_of(machine.data) == before
    assert f"kept as it was: {machine.data}/library.db.before-restore" in restored.stdout
    assert not (machine.data / "redis").exists()  # its tasks are those of the other library
    assert run("restore", "--data", machine.data, "--yes").exit_code == 0  # the newest
    assert all_rows(machine.data / "library.db")["tracks"] == later["library.db"]["tracks"]  # type: ignore[index]


def test_it_deletes_none_because_it_does_not_know_how_many_are_kept(machine: Machine) -> None:
    for _ in range(5):
        assert run("backup", "--data", machine.data).exit_code == 0
    assert len(manifest.backups_in(machine.data / "backups")) == 5


def test_nothing_is_restored_or_repaired_while_serve_runs(machine: Machine) -> None:
    run("backup", "--data", machine.data)
    before = rows_of(machine.data)
    with lock_folder(machine.data):
        for command in (["restore", "--yes"], ["repair"]):
            refused = run(*command, "--data", machine.data)
            assert refused.exit_code == 1
            assert f"`soniquebay serve` runs over {machine.data}: stop it first" in refused.output
    assert rows_of(machine.data) == before


def test_what_cannot_be_restored_is_said_in_a_sentence(machine: Machine, tmp_path: Path) -> None:
    folder = machine.back_up().backup.folder
    for arguments, words in (
        (["20000101T000000Z"], "there is no backup 20000101T000000Z in"),
        (["--from", tmp_path], "there is no backup in"),
        ([tmp_path / "nothing"], "it has no manifest.json"),
    ):
        refused = run("restore", "--data", machine.data, "--yes", *arguments)
        assert refused.exit_code == 1 and words in refused.output, refused.output
    with (folder / "library.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"x")
    refused = run("restore", "--data", machine.data, "--yes")
    assert "its SHA-256 is not the one of the manifest. Nothing was changed" in refused.output
    fields = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(fields | {"schemas": {"library.db": 99, "listeners.db": 5}}))
    refused = run("restore", "--data", machine.data, "--yes")
    assert "install the release 1.2.3 or a newer one first" in refused.output
    assert "Traceback" not in refused.output


def test_a_second_place_of_several_machines_is_asked_for_one(machine: Machine, tmp_path: Path) -> None:
    folder = machine.back_up().backup.folder
    stick = tmp_path / "stick"
    shutil.copytree(folder, stick / "soniquebay-11111111" / folder.name)
    found = run("list", "--data", machine.data, "--from", stick)
    assert found.stdout.startswith(f"{folder.name}: number 1")
    (stick / "soniquebay-22222222").mkdir()
    refused = run("restore", "--data", machine.data, "--yes", "--from", stick)
    assert "several machines" in refused.output and f"{stick}/soniquebay-22222222" in refused.output
    done = run("restore", "--data", machine.data, "--yes", "--from", stick / "soniquebay-11111111")
    assert done.exit_code == 0


def test_check_says_in_words_what_it_found(machine: Machine) -> None:
    healthy = run("check", "--data", machine.data)
    assert (healthy.exit_code, healthy.stdout) == (0, "library.db is healthy\nlisteners.db is healthy\n")
    machine.close()
    middle = pages_of(machine.data / "library.db") // 2
    damage(machine.data / "library.db", *range(middle, middle + 5))
    found = run("check", "--data", machine.data)
    assert found.exit_code == 1
    assert "library.db: " in found.output and "listeners.db is healthy" in found.output
    assert "sudo soniquebay library repair" in found.output
    (machine.data / "listeners.db").unlink()
    assert "listeners.db: It is not there." in run("check", "--data", machine.data).output
    assert not (machine.data / "listeners.db").exists()


def test_repair_tells_what_was_lost_and_what_the_newest_backup_has(machine: Machine) -> None:
    assert "nothing to repair" in run("repair", "--data", machine.data).stdout
    for n in range(60):
        machine.add_track(f"/r/{'x' * 200}{n}")
    machine.back_up()
    machine.close()
    path = machine.data / "library.db"
    pages_of(path)
    damage(path, pages_with(path, "tracks")[3])
    damaged = path.read_bytes()
    done = run("repair", "--data", machine.data)
    assert done.exit_code == 0, done.output
    assert f"the damaged file is kept: {path}.damaged" in done.stdout
    assert path.with_name("library.db.damaged").read_bytes() == damaged
    assert "lost" in done.stdout
    assert "The newest backup" in done.stdout and "rows more in" in done.stdout
    assert run("check", "--data", machine.data).exit_code == 0


class Health(http.server.BaseHTTPRequestHandler):
    """Answers as a healthy appliance."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"status": "ok", "version": __version__}).encode())

    def address_string(self) -> str:
        return "here"

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def appliance(machine: Machine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make the data an appliance's: of another user, with systemd, Redis and the control socket. Yields the log.

    systemctl notes its calls, and whether the databases were exchanged by then.
    """
    for path in (folder, *(parent for parent in folder.parents if parent.name.startswith("pytest-"))):
        path.chmod(0o755)  # pytest makes them for root alone
    for path in [machine.data, *machine.data.rglob("*")]:
        os.chown(path, API_USER, API_USER)
    log, programs = folder / "systemctl.log", folder / "programs"
    programs.mkdir()
    (programs / "systemctl").write_text(
        f'#!/bin/sh\nls {machine.data} | grep -c before-restore >>"{log}"\necho "$@" >>"{log}"\n'
    )
    (programs / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    for name, value in {
        "DATA": machine.data, "REDIS": f"unix://{folder}/redis.sock", "CONTROL_SOCKET": folder / "control.sock",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SONIQUEBAY_{name}", str(value))
    settings.cache_clear()
    with socketserver.UnixStreamServer(str(folder / "control.sock"), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        broker = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", folder / "redis.sock", "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until((folder / "redis.sock").exists)
            yield log
        finally:
            broker.terminate()
            broker.wait()
            server.shutdown()
            settings.cache_clear()


@needs_root
def test_on_the_appliance_the_services_are_stopped_and_the_files_are_the_apis(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows_of(machine.data)
    backup = machine.back_up().backup.folder
    # As root alone may read it, on a stick.
    stick = tmp_path / "stick"
    shutil.copytree(backup, stick / backup.name)
    stick.chmod(0o700)
    machine.add_track("/r/later")
    machine.close()
    with appliance(machine, tmp_path, monkeypatch) as log:
        broker = redis.Redis.from_url(settings().redis)
        broker.rpush("soniquebay:vector", "a task of the old library")
        broker.set("another program's", "1")
        done = run("restore", "--yes", "--from", stick)
        assert done.exit_code == 0, done.output
        assert broker.keys() == [b"another program's"]
        assert done.stdout.endswith("what has changed since\n")
    assert log.read_text().splitlines() == [
        "0", f"stop {' '.join(data_folder.UNITS)}", "5", f"start {data_folder.TARGET}",
    ]  # fmt: skip
    assert rows_of(machine.data) == before
    owned = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in machine.data.iterdir()}
    assert set(owned.values()) == {(API_USER, API_USER)}, owned
    modes = {name: (machine.data / name).stat().st_mode & 0o777 for name in (*DATABASES, "device.key")}
    assert modes == {"library.db": 0o640, "listeners.db": 0o600, "device.key": 0o600}
    assert os.geteuid() == 0


@needs_root
def test_root_writes_through_no_link_that_the_apis_user_has_laid(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.back_up()
    machine.close()
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o700)
    with appliance(machine, tmp_path, monkeypatch):
        (machine.data / "restore.partial").symlink_to(victim)
        refused = run("restore", "--yes")
        assert refused.exit_code == 1, refused.output
    assert not list(victim.iterdir())


@needs_root
def test_without_an_api_root_makes_the_backup_as_the_apis_user(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.close()
    with appliance(machine, tmp_path, monkeypatch):
        monkeypatch.setenv("SONIQUEBAY_URL", f"unix://{tmp_path}/none.sock")
        settings.cache_clear()
        done = run("backup")
        assert done.exit_code == 0, done.output
        monkeypatch.setenv("SONIQUEBAY_URL", "http://127.0.0.1:9")
        settings.cache_clear()
        assert "no SoniqueBay answers" in run("backup").output
    (made,) = manifest.backups_in(machine.data / "backups")
    assert {path.stat().st_uid for path in [made.folder, *made.folder.iterdir()]} == {API_USER}


def test_an_empty_database_takes_the_place_of_one_that_is_gone_and_of_no_other(machine: Machine) -> None:
    refused = run("new", "--data", machine.data, "--yes")
    assert refused.exit_code == 1 and "are there" in refused.output
    machine.close()
    users = all_rows(machine.data / "listeners.db")["users"]
    DatabaseNote(machine.data / "library.db").begin()
    (machine.data / "library.db").unlink()
    with pytest.raises(StorageFaultError, match="soniquebay library new"):
        DatabaseNote(machine.data / "library.db").check()
    done = run("new", "--data", machine.data, "--yes")
    assert done.exit_code == 0, done.output
    assert "an empty library.db\n" in done.stdout
    assert DatabaseNote(machine.data / "library.db").check() is None
    assert f"kept as it was: {machine.data}/library.db.before-restore-wal" in done.stdout
    assert all_rows(machine.data / "listeners.db")["users"] == users
