"""A machine with releases for tests of upgrades: a folder, with stand-ins for systemd's programs.

The stand-in for systemctl starts and ends the program of the current release, which answers for its health as the API
does, and migrates the library as the API does. At a chosen call the stand-in ends whoever has called it, as a power cut
would, before or after it has done what was asked.
"""

from __future__ import annotations

import getpass
import grp
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soniquebay.releases import installed
from tests.support.stack import wait_until

ROOT = Path(__file__).parents[2]
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
for unit in units if sys.argv[1] in ("enable", "disable", "is-enabled") else []:
    enabled = folder / "enabled" / unit
    if sys.argv[1] == "enable":
        enabled.touch()
    elif sys.argv[1] == "disable":
        enabled.unlink()
    elif not unit.startswith("--") and not enabled.exists():
        raise SystemExit(1)
if "soniquebay-api.service" in units:
    pid = folder / "api.pid"
    if pid.exists():
        try:
            os.kill(int(pid.read_text()), signal.SIGTERM)
            for _ in range(100):
                # one that has ended stays as a zombie until the machine's first process looks
                if Path(f"/proc/{{pid.read_text()}}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                    break
                time.sleep(0.05)
        except (ProcessLookupError, FileNotFoundError):
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
        (self.folder / "enabled").mkdir()
        (programs / "systemctl").write_text(SYSTEMCTL.format(python=sys.executable, folder=self.folder))
        (programs / "systemd-run").write_text(SYSTEMD_RUN)
        (programs / "dpkg-query").write_text("#!/bin/sh\necho python3 installed\n")
        for name in ("systemctl", "systemd-run", "dpkg-query"):
            (programs / name).chmod(0o755)
        self.environment["PATH"] = f"{programs}:{self.environment['PATH']}"
        archive = self.archive("1.0")
        # without the command line, which takes a second to start twice
        installed.install(archive, self.folder / "opt", sha256(archive), "1.0")
        installed.make_current("1.0", self.folder / "opt", self.folder / "command")
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

    def enabled(self) -> list[str]:
        """Return the units that an upgrade has enabled."""
        return sorted(path.name for path in (self.folder / "enabled").iterdir())

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


def group_name() -> str:
    return grp.getgrgid(os.getgid()).gr_name


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
