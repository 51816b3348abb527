"""The Debian packages that a release needs."""

import os
import subprocess
from collections.abc import Sequence

import click

APT_TIMEOUT_SECONDS = 1800
MAX_TOLD_CHARACTERS = 500


def missing(names: Sequence[str]) -> list[str]:
    """Return the packages that are not installed."""
    if not names:
        return []
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *names],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def install(names: Sequence[str]) -> None:
    """Install packages from the archive of Debian. Raises ``click.ClickException`` with what to do."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "--quiet", "update"],
        ["apt-get", "--quiet", "--yes", "--no-install-recommends", "install", *names],
    ):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            timeout=APT_TIMEOUT_SECONDS,
        )  # fmt: skip
        if done.returncode:
            told = (done.stdout + done.stderr).strip()[-MAX_TOLD_CHARACTERS:]
            raise click.ClickException(
                f"the release needs {', '.join(names)}, and {' '.join(command[:4])} failed: {told}. "
                "Connect the machine to the internet, or install them, then upgrade"
            )
