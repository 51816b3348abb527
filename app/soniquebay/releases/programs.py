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
FIRST_HEALTH_INTERVAL_SECONDS, MAX_HEALTH_INTERVAL_SECONDS = 0.25, 2.0  # each is twice as long as the one before
REQUEST_TIMEOUT_SECONDS = 20.0
MAX_ANSWER_BYTES = 1 << 16
MAX_CHECK_SECONDS = 600.0  # that the API accepts
_WITHOUT_CHECK = {404, 405}  # what a release answers that does not know the request


def systemctl(*arguments: str) -> None:
    """Run a command of systemctl. Raises ``click.ClickException`` when it fails."""
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}")


def stop_if_loaded(*units: str) -> None:
    """Stop units, of which some may not be there. Raises ``click.ClickException`` when one does not stop."""
    # A pattern stands for loaded units alone. Without the mode the start of another unit, as of a worker that ends
    # again and again, cancels the stop of a socket that it wants.
    patterns = (f"{unit[:-1]}[{unit[-1]}]" for unit in units)
    systemctl("stop", "--job-mode=replace-irreversibly", *patterns)


def is_enabled(unit: str) -> bool:
    """Tell whether a unit is enabled."""
    return subprocess.run(["systemctl", "is-enabled", "--quiet", unit], check=False).returncode == 0


def health(path: Path) -> dict[str, Any]:
    """Return the answer of ``/api/health`` on the control socket; empty while the API does not answer."""
    return ask(path, "/api/health")


def ask(path: Path, route: str) -> dict[str, Any]:
    """Return the answer to a GET on the control socket `path`; empty while the API does not answer."""
    try:
        return _answer(path, f"GET {route}", REQUEST_TIMEOUT_SECONDS)[1]
    except (OSError, ValueError):
        return {}


def check(path: Path, version: str, seconds: float) -> list[str]:
    """Have a release that is healthy read, insert and play a file of its own, each within so many seconds.

    Return what could not be tried, because the worker was busy all the time. Raises ``click.ClickException`` with what
    it cannot do. A release from before there was this check passes.
    """
    request = f"POST /api/health/check?timeout_seconds={min(max(seconds, 1), MAX_CHECK_SECONDS):.0f}"
    try:
        status, answer = _answer(path, request, seconds + REQUEST_TIMEOUT_SECONDS)
    except (OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise click.ClickException(f"release {version} does not end its check: {reason}") from error
    # The release that answers is another one than this program's.
    sentences = [str(made.get("sentence")) for made in answer.get("checks", ()) if made.get("state") != "ok"]
    if status in _WITHOUT_CHECK or answer.get("healthy") is True:
        return sentences
    reason = "; ".join(sentence[:1].lower() + sentence[1:].rstrip(".") for sentence in sentences)
    raise click.ClickException(f"release {version} fails its check: {reason or f'it answers {status}'}")


def _answer(path: Path, request: str, timeout_seconds: float) -> tuple[int, dict[str, Any]]:
    """Return status and JSON of an answer on the control socket. Raises ``OSError``, and ``ValueError`` for others."""
    # By the standard library alone: a release whose libraries are broken can be left by this.
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_seconds)
        connection.connect(str(path))
        connection.sendall(f"{request} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            head, _, body = answer.read(MAX_ANSWER_BYTES).partition(b"\r\n\r\n")
    if not head:
        raise ConnectionError("the API has gone")
    told: dict[str, Any] = json.loads(body)
    return int(b"".join(head.split(maxsplit=2)[1:2])), told


def wait_until_healthy(
    version: str, seconds: float, ask: Callable[[], dict[str, Any]], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until the API of a version says that all parts are healthy.

    Raises ``click.ClickException`` with what it says last when it does not in time. systemd holds the API's sockets, so
    a release that does not start refuses no connection: each request may take its whole timeout.
    """
    deadline, interval_seconds = time.monotonic() + seconds, FIRST_HEALTH_INTERVAL_SECONDS
    while True:
        answer = ask()
        # the version tells it from the release that is still stopping
        if answer.get("status") == "ok" and answer.get("version") == version:
            return
        if time.monotonic() > deadline:
            raise click.ClickException(f"release {version} is not healthy after {seconds:.0f} s: {_reason(answer)}")
        sleep(interval_seconds)
        interval_seconds = min(2 * interval_seconds, MAX_HEALTH_INTERVAL_SECONDS)


def _reason(answer: dict[str, Any]) -> str:
    if not answer:
        return "the API does not answer"
    if fault := answer.get("fault"):
        return str(fault)
    parts = {name: answer.get(name, "not told") for name in ("database", "redis", "worker")}
    return "; ".join(f"{name}: {state}" for name, state in parts.items() if state != "ok") or "another release answers"
