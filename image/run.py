"""`make run`: from the sources to a scanned library on the emulated machine, with everything in sight."""

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

from . import build, build_root, hostpackages, music, profile, release
from .build_root import BuildRoot
from .emulated.machine import PATIENCE, Machine
from .errors import ActionableError
from .paths import DIST
from .privilege import is_root, own_verb_as_root
from .ui import console, duration, step

PREFERRED_PORTS = {"ssh": 2222, "http": 8080, "flower": 5555}
DISK_TIMEOUT = PATIENCE / 3


def ports(options: argparse.Namespace) -> dict[str, int]:
    """The local ports asked for; else the usual ones where they are free."""
    asked = {"ssh": options.ssh_port, "http": options.http_port, "flower": options.flower_port}
    chosen = {}
    for name, usual in PREFERRED_PORTS.items():
        if asked[name]:
            chosen[name] = int(asked[name])
        elif _free(usual):
            chosen[name] = usual
    return chosen


def run(profile_name: str, wanted: Mapping[str, int], folder: Path | None, *, stay: bool = True) -> dict[str, Any]:
    """Build what is missing, boot it, scan the music, tell what came of it."""
    if folder is not None and not folder.is_dir():
        raise ActionableError(f"There is no folder {folder}.", "MUSIC has to name a folder of music files.")
    hostpackages.install()
    card = image(profile_name)
    tools = build_root.find() or build_root.ensure()
    disk = _music_disk(tools, folder)
    with booted(card, wanted, tools) as machine:
        with step("Music disk plugged in") as current:
            machine.attach_disk(disk)
            session = _wait_for_scan(machine, current.report_status)
        summary = _follow(machine, session)
        _show(summary, machine)
        if stay:
            _stay(machine)
    return summary


def boot_only(profile_name: str, wanted: Mapping[str, int]) -> None:
    """The machine without a music disk."""
    with booted(image(profile_name), wanted, build_root.ensure()) as machine:
        _addresses(machine)
        _stay(machine)


@contextmanager
def booted(image: Path, wanted: Mapping[str, int], tools: BuildRoot) -> Iterator[Machine]:
    """A machine that answers, both to a login and as an appliance."""
    with Machine(image, ports=wanted, tools=tools) as machine:
        with step("Boot of the emulated Raspberry Pi") as current:
            machine.start()
            machine.wait_for_ssh(current.report_status)
        with step("SoniqueBay is healthy") as current:
            _wait_for_health(machine, current.report_status)
        yield machine


def image(profile_name: str) -> Path:
    """The image, built as root if something has to be built."""
    if is_root() or build.is_ready(profile_name):
        return build.build(profile_name)
    own_verb_as_root("build", "--profile", profile_name)
    chosen = profile.load(profile_name)
    return DIST / build.image_name(release.version_of(release.APP), chosen.name)


def _music_disk(tools: BuildRoot, folder: Path | None) -> Path:
    if not is_root() and not music.is_ready(folder):
        own_verb_as_root("music")
    return music.ensure(tools, folder)


def _wait_for_health(machine: Machine, say: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    answer = ""
    while time.monotonic() < deadline:
        try:
            response = httpx.get(f"{machine.url()}/api/health", timeout=60)
            answer = response.text
            if response.status_code == 200:
                return
        except httpx.HTTPError as error:
            answer = str(error) or type(error).__name__
        say(answer)
        time.sleep(1)
    raise ActionableError(f"Not healthy within {PATIENCE:.0f} s: {answer}", _journal(machine))


def _wait_for_scan(machine: Machine, say: Any) -> int:
    """The session of the scan that plugging in a disk begins by itself; asked for if it does not come."""
    deadline = time.monotonic() + DISK_TIMEOUT
    mounted = False
    while time.monotonic() < deadline:
        mounted = mounted or machine.ssh("findmnt -n /srv/music/MUSIC").returncode == 0
        say("mounted" if mounted else "waiting for the machine to mount it")
        found = _get(machine, "/api/scan-sessions")
        for session in found.get("items", []) if mounted else []:
            return int(session["id"])
        time.sleep(1)
    if not mounted:
        raise ActionableError("The machine did not mount the music disk.", _journal(machine))
    response = httpx.post(f"{machine.url()}/api/scan", timeout=300)
    if response.status_code not in (202, 409):
        raise ActionableError(f"No scan could be started: {response.status_code} {response.text}")
    return int(response.json()["session_id"])


def _get(machine: Machine, path: str) -> dict[str, Any]:
    try:
        answer = httpx.get(f"{machine.url()}{path}", timeout=60).json()
    except (httpx.HTTPError, json.JSONDecodeError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _follow(machine: Machine, session: int) -> dict[str, Any]:
    from soniquebay.cli.follow import follow_scan
    from soniquebay.cli.progress_bar import progress_bar

    console.print(f"\n[bold]Scan {session}[/bold]")
    try:
        with progress_bar(console) as show:
            return dict(follow_scan(machine.url(), session, show))
    except httpx.HTTPError as error:
        raise ActionableError(f"The API stays away: {error}", _journal(machine)) from error


def _show(summary: Mapping[str, Any], machine: Machine) -> None:
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
    _addresses(machine)


def _addresses(machine: Machine) -> None:
    from soniquebay.flower import USER

    password = machine.ssh("sudo cat /var/lib/soniquebay-secrets/flower-password").stdout.strip()
    flower = f"{machine.url('flower')}  user [bold]{USER}[/bold]  password [bold]{escape(password)}[/bold]"
    lines = {
        "API": f"{machine.url()}/docs",
        "Flower": flower,
        "Shell": f"ssh -F {escape(str(machine.ssh_config))} soniquebay",
    }
    console.print()
    for name, line in lines.items():  # soft wrap: a line to be copied stays one line
        console.print(f"{name:<9} {line}", soft_wrap=True)


def _stay(machine: Machine) -> None:
    console.print("\nUp until Ctrl-C.")
    try:
        while machine.running:
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("Shutting down.")
        return
    raise ActionableError("The machine has stopped by itself.")


def _journal(machine: Machine) -> str:
    shown = machine.ssh("sudo journalctl -b -u 'soniquebay-*' --no-pager -n 25 -o cat")
    return shown.stdout.strip() or "The machine's journal says nothing."


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
