"""The role release and playbooks/upgrade.yml on this machine, with real archives and a stand-in for the API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from .playbook import ROOT, LocalMachine
from .releases import make_archive

# each starts Ansible and some twenty of its modules
pytestmark = pytest.mark.slow


class Installation:
    """A folder of releases on this machine, and a library."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.data = folder / "data"
        self.data.mkdir()
        self.command = folder / "command"
        self.variables: dict[str, Any] = {
            "soniquebay_root": str(self.root),
            "soniquebay_command": str(self.command),
            "soniquebay_data": str(self.data),
            "ansible_become": False,
        }

    def current(self) -> str:
        return str((self.root / "current").readlink())

    def names(self) -> list[str]:
        """Return all that is in the folder of releases."""
        return sorted(path.name for path in (self.root / "releases").iterdir())


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_the_role_installs_a_release_once(machine: LocalMachine, installation: Installation, tmp_path: Path) -> None:
    archive = make_archive(tmp_path, "1.0")
    play = {"roles": ["release"], "vars": {"soniquebay_live": False}}
    printed = machine.play(play, play, release_archive=str(archive), **installation.variables)
    assert installation.current() == "releases/1.0"
    assert installation.names() == ["1.0"]
    assert installation.command.resolve() == installation.root / "releases/1.0/bin/soniquebay"
    assert (installation.root / "releases/1.0/lib/other").is_dir()
    changed = [line for line in printed.splitlines() if line.startswith("changed:")]
    assert len(changed) == 3  # copied, installed and activated by the first play; nothing by the second
    assert machine.restarts() == 0


LIBRARY, COPY = "library.db", "library.db.schema-7"


class StandIn(BaseHTTPRequestHandler):
    """The API of the current release; that of 3.0 changes the schema of the library, and then does not get well."""

    installation: Installation

    def do_GET(self) -> None:
        version = self.installation.current().removeprefix("releases/")
        data = self.installation.data
        if version == "3.0" and not (data / COPY).exists():
            (data / LIBRARY).rename(data / COPY)
            (data / LIBRARY).write_text("lost")
        body = json.dumps({"status": "degraded" if version == "3.0" else "ok", "version": version}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def port(installation: Installation) -> Iterator[int]:
    """Return the port of the stand-in."""
    handler = type("Handler", (StandIn,), {"installation": installation})
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def make_older_release(installation: Installation, version: str) -> None:
    """Make a release the current one whose program knows no commands for releases."""
    program = installation.root / "releases" / version / "bin/soniquebay"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 2\n")
    program.chmod(0o755)
    (installation.root / "current").symlink_to(f"releases/{version}")


@pytest.mark.long
def test_an_upgrade_from_a_release_without_these_commands_and_one_that_is_undone(
    machine: LocalMachine, installation: Installation, port: int, tmp_path: Path
) -> None:
    make_older_release(installation, "1.0")
    (installation.data / LIBRARY).write_text("kept")
    (installation.data / COPY).write_text("of an earlier upgrade")

    def upgrade(version: str) -> tuple[int, str]:
        done = machine.try_run(
            ROOT / "playbooks/upgrade.yml",
            release_archive=str(make_archive(tmp_path, version)),
            soniquebay_http_port=port,
            upgrade_health_seconds=1,
            **installation.variables,
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    status, printed = upgrade("2.0")
    assert status == 0, printed
    assert installation.current() == "releases/2.0"
    assert installation.names() == ["1.0", "2.0"]
    assert [path.name for path in installation.data.iterdir()] == [LIBRARY]

    machine.log.unlink()
    status, printed = upgrade("3.0")
    assert status != 0
    assert "Release 2.0 is running again and healthy" in printed, printed
    assert installation.current() == "releases/2.0"
    assert installation.names() == ["1.0", "2.0", "3.0"]
    assert (installation.data / LIBRARY).read_text() == "kept"
    assert [path.name for path in installation.data.iterdir()] == [LIBRARY]
    calls = [line for line in machine.log.read_text().splitlines() if " show " not in line and line[:5] != "show "]
    switch = [
        "--no-block restart soniquebay-api.service",
        "--no-block restart soniquebay-worker.service",
    ]
    stop = ["stop soniquebay-maintenance.timer", "stop soniquebay-worker.service"]
    restore = [
        "stop soniquebay-api.socket soniquebay-control.socke[t] soniquebay-api.service",
        "start soniquebay-api.socket",
    ]
    last = ["restart soniquebay-flower.service", "restart soniquebay-maintenance.timer"]
    unquoted = [call.replace("'", "") for call in calls]
    assert unquoted == [*stop, *switch, *stop, *restore, *switch, *last]
