"""Releases on this machine for playbooks to change, with stand-ins for systemd and for the API."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

from soniquebay.releases import installed

from .playbook import LocalMachine

LIBRARY, COPY = "library.db", "library.db.schema-7"


class Installation:
    """A folder of releases on this machine, and a library.

    No release of `sick` gets healthy; `when_asked` is called when the API is asked for its health.
    """

    def __init__(self, folder: Path) -> None:
        self.sick = {"3.0"}
        self.when_asked: Callable[[], None] = lambda: None
        self.socket_file = folder / "socket"
        self.root = folder / "root"
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self.command = folder / "command"
        self.variables: dict[str, Any] = {
            "soniquebay_root": str(self.root),
            "soniquebay_command": str(self.command),
            "soniquebay_data": str(self.data),
            "ansible_become": False,
        }

    def install(self, archive: Path, version: str) -> None:
        """Make a release of an archive the current one, without Ansible."""
        checksum = archive.with_name(f"{archive.name}.sha256").read_text().split()[0]
        installed.install(archive, self.root, checksum, version)
        installed.make_current(version, self.root, self.command)

    def current(self) -> str:
        return str((self.root / "current").readlink())

    def names(self) -> list[str]:
        """Return all that is in the folder of releases."""
        return sorted(path.name for path in (self.root / "releases").iterdir())


# Runs the program at once, as a unit would in the background, and notes how it ended.
SYSTEMD_RUN = """#!/bin/sh
echo "systemd-run $*" >>"{log}"
while [ "${{1#--}}" != "$1" ]; do shift; done
for word; do [ "$before" != --root ] || root=$word; before=$word; done
if "$@" --control-socket "$(cat "$root/../socket")" >"{folder}/journal" 2>&1; then state=inactive; else state=failed; fi
echo $state >"{folder}/state"
"""
SYSTEMCTL = """#!/bin/sh
echo "$*" >>"{log}"
case "$*" in *"show "*) cat "{folder}/state" ;; esac
"""


class StandIn(BaseHTTPRequestHandler):
    """The API of the current release; that of 3.0 changes the schema of the library."""

    installation: Installation

    def do_GET(self) -> None:
        self.installation.when_asked()
        version = self.installation.current().removeprefix("releases/")
        data = self.installation.data
        if version == "3.0" and not (data / COPY).exists():
            (data / LIBRARY).rename(data / COPY)
            (data / LIBRARY).write_text("lost")
        status = "degraded" if version in self.installation.sick else "ok"
        self.answer({"status": status, "version": version})

    def do_POST(self) -> None:  # the check of a release that is healthy
        self.answer({"healthy": True, "checks": []})

    def answer(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def with_systemd(machine: LocalMachine, *installations: Installation) -> Iterator[None]:
    """Give the machine stand-ins for systemd, and each installation one for the API on its control socket."""
    programs = {
        "systemd-run": SYSTEMD_RUN,
        "systemctl": SYSTEMCTL,
        "journalctl": '#!/bin/sh\ncat "{folder}/journal"\n',
    }
    for name, text in programs.items():
        program = machine.folder / "programs" / name
        program.write_text(text.format(log=machine.log, folder=machine.folder))
        program.chmod(0o755)
    short = tempfile.mkdtemp()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, short)
        for number, installation in enumerate(installations):
            socket = f"{short}/{number}"
            installation.socket_file.write_text(socket)
            handler = type("Handler", (StandIn,), {"installation": installation})
            server = stack.enter_context(ThreadingUnixStreamServer(socket, handler))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        yield
