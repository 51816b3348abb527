"""`make run`: builds the image, boots it on the emulated machine and scans a music disk, with progress messages."""

from __future__ import annotations

import argparse
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.markup import escape
from rich.table import Table

from soniquebay.cli.follow import client_of, follow_scan

from . import build, build_root, hostpackages, music, profile, release, ui
from .build_root import BuildRoot
from .emulated.machine import MACHINE_TIMEOUT_SECONDS, Machine, Report
from .errors import ActionableError
from .paths import DIST
from .privilege import is_root, run_verb_as_root
from .ui import console, duration

PREFERRED_PORTS = {"ssh": 2222, "http": 8080, "flower": 5555}
DISK_TIMEOUT_SECONDS = MACHINE_TIMEOUT_SECONDS / 3


def ports(options: argparse.Namespace) -> dict[str, int]:
    """Return the local ports that the options name, and the preferred ports of other services if they are free."""
    requested = {"ssh": options.ssh_port, "http": options.http_port, "flower": options.flower_port}
    chosen = {}
    for name, preferred in PREFERRED_PORTS.items():
        if requested[name]:
            chosen[name] = int(requested[name])
        elif _is_free(preferred):
            chosen[name] = preferred
    return chosen


def run(profile_name: str, local_ports: Mapping[str, int], folder: Path | None, *, stay: bool = True) -> dict[str, Any]:
    """Build what is missing, boot the image, scan a disk with the music of `folder`, and return the scan's summary.

    With `stay` the machine runs until Ctrl-C. Raises `ActionableError` when a step fails.
    """
    if folder is not None and not folder.is_dir():
        raise ActionableError(f"There is no folder {folder}.", "MUSIC has to name a folder of music files.")
    hostpackages.install()
    card = image(profile_name)
    tools = build_root.find() or build_root.ensure()
    disk = _music_disk(tools, folder)
    with booted(card, local_ports, tools) as machine:
        console.print("The page answers. Its first albums appear while the music is scanned:")
        _print_addresses(machine)
        with ui.step("Music disk plugged in") as step:
            machine.attach_disk(disk)
            session = _wait_for_scan(machine, step.report_status)
        summary = _follow_scan(machine, session)
        _print_summary(summary)
        if stay:
            _wait_for_interrupt(machine)
    return summary


def boot_only(profile_name: str, local_ports: Mapping[str, int]) -> None:
    """Boot the image without a music disk and wait for Ctrl-C."""
    with booted(image(profile_name), local_ports, build_root.ensure()) as machine:
        _print_addresses(machine)
        _wait_for_interrupt(machine)


@contextmanager
def booted(image: Path, local_ports: Mapping[str, int], tools: BuildRoot) -> Iterator[Machine]:
    """Give a booted machine whose login works and whose API reports that it is healthy."""
    with Machine(image, ports=local_ports, tools=tools) as machine:
        with ui.step("Boot of the emulated Raspberry Pi") as step:
            machine.start()
            machine.wait_for_ssh(step.report_status)
        with ui.step("SoniqueBay is healthy") as step:
            _wait_for_health(machine, step.report_status)
        yield machine


def image(profile_name: str) -> Path:
    """Return the image, which is built as root unless it is up to date."""
    if is_root() or build.is_ready(profile_name):
        return build.build(profile_name)
    run_verb_as_root("build", "--profile", profile_name)
    chosen = profile.load(profile_name)
    return DIST / build.image_name(release.version_of(release.APP), chosen.name)


def _music_disk(tools: BuildRoot, folder: Path | None) -> Path:
    if not is_root() and not music.is_ready(folder):
        run_verb_as_root("music")
    return music.ensure(tools, folder)


def _wait_for_health(machine: Machine, report: Report) -> None:
    deadline = time.monotonic() + MACHINE_TIMEOUT_SECONDS
    answer = ""
    while time.monotonic() < deadline:
        try:
            response = httpx.get(f"{machine.url()}/api/health", timeout=60)
            answer = response.text
            if response.status_code == 200:
                return
        except httpx.HTTPError as error:
            answer = str(error) or type(error).__name__
        report(answer)
        time.sleep(1)
    raise ActionableError(f"Not healthy within {MACHINE_TIMEOUT_SECONDS:.0f} s: {answer}", _journal(machine))


def _wait_for_scan(machine: Machine, report: Report) -> int:
    """Return the session of the scan that the appliance starts for the disk; start one when it does not."""
    deadline = time.monotonic() + DISK_TIMEOUT_SECONDS
    mounted = False
    while time.monotonic() < deadline:
        mounted = mounted or machine.ssh("findmnt -n /srv/music/MUSIC").returncode == 0
        report("mounted" if mounted else "waiting for the machine to mount it")
        sessions = _get(machine, "/api/scan-sessions").get("items", [])
        if mounted and sessions:
            return int(sessions[0]["id"])
        time.sleep(1)
    if not mounted:
        raise ActionableError("The machine did not mount the music disk.", _journal(machine))
    with client_of(machine.control_url()) as api:
        response = api.post("/api/scan", timeout=300)
    if response.status_code not in (202, 409):
        raise ActionableError(f"The scan could not be started: {response.status_code} {response.text}")
    return int(response.json()["session_id"])


def _get(machine: Machine, path: str) -> dict[str, Any]:
    try:
        with client_of(machine.control_url()) as api:
            answer = api.get(path, timeout=60).json()
    except (httpx.HTTPError, json.JSONDecodeError, ActionableError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _follow_scan(machine: Machine, session: int) -> dict[str, Any]:
    from soniquebay.cli.progress_bar import progress_bar

    console.print(f"\n[bold]Scan {session}[/bold]")
    try:
        with progress_bar(console) as show:
            return dict(follow_scan(machine.control_url(), session, show))
    except httpx.HTTPError as error:
        raise ActionableError(f"The API is unavailable: {error}", _journal(machine)) from error


def _print_summary(summary: Mapping[str, Any]) -> None:
    rows = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name in ("status", "files", "tracks", "albums", "artists", "failures", "vectors"):
        if name in summary:
            rows.add_row(name.capitalize(), f"[bold]{summary[name]}[/bold]")
    seconds = float(summary.get("waited") or summary.get("seconds") or 0)
    rate = summary.get("per_minute") or 60 * float(summary.get("files", 0)) / max(seconds, 0.001)
    rows.add_row("Took", duration(seconds))
    rows.add_row("Rate", f"{rate:.1f} files a minute")
    console.print()
    console.print(rows)


def _print_addresses(machine: Machine) -> None:
    code = machine.ssh("sudo soniquebay claim-code").stdout.strip()
    # as `soniquebay serve` says it
    start = ("Make it yours", f"claim?code={escape(code)}") if code else ("Sign in", "sign-in")
    lines = {
        start[0]: f"{machine.url()}/{start[1]}",
        "API": f"{machine.url()}/docs",
        "Flower": f"{machine.url('flower')} (once you are signed in on the page)",
        "Shell": f"ssh -F {escape(str(machine.ssh_config))} soniquebay",
    }
    console.print()
    for name, line in lines.items():  # soft wrap, so that a line can be copied as one
        console.print(f"{name + ':':<14} {line}", soft_wrap=True)


def _wait_for_interrupt(machine: Machine) -> None:
    console.print("\nThe machine runs until Ctrl-C.")
    try:
        while machine.running:
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("Shutting down.")
        return
    raise ActionableError("The machine has stopped by itself.")


def _journal(machine: Machine) -> str:
    journal = machine.ssh("sudo journalctl -b -u 'soniquebay-*' --no-pager -n 25 -o cat")
    return journal.stdout.strip() or "The journal of the machine has no lines of SoniqueBay."


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
