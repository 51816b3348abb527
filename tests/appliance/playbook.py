"""Runs the operator's playbooks over SSH, as the README describes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .client import Appliance

ROOT = Path(__file__).resolve().parents[2]


def run_playbook(
    appliance: Appliance, folder: Path, name: str, archive: Path, options: Sequence[str] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook of playbooks/ on the machine with a release archive and role variables.

    Its inventory is written to `folder`. `options` are those of ansible-playbook.
    """
    inventory = folder / "inventory.yml"
    # All machines have one name there. A connection that Ansible itself keeps open would be found by this name alone.
    inventory.write_text(
        "all:\n  hosts:\n    soniquebay:\n"
        f"      ansible_ssh_args: -F {appliance.machine.ssh_config}\n"
        "      ansible_ssh_transfer_method: piped\n"
    )
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", inventory, f"playbooks/{name}"]
    command += ["-e", json.dumps({"release_archive": str(archive), **variables}), *options]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_NOCOLOR": "1",
    }
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1800)


def recap(result: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Return the numbers of a playbook's recap, by name as `changed`; fail when the playbook failed."""
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    numbers = re.findall(r"(\w+)=(\d+)", result.stdout.rpartition("PLAY RECAP")[2])
    return {name: int(count) for name, count in numbers}
