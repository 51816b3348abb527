"""The role worker on this machine, against an appliance that runs: it joins once, and the command of the unit works."""

from __future__ import annotations

import grp
import json
import os
import platform
import pwd
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from image.platforms import APPLIANCE, PLATFORMS
from tests.support.stack import Stack, free_port, wait_until

from .playbook import ROOT, LocalMachine
from .releases import make_archive

# each play starts some twenty modules of Ansible, and the appliance is a real one
pytestmark = pytest.mark.slow

PYTHON = "{}.{}".format(*sys.version_info)
THIS = PLATFORMS[platform.machine() + ("" if PYTHON == "3.13" else f"-python{PYTHON}")]
# What only root may do: it notes the call, and runs the command as whoever runs the test.
RUNUSER = """#!/bin/sh
echo "runuser $*" >>"{log}"
tr '\\0' ' ' </proc/$PPID/cmdline >>"{log}"
shift 3
exec "$@"
"""
# It knows whether the unit was started.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>"{log}"
case "$*" in
"show soniquebay.target"|"show redis-server.service")
    echo LoadState=loaded
    echo ActiveState=active ;;
*"show "*)
    echo LoadState=loaded
    if [ -e "{log}.active" ]; then echo ActiveState=active; else echo ActiveState=inactive; fi ;;
*start*) touch "{log}.active" ;;
esac
"""
SYSUSERS = '#!/bin/sh\necho "systemd-sysusers $*" >>"{log}"\n'


class Desktop:
    """This machine as the one that becomes a worker, in a folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.machine = LocalMachine(folder)
        self.log = folder / "calls.log"
        stand_ins = {"runuser": RUNUSER, "systemd-sysusers": SYSUSERS, "systemctl": SYSTEMCTL}
        for name, text in stand_ins.items():
            program = folder / "programs" / name
            program.write_text(text.format(log=self.log))
            program.chmod(0o755)
        self.folder, self.unit, self.state = folder, folder / "units/worker.service", folder / "state"
        self.link, self.announcement = folder / "units/wants/soniquebay.target", folder / "units/announced"
        self.variables: dict[str, Any] = {
            "soniquebay_live": False,  # Debian's packages of this machine stay as they are
            "soniquebay_root": str(folder / "root"),
            "soniquebay_command": str(folder / "command"),
            "ansible_become": False,
            "worker_appliance_url": url,
            "worker_name": "desk",
            "worker_processes": 1,
            "release_archive": str(make_archive(folder, "1.0", platform=THIS)),
            "__worker_user": pwd.getpwuid(os.getuid()).pw_name,
            "__worker_folder": str(self.state),
            "__worker_users_file": str(folder / "units/users.conf"),
            "__worker_unit_file": str(self.unit),
            "__worker_appliance_link": str(self.link),
            "__worker_appliance_announcement": str(self.announcement),
        }

    def play(self, *options: str, **variables: Any) -> tuple[int, str]:
        """Play the playbook; return its status and what it printed, in one line."""
        done = self.machine.try_run(
            ROOT / "playbooks/worker.yml", options=list(options), **{**self.variables, **variables}
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def changes(self, *options: str, **variables: Any) -> int:
        """Play the playbook, which must not fail; return how many tasks have changed something."""
        status, printed = self.play(*options, **variables)
        assert status == 0, printed
        return int(printed.partition("changed=")[2].split()[0])

    def starts(self) -> list[str]:
        """Return how the unit was started, each time."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.split()[0] for line in lines if re.fullmatch("(re)?start soniquebay-remote-worker.service", line)]

    def make_appliance(self) -> None:
        """Let this machine be an appliance, too."""
        self.link.parent.mkdir(parents=True)
        self.link.symlink_to("../soniquebay.target")
        self.announcement.touch()

    def ends(self) -> list[str]:
        """Return how units of an appliance were stopped and disabled."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.startswith(("stop ", "disable "))]

    def files(self) -> dict[str, int]:
        """Return when each file that the role may write was written."""
        paths = [path for name in ("units", "state", "root") for path in (self.folder / name).rglob("*")]
        return {str(path): path.lstat().st_mtime_ns for path in paths}

    @contextmanager
    def running(self) -> Iterator[Path]:
        """Run the command of the unit, as systemd would; give its log."""
        (command,) = [line for line in self.unit.read_text().splitlines() if line.startswith("ExecStart=")]
        log = self.folder / "worker.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                shlex.split(command.partition("=")[2]), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            yield log
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("appliance")
    (folder / "music").mkdir()
    stack = Stack(folder / "music", folder / "data", login=True, SONIQUEBAY_WORKER_PROXY_PORT=str(free_port()))
    yield stack
    stack.stop()


def code_of(appliance: Stack) -> str:
    return str(json.loads(appliance.cli("join-code", "--json", control=True).stdout)["code"])


def test_a_machine_becomes_a_worker_once(appliance: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop = Desktop(tmp_path, appliance.url)
    before = desktop.files()
    status, printed = desktop.play()
    assert (status != 0, "worker_join_code is empty" in printed) == (True, True), printed
    monkeypatch.setenv("SONIQUEBAY_JOIN_CODE", "abcd-efgh-ijkm-npqr")
    assert desktop.changes("--check") > 0
    assert desktop.files() == before

    status, printed = desktop.play()
    assert status != 0
    assert f"{appliance.url} did not let this machine join. Error: refused: that is no valid join code" in printed, (
        printed
    )
    assert "abcd-efgh" not in printed
    assert not (desktop.state / "worker.json").exists()
    assert desktop.starts() == []

    code = code_of(appliance)
    monkeypatch.setenv("SONIQUEBAY_JOIN_CODE", code)
    status, printed = desktop.play("-vvv")
    assert status == 0, printed
    assert desktop.starts() == ["start"]
    assert "runuser -u " in desktop.log.read_text()
    for text in (printed, desktop.log.read_text(), desktop.unit.read_text()):
        assert code not in text
    assert desktop.state.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in desktop.state.iterdir() if path.stat().st_mode & 0o077} == set()
    assert grp.getgrgid(desktop.state.stat().st_gid).gr_name == desktop.variables["__worker_user"]

    made = desktop.files()
    monkeypatch.delenv("SONIQUEBAY_JOIN_CODE")
    assert desktop.changes("--check") == 0
    assert desktop.changes() == 0
    assert (desktop.files(), desktop.starts()) == (made, ["start"])

    with desktop.running() as log:
        wait_until(lambda: " ready." in log.read_text(), 60)
        wait_until(lambda: ", here now, " in appliance.cli("workers", control=True).stdout, 30)

    archive = str(make_archive(tmp_path, "2.0", platform=THIS))
    assert desktop.changes("--check", release_archive=archive) > 0
    assert desktop.starts() == ["start"]
    assert desktop.changes(release_archive=archive) > 0
    assert desktop.starts() == ["start", "restart"]
    assert desktop.changes(release_archive=archive, worker_processes=2) > 0
    assert desktop.starts() == ["start", "restart", "restart"]


def test_what_cannot_be_a_worker_is_refused_before_anything_is_touched(appliance: Stack, tmp_path: Path) -> None:
    desktop = Desktop(tmp_path, appliance.url)
    desktop.variables["worker_join_code"] = "abcd-efgh-ijkm-npqr"
    status, printed = desktop.play(release_archive=str(make_archive(tmp_path, "1.0", platform=APPLIANCE)))
    assert status != 0
    assert f"It needs soniquebay-<version>-{THIS.name}.tar.gz" in printed, printed
    desktop.make_appliance()
    before = desktop.files()
    status, printed = desktop.play()
    assert (status != 0, "This machine is an appliance" in printed) == (True, True), printed
    assert "With worker_replaces_appliance=true" in printed
    assert desktop.files() == before
    assert desktop.log.exists() is False


def test_an_appliance_becomes_a_worker_if_its_owner_says_so(
    appliance: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desktop = Desktop(tmp_path, appliance.url)
    desktop.variables |= {"worker_replaces_appliance": True, "worker_name": "second"}
    monkeypatch.setenv("SONIQUEBAY_JOIN_CODE", code_of(appliance))
    desktop.make_appliance()
    before = desktop.files()
    assert desktop.changes("--check") > 0
    assert (desktop.files(), desktop.ends()) == (before, [])

    assert desktop.changes() > 0
    assert desktop.ends() == [
        f"{verb} {unit}" for unit in ("soniquebay.target", "redis-server.service") for verb in ("disable", "stop")
    ]
    assert not desktop.announcement.exists()
    assert desktop.starts() == ["start"]

    desktop.link.unlink()  # as systemctl does
    desktop.variables["worker_replaces_appliance"] = False
    assert desktop.changes("--check") == 0
    assert desktop.changes() == 0
