"""Runs Ansible of this Python environment."""

from __future__ import annotations

import sys
from pathlib import Path

from . import cache
from .errors import ActionableError
from .paths import ROOT, cache_home

INPUT_PATHS = ("roles", "playbooks", "ansible.cfg")


def inputs_digest() -> str:
    """Return the digest of the roles and playbooks."""
    return cache.digest(*(ROOT / name for name in INPUT_PATHS), Path(__file__))


def program() -> Path:
    """Return the path of ansible-playbook. Raises `ActionableError` when there is none."""
    found = Path(sys.executable).with_name("ansible-playbook")
    if not found.exists():
        raise ActionableError("ansible-playbook is not in the Python environment.", "Run: make image")
    return found


def environment() -> dict[str, str]:
    """Return variables that keep the settings of this machine's user out of what is built."""
    home = cache_home() / "ansible"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "PATH": f"{program().parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(home),
        "ANSIBLE_FORCE_COLOR": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
