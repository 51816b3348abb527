"""Root, where it is needed and only there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from .errors import ActionableError
from .paths import ROOT, cache_home

_KEPT = ("SOURCE_DATE_EPOCH", "TERM", "COLUMNS")
_KEPT_PREFIXES = ("SONIQUEBAY_", "PIP_", "UV_", "SSL_CERT_", "DOCKER_")


def is_root() -> bool:
    """Whether nothing has to be asked for."""
    return os.geteuid() == 0


def as_root(command: Sequence[str]) -> list[str]:
    """The command, behind sudo if need be."""
    if is_root():
        return list(command)
    sudo = shutil.which("sudo")
    if sudo is None:
        raise ActionableError("This needs root, and there is no sudo.", "Install sudo, or run it as root.")
    return [sudo, *command]


def own_verb_as_root(*arguments: str) -> None:
    """Run one of our own verbs as root, with this user's cache and settings."""
    # by name: the address of a package index may hold a password, and everybody sees a command's arguments
    kept = [name for name in os.environ if name in _KEPT or name.startswith(_KEPT_PREFIXES)]
    command = as_root(
        [
            *([f"--preserve-env={','.join(kept)}"] if kept and not is_root() else []),
            "env",
            f"XDG_CACHE_HOME={cache_home().parent}",
            f"PYTHONPATH={ROOT}",
            "PYTHONDONTWRITEBYTECODE=1",
            sys.executable,
            "-m",
            "image",
            *arguments,
        ]
    )
    code = subprocess.run(command, check=False).returncode
    if code:
        raise SystemExit(code)
