"""Runs commands as root, by sudo unless this process is root already."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from .errors import ActionableError
from .paths import ROOT, cache_home, data_home

_PRESERVED_VARIABLES = ("SOURCE_DATE_EPOCH", "TERM", "COLUMNS", "SIGN_KEY", "SSH_AUTH_SOCK")
_PRESERVED_PREFIXES = ("SONIQUEBAY_", "PIP_", "UV_", "SSL_CERT_", "DOCKER_")


def is_root() -> bool:
    """Tell whether this process runs as root."""
    return os.geteuid() == 0


def as_root(command: Sequence[str]) -> list[str]:
    """Return the command, behind sudo unless this process is root; raises `ActionableError` when there is no sudo."""
    if is_root():
        return list(command)
    sudo = shutil.which("sudo")
    if sudo is None:
        raise ActionableError("This needs root, and sudo is not installed.", "Install sudo, or run it as root.")
    return [sudo, *command]


def run_verb_as_root(*arguments: str) -> None:
    """Run `python -m image` as root with this user's cache, keys and settings; raises `SystemExit` when it fails."""
    # by name, without values: an index URL may hold a password, and every user sees the arguments of a command
    preserved = [name for name in os.environ if name in _PRESERVED_VARIABLES or name.startswith(_PRESERVED_PREFIXES)]
    command = as_root(
        [
            *([f"--preserve-env={','.join(preserved)}"] if preserved and not is_root() else []),
            "env",
            f"XDG_CACHE_HOME={cache_home().parent}",
            f"XDG_DATA_HOME={data_home().parent}",
            f"PYTHONPATH={ROOT}",
            "PYTHONDONTWRITEBYTECODE=1",
            sys.executable,
            "-m",
            "image",
            *arguments,
        ]
    )
    status = subprocess.run(command, check=False).returncode
    if status:
        raise SystemExit(status)
