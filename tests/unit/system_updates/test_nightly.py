"""The nightly security updates: when they run, what they record, and when the machine restarts.

apt-get, unattended-upgrade, dpkg-query and systemctl have stand-ins that note their calls. The API is a stand-in on a
real socket; what the real one says of its activity is tested in tests/unit/api/test_activity.py.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any, ClassVar

import pytest

from soniquebay import board, update_record
from soniquebay.releases.journal import Journal, Upgrade
from soniquebay.releases.upgrade import Transaction
from soniquebay.system_updates import packages
from soniquebay.system_updates.fitness import Place
from soniquebay.system_updates.nightly import Nightly
from soniquebay.update_record import UpdateRecord
from tests.support.stack import wait_until

ROOT = Path(__file__).parents[3]
IDLE = {"scan_runs": False, "streams": 0, "somebody_listens": False}
STAND_IN = """#!/bin/sh
printf '%s\n' "${{0##*/}} $*" >>{folder}/calls
if [ -x {folder}/do-${{0##*/}} ]; then exec {folder}/do-${{0##*/}} "$@"; fi
"""


class Api(BaseHTTPRequestHandler):
    """Answers with the next of `answers`, and with the last one for ever."""

    answers: ClassVar[list[dict[str, Any]]] = []

    def do_GET(self) -> None:
        assert self.path == "/api/activity"
        body = json.dumps(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return ""

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class Machine:
    """A machine with stand-ins for the programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.slept: list[float] = []
        self.need = ""
        self.installed = {"openssl": "3.5.1", "bash": "5.2"}
        self.write_versions()
        for name in ("releases", "programs"):
            (folder / name).mkdir()
        for name in ("apt-get", "unattended-upgrade", "dpkg-query", "systemctl"):
            (folder / "programs" / name).write_text(STAND_IN.format(folder=folder))
            (folder / "programs" / name).chmod(0o755)
        self.act("dpkg-query", f"cat {folder}/versions")

    def write_versions(self) -> None:
        lines = [f"{name}:arm64 {version} installed\n" for name, version in self.installed.items()]
        (self.folder / "versions").write_text("".join([*lines, "gone:arm64 1 config-files\n"]))

    def act(self, program: str, script: str) -> None:
        """Have a program do something."""
        file = self.folder / f"do-{program}"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def run(self, *, may_reboot: bool = True, **more: Any) -> UpdateRecord:
        transaction = Transaction(
            self.folder / "releases", self.folder, self.folder / "c", self.folder / "control.sock"
        )
        defaults: dict[str, Any] = {"max_wait_seconds": 0.0, "places": (), "sleep": self.slept.append} | more
        nightly = Nightly(
            transaction,
            may_reboot=may_reboot,
            tell=self.told.append,
            record=self.folder / "record",
            reboot_reason=lambda: self.need,
            **defaults,
        )
        done = nightly.run()
        assert update_record.read(self.folder / "record") == done
        return done


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/programs:{os.environ['PATH']}")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    Api.answers = [IDLE]
    with ThreadingUnixStreamServer(str(tmp_path / "control.sock"), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_what_was_installed_is_told_and_recorded(machine: Machine) -> None:
    machine.act("unattended-upgrade", f"sed -i 's/3.5.1/3.5.2/' {machine.folder}/versions")
    done = machine.run()
    assert (done.result, done.packages) == ("installed", ("openssl:arm64: 3.5.1 → 3.5.2",))
    assert machine.calls() == ["apt-get", "dpkg-query", "unattended-upgrade", "dpkg-query"]
    assert machine.told == ["installed 1 packages: openssl:arm64: 3.5.1 → 3.5.2"]
    assert done.succeeded_at == done.ended_at
    assert machine.run().result == "up_to_date"


def test_without_the_internet_there_is_one_line_and_no_failure(machine: Machine) -> None:
    before = machine.run()
    errors = (
        "echo 'Err:1 http://deb.debian.org trixie InRelease'; echo '  Could not resolve'; echo 'E: Some fail'; exit 100"
    )
    machine.act("apt-get", errors)
    machine.told.clear()
    done = machine.run()
    assert (done.result, done.succeeded_at) == ("unreachable", before.succeeded_at)
    assert len(machine.told) == 1
    assert "Err:1 http://deb.debian.org" in machine.told[0]
    assert machine.calls()[-1] == "apt-get"


def test_a_failure_keeps_the_time_of_the_last_success(machine: Machine) -> None:
    machine.act("unattended-upgrade", "echo 'dpkg was interrupted'; exit 1")
    done = machine.run()
    assert (done.result, done.reason, done.succeeded_at) == ("failed", "dpkg was interrupted", None)


@pytest.mark.parametrize(
    ("busy", "reason"), [({"scan_runs": True}, "a scan runs"), ({"somebody_listens": True}, "somebody listens")]
)
def test_a_machine_in_use_is_waited_for(machine: Machine, busy: dict[str, bool], reason: str) -> None:
    Api.answers = [IDLE | busy, IDLE | busy, IDLE]
    assert machine.run(max_wait_seconds=60).result == "up_to_date"
    assert len(machine.slept) == 2
    Api.answers = [IDLE | busy]
    (machine.folder / "calls").unlink()
    done = machine.run()
    assert (done.result, done.reason, machine.calls()) == ("postponed", reason, [])


@pytest.mark.parametrize("answer", [{"detail": "an error"}, None])
def test_a_machine_whose_api_does_not_answer_is_updated(machine: Machine, answer: dict[str, Any] | None) -> None:
    if answer is None:
        (machine.folder / "control.sock").unlink()
    else:
        Api.answers = [answer]
    assert machine.run().result == "up_to_date"


def test_an_upgrade_of_soniquebay_goes_first_and_none_begins_meanwhile(machine: Machine) -> None:
    journal = Journal(machine.folder / "releases")
    journal.begin(Upgrade("1.0", "1.1", "switching", time.time()))
    assert machine.run().reason == "the upgrade of SoniqueBay to 1.1 has not come to its end"
    journal.note(step="finished")
    lock = machine.folder / "releases/.upgrade.lock"
    machine.act("unattended-upgrade", f"flock --nonblock {lock} true && exit 7; exit 0")
    assert machine.run().result == "up_to_date"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert machine.run().reason == "an upgrade of SoniqueBay runs"


def test_low_voltage_and_a_full_disk_put_it_off(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "MB are free: make room" in machine.run(places=(Place(machine.folder, 1 << 60),)).reason
    monkeypatch.setattr(board, "throttling", lambda: board.Throttling(["under_voltage"], ["under_voltage"]))
    assert "the board's voltage is too low" in machine.run().reason
    assert machine.calls() == []


def test_the_machine_restarts_when_it_has_to_and_may_and_nobody_is_disturbed(machine: Machine) -> None:
    machine.need = "a new kernel"
    assert machine.run(may_reboot=False).waits_for_reboot
    assert "systemctl" not in machine.calls()
    Api.answers = [IDLE, IDLE | {"somebody_listens": True}]
    machine.run()
    assert "systemctl" not in machine.calls()
    assert (
        machine.told[-1]
        == "the machine has to restart (a new kernel), but somebody listens: it is left for the next night"
    )
    Api.answers = [IDLE]
    machine.act("apt-get", "exit 100")  # also one that is left over from another night
    machine.run()
    assert (machine.folder / "calls").read_text().splitlines()[-1] == "systemctl --no-block reboot"


def test_a_shutdown_lets_the_package_in_work_come_to_its_end(machine: Machine) -> None:
    ended = (
        "trap 'echo ended >>{0}/calls; exit 0' TERM; echo in work >>{0}/calls; for i in $(seq 300); do sleep 0.1; done"
    )
    machine.act("unattended-upgrade", ended.format(machine.folder))
    command = [
        sys.executable,
        "-m",
        "soniquebay.cli",
        "system",
        "security-updates",
        "--record",
        machine.folder / "record",
    ]
    command += ["--releases", machine.folder / "releases", "--control-socket", machine.folder / "control.sock"]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT / "app")}) as run:
        wait_until(lambda: "in" in machine.calls(), 60)
        run.terminate()
        assert run.wait(30) == 0
    assert machine.calls()[-2:] == ["ended", "dpkg-query"]


def test_programs_with_replaced_files_need_a_restart(tmp_path: Path) -> None:
    """The kernel itself tells of a program whose file is gone."""
    mark, none = tmp_path / "run", tmp_path / "none"
    for folder in (mark, none):
        folder.mkdir()
    (mark / "reboot-required").touch()
    assert packages.reboot_reason(mark, none) == "a new kernel, or another part that needs it"
    assert packages.reboot_reason(none, none) == ""
    line = "7f0-7f1 {} 0 08:02 7 {} (deleted)\n"
    for pid, rights, path in (
        ("7", "r-xp", "/usr/lib/libssl.so.3"),
        ("8", "r--p", "/usr/lib/b"),
        ("9", "r-xp", "/memfd:a"),
    ):
        (tmp_path / "proc" / pid).mkdir(parents=True)
        (tmp_path / "proc" / pid / "maps").write_text(line.format(rights, path))
        (tmp_path / "proc" / pid / "comm").write_text(f"program{pid}\n")
    assert packages.reboot_reason(none, tmp_path / "proc") == "programs run with files that were replaced: program7"
