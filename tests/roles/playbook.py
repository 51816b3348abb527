"""Run playbooks on this machine: connection local, no root, and a stand-in for systemctl."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = ROOT / "roles"
ROLE_NAMES = sorted(path.name for path in ROLES.iterdir() if (path / "meta").is_dir())

# Answers as systemd does for a unit that runs.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>"{log}"
case "$*" in *"show "*) printf 'LoadState=loaded\\nActiveState=active\\n' ;; esac
"""


def load(path: Path) -> Any:
    """Return what a YAML file holds."""
    return yaml.safe_load(path.read_text())


class LocalMachine:
    """This machine as the target of a playbook, with a log of the calls of systemctl."""

    def __init__(self, folder: Path, *, inventory: dict[str, Any] | None = None, roles: Path = ROLES) -> None:
        self.folder = folder
        self.roles = roles
        self.inventory = folder / "inventory.yml"
        self.have(inventory or {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}})
        self.log = folder / "systemctl.log"
        programs = folder / "programs"
        programs.mkdir()
        (programs / "systemctl").write_text(SYSTEMCTL.format(log=self.log))
        (programs / "systemctl").chmod(0o755)
        self.path = f"{programs}:{os.environ['PATH']}"

    def have(self, inventory: dict[str, Any]) -> None:
        """Write the inventory of what is played from now on."""
        self.inventory.write_text(yaml.safe_dump(inventory))

    def play(self, *plays: dict[str, Any], options: list[str] | None = None, **variables: Any) -> str:
        """Run plays and return what Ansible printed; fails when they fail."""
        done = self.try_play(*plays, options=options, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def try_play(
        self, *plays: dict[str, Any], options: list[str] | None = None, **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run plays that may fail."""
        playbook = self.folder / "playbook.yml"
        common = {"hosts": "localhost", "gather_facts": False}
        playbook.write_text(yaml.safe_dump([common | play for play in plays], sort_keys=False))
        return self.try_run(playbook, options=options, **variables)

    def try_run(
        self, playbook: Path, options: list[str] | None = None, **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a playbook that may fail."""
        extra = self.folder / "variables.yml"
        extra.write_text(yaml.safe_dump(variables))
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            str(self.inventory),
            "-e",
            f"@{extra}",
        ]
        environment = {
            **os.environ,
            "PATH": self.path,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(self.roles),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "ansible"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
        }
        return subprocess.run(
            [*command, *(options or []), str(playbook)],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def restarts(self) -> int:
        """Return how often SoniqueBay was restarted."""
        return self.log.read_text().splitlines().count("restart soniquebay.target") if self.log.exists() else 0
