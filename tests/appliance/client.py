"""The booted machine as a test sees it: commands over SSH, the API over its forwarded port, a disk to plug in."""

from __future__ import annotations

import base64
import json
import shlex
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image.emulated.machine import MACHINE_TIMEOUT_SECONDS, Machine
from tests.audio_files import tone

PROGRAMS = ("api", "worker", "flower")
NOT_FOUND = (1, "")  # of a journal that was asked, and has nothing of the kind


@dataclass(frozen=True)
class Answer:
    """What an HTTP server said."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def fetch(
    url: str, method: str = "GET", password: str | None = None, timeout: float = MACHINE_TIMEOUT_SECONDS / 3
) -> Answer:
    """Ask a server; a refusal is an answer too."""
    request = urllib.request.Request(url, method=method)  # noqa: S310 - our own machine
    if password is not None:
        word = base64.b64encode(f"soniquebay:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {word}")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            return Answer(response.status, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read())


def until(what: str, ready: Callable[[], Any], pause: float = 3) -> Any:
    """Wait for something to be true and return it; fails saying what was waited for and what was seen last."""
    deadline = time.monotonic() + MACHINE_TIMEOUT_SECONDS
    seen: Any = None
    while time.monotonic() < deadline:
        try:
            found = ready()
        except (OSError, ValueError) as error:
            seen = error
        else:
            if found:
                return found
            seen = found
        time.sleep(pause)
    raise AssertionError(f"not within {MACHINE_TIMEOUT_SECONDS:.0f} s: {what} (last seen: {seen!r})")


class Appliance:
    """The machine under test."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def run(self, command: str) -> str:
        """Run a shell command as root and return what it printed; fails when the command fails."""
        done = self.machine.ssh(f"sudo sh -euc {shlex.quote(command)}", timeout=MACHINE_TIMEOUT_SECONDS)
        assert done.returncode == 0, f"{command}\nended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def try_run(self, command: str) -> tuple[int, str]:
        """Run a shell command as root that may fail; returns its exit status and all it printed."""
        lines = self.run(f'set +e; ({command}) 2>&1; echo "status=$?"').rstrip().rsplit("status=", 1)
        return int(lines[1]), lines[0]

    def restarts(self) -> dict[str, int]:
        """How often each program died and was started again by systemd."""
        units = [*(f"soniquebay-{name}.service" for name in PROGRAMS), "redis-server.service"]
        counts = self.run(f"systemctl show -P NRestarts {' '.join(units)}").split()
        return dict(zip(units, map(int, counts), strict=True))

    def starts_without_trouble(self, program: str) -> None:
        """What a program wrote before it was ready for the first time since the boot: something, and no error."""
        lines = self.run(f"journalctl -b -q --no-pager -o cat -u soniquebay-{program}.service").splitlines()
        ready = next(number for number, line in enumerate(lines) if line.startswith("Started "))
        said = lines[1:ready]  # the first is systemd's: it starts
        assert said
        assert not [line for line in said if "Traceback" in line or "ERROR" in line], said

    def scan_songs(self, folder: str, count: int, **tags: str) -> None:
        """Put a song into a folder, several times, and have it scanned and analysed."""
        with tempfile.TemporaryDirectory() as made:
            song = Path(made) / "song.ogg"
            tone(song, 2.0, **tags)
            self.machine.scp(song, "/tmp/song.ogg")
        self.run(f"for n in $(seq {count}); do install -D -m 0644 /tmp/song.ogg {folder}/$n.ogg; done")
        self.run("soniquebay scan --wait-vectors")

    def api(self, path: str, method: str = "GET") -> Answer:
        return fetch(f"{self.machine.url('http')}{path}", method)

    def flower_password(self) -> str:
        """What was made on this device at its first boot."""
        return self.run("cat /var/lib/soniquebay-secrets/flower-password").strip()

    def flower(self, path: str, password: str | None = None) -> Answer:
        return fetch(f"{self.machine.url('flower')}{path}", password=password)

    def healthy(self) -> dict[str, Any]:
        """Wait until the API says that all is well."""

        def ask() -> Any:
            answer = self.api("/api/health")
            return answer.json if answer.status == 200 else None

        found: dict[str, Any] = until("the appliance is healthy", ask, pause=1)
        return found

    def all_of(self, path: str) -> list[dict[str, Any]]:
        """Every item of a paged list."""
        items: list[dict[str, Any]] = []
        while True:
            page = self.api(f"{path}?limit=500&offset={len(items)}").json
            items += page["items"]
            if len(items) >= page["total"] or not page["items"]:
                return items

    def plug_in(self, disk: Path, place: str) -> None:
        """Plug in a disk, and wait until it is mounted and its scan has been asked for."""
        self.machine.attach_disk(disk)
        # from before the mount on the scan is a job of systemd, until it is under way
        asked = f"findmnt {place} && ! systemctl list-jobs --no-legend | grep -F soniquebay-scan.service"
        until("the disk is mounted and its scan begun", lambda: self.try_run(asked)[0] == 0)

    def idle_session(self) -> dict[str, Any]:
        """Wait until no scan is asked for any more, and all are completed, their analysis included; return the newest.

        One change may ask for two scans: the second finds everything known, and what the first found is still analysed.
        """

        def ask() -> Any:
            if self.api("/api/watch").json["waiting"]:
                return None
            scans = [self.api(f"/api/scan-sessions/{s['id']}").json for s in self.all_of("/api/scan-sessions")]
            return scans and all(scan["progress"]["phase"] == "done" for scan in scans) and scans[0]

        found: dict[str, Any] = until("every scan is completed", ask, pause=5)
        return found
