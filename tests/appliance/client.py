"""The test client of a booted appliance: commands over SSH, HTTP over forwarded ports, disks for its USB port."""

from __future__ import annotations

import json
import shlex
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from image.emulated.machine import MACHINE_TIMEOUT_SECONDS, Machine
from image.errors import ActionableError
from soniquebay.cli.follow import client_of
from tests.support.audio_files import tone

REQUEST_TIMEOUT_SECONDS = MACHINE_TIMEOUT_SECONDS / 3
OWNER = {"name": "owner", "password": "of the machine under test"}
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


def _response(response: httpx.Response) -> HttpResponse:
    return HttpResponse(response.status_code, response.content)


class Appliance:
    """The machine under test."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def run(self, command: str) -> str:
        """Run a shell command as root and return its output; fail when the command fails."""
        result = self.machine.ssh(f"sudo sh -euc {shlex.quote(command)}", timeout_seconds=MACHINE_TIMEOUT_SECONDS)
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

    def scan_folder(self, source: Path, folder: str) -> None:
        """Copy what is in a folder of this machine to a folder of music, then scan and analyse it."""
        self.run("rm -rf /tmp/copied")
        self.machine.scp(source, "/tmp/copied")
        self.run(f"rm -rf {folder} && cp -r /tmp/copied {folder} && chmod -R a+rX {folder} && rm -rf /tmp/copied")
        self.run("soniquebay scan --wait-vectors")

    def api(self, path: str, method: str = "GET") -> HttpResponse:
        """Send a request as an administrator of the machine, and return the response, whatever its status."""
        try:
            with client_of(self.machine.control_url()) as api:
                return _response(api.request(method, path, timeout=REQUEST_TIMEOUT_SECONDS))
        except httpx.TransportError as error:
            raise OSError(str(error)) from error
        except ActionableError as error:
            raise OSError(str(error)) from error

    def http(self, path: str, method: str = "GET", *, port: str = "http", **arguments: Any) -> HttpResponse:
        """Send a request to port 80 or, with `port` "flower", to Flower, as any machine of the network may."""
        url = f"{self.machine.url(port)}{path}"
        try:
            return _response(httpx.request(method, url, timeout=REQUEST_TIMEOUT_SECONDS, **arguments))
        except httpx.TransportError as error:
            raise OSError(str(error)) from error

    def cookie(self) -> dict[str, str]:
        """Return the cookie of the owner's session. Make the owner if there is none."""
        if not self.api("/api/session").json["claimed"]:
            self.run(f"echo '{OWNER['password']}' | soniquebay user add {OWNER['name']}")
        answer = httpx.post(f"{self.machine.url('http')}/api/sign-in", json=OWNER, timeout=REQUEST_TIMEOUT_SECONDS)
        assert answer.status_code == 200, answer.text
        return dict(answer.cookies)

    def app_password(self, name: str) -> str:
        """Return a new app password of the owner."""
        answer = httpx.post(
            f"{self.machine.url('http')}/api/account/app-passwords",
            json={"name": name}, cookies=self.cookie(), timeout=REQUEST_TIMEOUT_SECONDS,
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        password: str = answer.json()["password"]
        return password

    def flower(self, path: str, cookie: dict[str, str] | None = None) -> HttpResponse:
        """Send a request to Flower, with the cookie of a session or without."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in (cookie or {}).items())}
        return self.http(path, port="flower", headers=headers)

    def healthy(self) -> dict[str, Any]:
        """Wait until the API reports that the appliance is healthy, and return its report."""

        def report_if_healthy() -> Any:
            response = self.http("/api/health")
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
