"""The test client of a booted appliance: commands over SSH, HTTP over forwarded ports, disks for its USB port."""

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
from tests.support.audio_files import tone

PROGRAMS = ("api", "worker", "flower")
NO_ENTRIES = (1, "")  # exit status and output of `journalctl -q -g` when no entry matches


@dataclass(frozen=True)
class HttpResponse:
    """Status and body of an HTTP response."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def fetch(
    url: str, method: str = "GET", password: str | None = None, timeout: float = MACHINE_TIMEOUT_SECONDS / 3
) -> HttpResponse:
    """Send a request and return the response, whatever its status. `timeout` is in seconds."""
    request = urllib.request.Request(url, method=method)  # noqa: S310 - the URL is the machine's own
    if password is not None:
        credentials = base64.b64encode(f"soniquebay:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {credentials}")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            return HttpResponse(response.status, response.read())
    except urllib.error.HTTPError as error:
        return HttpResponse(error.code, error.read())


def wait_for(event: str, condition: Callable[[], Any], pause: float = 3) -> Any:
    """Call `condition` every `pause` seconds until it returns a true value, and return that value.

    An `OSError` or `ValueError` of `condition` counts as a false value. Raises `AssertionError` with `event` and the
    last value after `MACHINE_TIMEOUT_SECONDS`.
    """
    deadline = time.monotonic() + MACHINE_TIMEOUT_SECONDS
    last: Any = None
    while time.monotonic() < deadline:
        try:
            last = condition()
        except (OSError, ValueError) as error:
            last = error
        else:
            if last:
                return last
        time.sleep(pause)
    raise AssertionError(f"not within {MACHINE_TIMEOUT_SECONDS:.0f} s: {event} (last seen: {last!r})")


class Appliance:
    """The machine under test."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def run(self, command: str) -> str:
        """Run a shell command as root and return its output; fail when the command fails."""
        result = self.machine.ssh(f"sudo sh -euc {shlex.quote(command)}", timeout=MACHINE_TIMEOUT_SECONDS)
        assert result.returncode == 0, f"{command}\nended with {result.returncode}:\n{result.stdout}{result.stderr}"
        return result.stdout

    def try_run(self, command: str) -> tuple[int, str]:
        """Run a shell command as root that may fail; return its exit status and its output, stderr included."""
        output, status = self.run(f'set +e; ({command}) 2>&1; echo "status=$?"').rstrip().rsplit("status=", 1)
        return int(status), output

    def restarts(self) -> dict[str, int]:
        """Return how often systemd has restarted each service after its process ended."""
        units = [*(f"soniquebay-{name}.service" for name in PROGRAMS), "redis-server.service"]
        counts = self.run(f"systemctl show -P NRestarts {' '.join(units)}").split()
        return dict(zip(units, map(int, counts), strict=True))

    def assert_first_start_without_errors(self, program: str) -> None:
        """Check that a program logged something before its first readiness since the boot, and no error."""
        lines = self.run(f"journalctl -b -q --no-pager -o cat -u soniquebay-{program}.service").splitlines()
        ready = next(number for number, line in enumerate(lines) if line.startswith("Started "))
        logged = lines[1:ready]  # the first line is systemd's "Starting"
        assert logged
        assert not [line for line in logged if "Traceback" in line], logged
        errors = self.run(f"journalctl -b -q --no-pager -o cat -p err -u soniquebay-{program}.service").splitlines()
        assert not set(errors).intersection(logged), errors

    def scan_songs(self, folder: str, count: int, **tags: str) -> None:
        """Put `count` copies of a song into a folder, then scan and analyse them."""
        with tempfile.TemporaryDirectory() as scratch:
            song = Path(scratch) / "song.ogg"
            tone(song, 2.0, **tags)
            self.machine.scp(song, "/tmp/song.ogg")
        self.run(f"for n in $(seq {count}); do install -D -m 0644 /tmp/song.ogg {folder}/$n.ogg; done")
        self.run("soniquebay scan --wait-vectors")

    def api(self, path: str, method: str = "GET") -> HttpResponse:
        return fetch(f"{self.machine.url('http')}{path}", method)

    def flower_password(self) -> str:
        """Return Flower's password, which the first boot has made."""
        return self.run("cat /var/lib/soniquebay-secrets/flower-password").strip()

    def flower(self, path: str, password: str | None = None) -> HttpResponse:
        return fetch(f"{self.machine.url('flower')}{path}", password=password)

    def healthy(self) -> dict[str, Any]:
        """Wait until the API reports that the appliance is healthy, and return its report."""

        def report_if_healthy() -> Any:
            response = self.api("/api/health")
            return response.json if response.status == 200 else None

        health: dict[str, Any] = wait_for("the appliance is healthy", report_if_healthy, pause=1)
        return health

    def all_items(self, path: str) -> list[dict[str, Any]]:
        """Return every item of a paged list."""
        items: list[dict[str, Any]] = []
        while True:
            page = self.api(f"{path}?limit=500&offset={len(items)}").json
            items += page["items"]
            if len(items) >= page["total"] or not page["items"]:
                return items

    def plug_in(self, disk: Path, mount_point: str) -> None:
        """Plug in a disk, and wait until it is mounted and its scan has been requested."""
        self.machine.attach_disk(disk)
        # systemd has a job for the scan from before the mount until the scan is under way
        command = f"findmnt {mount_point} && ! systemctl list-jobs --no-legend | grep -F soniquebay-scan.service"
        wait_for("the disk is mounted and its scan begun", lambda: self.try_run(command)[0] == 0)

    def idle_session(self) -> dict[str, Any]:
        """Wait until no scan is requested and all scans are completed and analysed; return the newest session.

        One change may cause two scans. The second finds nothing new while the tracks of the first are still analysed.
        """

        def newest_if_idle() -> Any:
            if self.api("/api/watch").json["waiting"]:
                return None
            scans = [self.api(f"/api/scan-sessions/{s['id']}").json for s in self.all_items("/api/scan-sessions")]
            return scans and all(scan["progress"]["phase"] == "done" for scan in scans) and scans[0]

        session: dict[str, Any] = wait_for("every scan is completed", newest_if_idle, pause=5)
        return session
