"""Installs the few Debian packages that the user's own machine needs; all other tools are in the build root."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from . import ui
from .errors import ActionableError
from .privilege import as_root

PACKAGES = {
    "mmdebstrap": "makes the build root",
    "debian-archive-keyring": "verifies the packages of the build root",
    "util-linux": "private mount namespaces",
    "openssh-client": "logs in to the emulated machine",
    "git": "gives the date of a build",
    "redis-server": "for the tests and `soniquebay serve`",
    "python3-apt": "for the tests of Debian's updates",
}
ENGINE_PACKAGES = {"docker.io": "runs the tests in containers on a machine without an engine"}
# Only the programs are needed. Debian also starts their services, which are stopped again.
SERVICES_TO_DISABLE = {"redis-server": ["redis-server.service"], "docker.io": ["docker.socket", "docker.service"]}


def missing(packages: Mapping[str, str] = PACKAGES) -> list[str]:
    """Return the packages that are not installed."""
    listing = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    installed = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    return [name for name in packages if name not in installed]


def install(packages: Mapping[str, str] = PACKAGES) -> None:
    """Install the packages that are missing; print nothing when none is.

    Raises `ActionableError` with the command to run by hand when apt-get fails.
    """
    names = missing(packages)
    if not names:
        return
    apt = as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"])
    with ui.step("Debian packages") as step:
        step.report_status(" ".join(names))
        try:
            step.run([*apt, "update"])
            step.run([*apt, "install", "-y", "--no-install-recommends", *names])
            for name in names:
                if name in SERVICES_TO_DISABLE and Path("/run/systemd/system").is_dir():
                    step.run(as_root(["systemctl", "disable", "--now", *SERVICES_TO_DISABLE[name]]))
        except ActionableError as problem:
            raise ActionableError(problem.what, f"Install by hand: apt-get install {' '.join(names)}") from problem
