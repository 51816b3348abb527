"""`soniquebay release upgrade`: it ends with the new release, or with the old one and its library, whatever happens.

The stand-in for systemctl starts and ends the program of the current release, which answers for its health as the API
does, and migrates the library as the API does. At a chosen call the stand-in ends whoever has called it, as a power cut
would, before or after it has done what was asked.
"""

from __future__ import annotations

import fcntl
import getpass
import grp
import hashlib
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click import ClickException

from soniquebay import board
from soniquebay.releases import preflight
from tests.support.stack import wait_until

ROOT = Path(__file__).parents[3]
OLD_LIBRARY, NEW_LIBRARY = "tracks of 1.0", "tracks of 1.1"

PROGRAM = """#!{python}
import json, os, socket, sys
from pathlib import Path
VERSION, KIND, FOLDER = "{version}", "{kind}", Path("{folder}")
if sys.argv[1] == "version":
    print(VERSION)
    raise SystemExit
library = FOLDER / "data/library.db"
if KIND == "slow":
    import signal
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.pause()
    KIND = "ends"
if VERSION != "1.0" and library.read_text() == "{old_library}":
    copy = FOLDER / "data/library.db.schema-7"
    copy.with_suffix(".partial").write_text(library.read_text())
    copy.with_suffix(".partial").rename(copy)
    library.write_text("{new_library}")
if KIND == "ends":
    raise SystemExit(1)
path = FOLDER / "control.sock"
path.unlink(missing_ok=True)
server = socket.socket(socket.AF_UNIX)
server.bind(str(path))
server.listen()
is_healthy = KIND in ("healthy", "deaf", "odd", "dies")
status = "ok" if is_healthy and (VERSION != "1.0" or library.read_text() == "{old_library}") else "unhealthy"
health = dict(status=status, version=VERSION, database="ok", redis="ok", worker="no answer within 5 s")
checks = [
    dict(name="tags", state="failed", sentence="The worker cannot read a FLAC file: it is broken."),
    dict(name="file", state="ok", sentence="The API can send a range of a file."),
    dict(name="transcode", state="late", sentence="The API could not transcode a FLAC file to MP3 within 120 s."),
]
while True:
    connection, _ = server.accept()
    request = connection.recv(4096).decode().split()[:2]
    code, answer = "200 OK", health
    if request[0] == "POST":
        with (FOLDER / "checked").open("a") as file:
            file.write(f"{{VERSION}} {{request[1]}}\\n")
        if KIND == "dies":
            raise SystemExit(1)
        code, answer = "200 OK", dict(healthy=True, checks=[])
        if VERSION == "1.0":  # it is from before there was the check
            code, answer = "404 Not Found", dict(detail="Not Found")
        elif KIND == "deaf":
            code, answer = "503 Service Unavailable", dict(healthy=False, checks=checks)
        elif KIND == "odd":
            code, answer = "500 Internal Server Error", dict(detail="Internal Server Error")
    body = json.dumps(answer)
    connection.sendall(f"HTTP/1.1 {{code}}\\r\\nContent-Length: {{len(body)}}\\r\\n\\r\\n{{body}}".encode())
    connection.close()
"""

SYSTEMCTL = """#!{python}
import os, signal, subprocess, sys, time
from pathlib import Path
folder = Path("{folder}")
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
units = [word.replace("[", "").replace("]", "") for word in sys.argv[2:]]  # patterns of loaded units
number = len((folder / "calls").read_text().splitlines())
cut = os.environ.get("CUT_AT", "")
if cut == f"before {{number}}":
    os.kill(os.getppid(), signal.SIGKILL)
    raise SystemExit
if os.environ.get("FAILS") in units:
    print("it is masked", file=sys.stderr)
    raise SystemExit(1)
if "soniquebay-api.service" in units:
    pid = folder / "api.pid"
    if pid.exists():
        try:
            os.kill(int(pid.read_text()), signal.SIGTERM)
            for _ in range(100):
                os.kill(int(pid.read_text()), 0)
                time.sleep(0.05)
        except ProcessLookupError:
            pass
        pid.unlink()
    if sys.argv[1] == "restart":
        program = folder / "opt/current/bin/soniquebay"
        started = subprocess.Popen([program, "api"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        pid.write_text(str(started.pid))
if cut == f"after {{number}}":
    os.kill(os.getppid(), signal.SIGKILL)
"""

# Runs the command that follows its options.
SYSTEMD_RUN = """#!/bin/sh
while [ "$1" != "${1#--}" ]; do shift; done
exec "$@"
"""


@dataclass
class Machine:
    """A folder of releases with release 1.0 running, and its library."""

    folder: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def __post_init__(self) -> None:
        (self.folder / "data").mkdir()
        self.setting.parent.mkdir()
        self.setting.write_text("1.0")
        self.applied.write_text("1.0")
        self.library.write_text(OLD_LIBRARY)
        programs = self.folder / "programs"
        programs.mkdir()
        (programs / "systemctl").write_text(SYSTEMCTL.format(python=sys.executable, folder=self.folder))
        (programs / "systemd-run").write_text(SYSTEMD_RUN)
        (programs / "dpkg-query").write_text("#!/bin/sh\necho python3 installed\n")
        for name in ("systemctl", "systemd-run", "dpkg-query"):
            (programs / name).chmod(0o755)
        self.environment["PATH"] = f"{programs}:{self.environment['PATH']}"
        archive = self.archive("1.0")
        self.release("install", archive, "--sha256", sha256(archive))
        self.release("activate", "1.0", "--command-link", self.folder / "command")
        subprocess.run([programs / "systemctl", "restart", "soniquebay-api.service"], check=True)
        wait_until((self.folder / "control.sock").exists)  # it has read its program, which a test may move
        (self.folder / "calls").unlink()

    @property
    def library(self) -> Path:
        return self.folder / "data/library.db"

    @property
    def current(self) -> str:
        return (self.folder / "opt/current").readlink().name

    @property
    def setting(self) -> Path:
        """The file of the system that releases bring."""
        return self.folder / "etc/setting"

    @property
    def applied(self) -> Path:
        """What the command of that file has made of it."""
        return self.folder / "applied"

    def system_set(self, content: str, **more: Any) -> dict[str, Any]:
        entry = {"path": str(self.setting), "content": content, "owner": getpass.getuser(), "group": group_name()}
        command = {"paths": [str(self.setting)], "run": ["cp", str(self.setting), str(self.applied)]}
        return {"files": [entry], "commands": [command], **more}

    def archive(self, version: str, kind: str = "healthy", signers: str = "", **system: Any) -> Path:
        """Write a release archive. `kind`: healthy, sick, ends; healthy until its check: deaf, odd, dies.

        `signers`: the keys that it trusts.
        """
        program = PROGRAM.format(
            python=sys.executable, version=version, kind=kind, folder=self.folder, old_library=OLD_LIBRARY,
            new_library=NEW_LIBRARY,
        )  # fmt: skip
        path = self.folder / f"{version}-{kind}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            sets = json.dumps({"site": self.system_set(version, **system)})
            files = [("VERSION", version, 0o644), ("SIGNERS", signers, 0o644), ("system.json", sets, 0o644)]
            files += [("bin/soniquebay", program, 0o755)]
            for name, text, mode in files:
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(text), mode
                archive.addfile(info, io.BytesIO(text.encode()))
        return path

    def release(self, command: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "soniquebay.cli", "release", command, *map(str, arguments),
             "--root", self.folder / "opt"],
            check=False, capture_output=True, text=True, timeout=120, cwd=ROOT, env={**self.environment, **environment},
        )  # fmt: skip

    def transact(self, command: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.release(
            command, *arguments, "--data", self.folder / "data", "--command-link", self.folder / "command",
            "--control-socket", self.folder / "control.sock", "--healthy-seconds", 3, **environment,
        )  # fmt: skip

    def upgrade(self, archive: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.transact("upgrade", archive, "--sha256", sha256(archive), **environment)

    def ended(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.release("list", "--json").stdout)["upgrades"]
        return found

    def is_as_before(self) -> bool:
        """Tell whether the old release runs with its library."""
        return self._runs("1.0", OLD_LIBRARY)

    def is_upgraded(self) -> bool:
        return self._runs("1.1", NEW_LIBRARY)

    def _runs(self, version: str, library: str) -> bool:
        versions = {self.current, self.answers(), self.setting.read_text(), self.applied.read_text()}
        return versions == {version} and self.library.read_text() == library

    def answers(self) -> str:
        """Return the version whose program runs."""
        pid = int((self.folder / "api.pid").read_text())

        def program() -> str | None:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            return words[1] if len(words) > 1 and words[1].endswith("/bin/soniquebay") else None

        lines = Path(wait_until(program)).read_text().splitlines()  # it may still be about to start
        return next(line.split('"')[1] for line in lines if line.startswith("VERSION"))

    def reboot(self) -> None:
        """Start the machine again: systemd starts the current release."""
        subprocess.run(
            [self.folder / "programs/systemctl", "restart", "soniquebay-api.service"], check=True, env=self.environment
        )

    def checked(self) -> list[str]:
        """Return the checks of releases: which release was asked for which path."""
        return (self.folder / "checked").read_text().splitlines()

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


def group_name() -> str:
    return grp.getgrgid(os.getgid()).gr_name


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((tmp_path / "api.pid").read_text()), signal.SIGKILL)


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
