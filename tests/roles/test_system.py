"""playbooks/system.yml on this machine: the real apt and dpkg over a root and an archive of their own."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any, ClassVar

import pytest

from .debian_root import Debian
from .playbook import ROOT, LocalMachine
from .test_handlers import make_release

# each starts Ansible and some ten of its modules
pytestmark = pytest.mark.slow


class StandIn(BaseHTTPRequestHandler):
    """The API, which is idle and healthy, or what a test wants."""

    activity: ClassVar[dict[str, bool]] = {}
    health: ClassVar[int] = 200

    def do_GET(self) -> None:
        is_health = self.path == "/api/health"
        body = json.dumps({"status": "ok"} if is_health else self.activity).encode()
        self.send_response(self.health if is_health else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return ""

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    made = Debian(tmp_path, {"main": {"Origin": "Debian"}})
    made.publish("thing", "1.0")
    made.run("apt-get", "update")
    made.run("apt-get", "--yes", "install", "thing")
    return made


@pytest.fixture
def control_socket(tmp_path: Path) -> Iterator[Path]:
    StandIn.activity, StandIn.health = {}, 200
    with ThreadingUnixStreamServer(str(tmp_path / "control.sock"), StandIn) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path / "control.sock"
        server.shutdown()


class Appliance:
    """Plays system.yml. Its program is the real one, but does not look whether this machine has to restart."""

    def __init__(self, machine: LocalMachine, folder: Path, control_socket: Path) -> None:
        self._machine = machine
        variables = make_release(folder / "opt")
        program = folder / "opt/releases/1.0/bin/soniquebay"
        self._need = folder / "need"
        self._need.touch()
        stand_in = f'case "$*" in "system reboot-reason") exec cat {self._need} ;; esac\nexec {program} "$@"\n'
        command = folder / "soniquebay"
        command.write_text(f"#!/bin/sh\n{stand_in}")
        command.chmod(0o755)
        self._variables = {
            "soniquebay_root": variables["soniquebay_root"],
            "soniquebay_command": str(command),
            "system_control_socket": str(control_socket),
            "system_health_seconds": 6,
            "ansible_become": False,
            "ansible_python_interpreter": "/usr/bin/python3",  # which has Debian's python3-apt
        }

    def need_restart(self, reason: str) -> None:
        self._need.write_text(f"{reason}\n")

    def play(self, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        playbook = ROOT / "playbooks/system.yml"
        return self._machine.try_run(playbook, options=list(options), **(self._variables | variables))


@pytest.fixture
def appliance(
    machine: LocalMachine, tmp_path: Path, control_socket: Path, debian: Debian, monkeypatch: pytest.MonkeyPatch
) -> Appliance:
    monkeypatch.setenv("APT_CONFIG", debian.environment["APT_CONFIG"])
    return Appliance(machine, tmp_path, control_socket)


def test_check_tells_what_the_upgrade_then_does(appliance: Appliance, debian: Debian) -> None:
    nothing = appliance.play("--check")
    assert nothing.returncode == 0, nothing.stdout
    assert "changed=0" in nothing.stdout
    assert "every package is up to date" in nothing.stdout
    debian.publish("helper", "1.0")
    debian.publish("thing", "2.0", depends="helper")
    told = appliance.play("--check")
    assert told.returncode == 0, told.stdout
    assert "changed=1" in told.stdout
    assert "Inst thing [1.0] (2.0" in told.stdout
    assert debian.installed() == {"thing": "1.0"}
    done = appliance.play()
    assert done.returncode == 0, done.stdout
    assert "changed=1" in done.stdout
    assert "Setting up thing (2.0)" in done.stdout
    assert debian.installed() == {"thing": "2.0", "helper": "1.0"}
    assert "changed=0" in appliance.play().stdout


def test_a_machine_in_use_is_left_alone(appliance: Appliance, debian: Debian) -> None:
    debian.publish("thing", "2.0")
    StandIn.activity = {"scan_runs": True}
    done = appliance.play()
    assert done.returncode != 0
    assert "not now: a scan runs" in done.stdout
    assert debian.installed() == {"thing": "1.0"}


def test_a_restart_that_is_not_allowed_is_told(appliance: Appliance) -> None:
    appliance.need_restart("a new kernel")
    done = appliance.play(system_reboot=False)
    assert done.returncode == 0, done.stdout
    assert "restart: a new kernel (left to you)" in done.stdout


def test_it_fails_when_soniquebay_does_not_become_healthy(appliance: Appliance, debian: Debian) -> None:
    debian.publish("thing", "2.0")
    StandIn.health = 503
    done = appliance.play(system_health_seconds=3)  # one try
    assert done.returncode != 0
    assert "Wait until SoniqueBay is healthy" in done.stdout
    assert debian.installed() == {"thing": "2.0"}
