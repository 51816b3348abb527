"""The few Debian packages needed on the user's own machine; every other tool lives in the build_root."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from .errors import ActionableError
from .privilege import as_root
from .ui import step

PACKAGES = {
    "mmdebstrap": "makes the build root",
    "debian-archive-keyring": "checks what it downloads",
    "util-linux": "private mount namespaces",
    "openssh-client": "into the emulated machine",
    "git": "the date of a build",
    "redis-server": "the tests' private Redis, and `soniquebay serve`",
}
ENGINE = {"docker.io": "containers for the tests, on a machine without an engine"}
# only the program is wanted, not the service that Debian starts with it on the user's machine
SERVICES = {"redis-server": ["redis-server.service"], "docker.io": ["docker.socket", "docker.service"]}


def missing(packages: Mapping[str, str] = PACKAGES) -> list[str]:
    """Packages that dpkg does not know as installed."""
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    present = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [name for name in packages if name not in present]


def install(packages: Mapping[str, str] = PACKAGES) -> None:
    """Install what is missing; silent when nothing is."""
    wanted = missing(packages)
    if not wanted:
        return
    apt = as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"])
    with step("Debian packages") as current:
        current.report_status(" ".join(wanted))
        try:
            current.run([*apt, "update"])
            current.run([*apt, "install", "-y", "--no-install-recommends", *wanted])
            for name in wanted:
                if name in SERVICES and Path("/run/systemd/system").is_dir():
                    current.run(as_root(["systemctl", "disable", "--now", *SERVICES[name]]))
        except ActionableError as problem:
            raise ActionableError(problem.what, f"Install by hand: apt-get install {' '.join(wanted)}") from problem
