"""The programs of the appliance as an upgrade sees them: systemd's units, and the health that the API tells."""

import json
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

API_SOCKET, API, WORKER = "soniquebay-api.socket", "soniquebay-api.service", "soniquebay-worker.service"
CONTROL_SOCKET = "soniquebay-control.socket"
TIMER, FLOWER = "soniquebay-maintenance.timer", "soniquebay-flower.service"
HEALTH_INTERVAL_SECONDS = 2.0
REQUEST_TIMEOUT_SECONDS = 20.0
MAX_ANSWER_BYTES = 1 << 16


def systemctl(*arguments: str) -> None:
    """Run a command of systemctl. Raises ``click.ClickException`` when it fails."""
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}")


def stop_if_loaded(*units: str) -> None:
    """Stop units, of which some may not be there. Raises ``click.ClickException`` when one does not stop."""
    systemctl("stop", *(f"{unit[:-1]}[{unit[-1]}]" for unit in units))  # a pattern stands for loaded units alone


def is_enabled(unit: str) -> bool:
    """Tell whether a unit is enabled."""
    return subprocess.run(["systemctl", "is-enabled", "--quiet", unit], check=False).returncode == 0


def health(path: Path) -> dict[str, Any]:
    """Return the answer of ``/api/health`` on the control socket; empty while the API does not answer."""
    # By the standard library alone: a release whose libraries are broken can be left by this.
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(REQUEST_TIMEOUT_SECONDS)
            connection.connect(str(path))
            connection.sendall(b"GET /api/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            with connection.makefile("rb") as answer:
                _, _, body = answer.read(MAX_ANSWER_BYTES).partition(b"\r\n\r\n")
        told: dict[str, Any] = json.loads(body)
    except (OSError, ValueError):
        return {}
    return told


def wait_until_healthy(
    version: str, seconds: float, ask: Callable[[], dict[str, Any]], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until the API of a version says that all parts are healthy.

    Raises ``click.ClickException`` with what it says last when it does not in time. systemd holds the API's sockets, so
    a release that does not start refuses no connection: each request may take its whole timeout.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        # the version tells it from the release that is still stopping
        if answer.get("status") == "ok" and answer.get("version") == version:
            return
        if time.monotonic() > deadline:
            raise click.ClickException(f"release {version} is not healthy after {seconds:.0f} s: {_reason(answer)}")
        sleep(HEALTH_INTERVAL_SECONDS)


def _reason(answer: dict[str, Any]) -> str:
    if not answer:
        return "the API does not answer"
    if fault := answer.get("fault"):
        return str(fault)
    parts = {name: answer.get(name, "not told") for name in ("database", "redis", "worker")}
    return "; ".join(f"{name}: {state}" for name, state in parts.items() if state != "ok") or "another release answers"
