"""The operator's upgrade: to the next version, and back from ones that are no good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .appliance import Appliance
from .releases import variant, write_checksum

pytestmark = pytest.mark.image

ROOT = Path(__file__).resolve().parents[2]
NEXT, BROKEN, WRONG = "99.0.1", "99.0.2", "99.0.3"


def upgrade(appliance: Appliance, folder: Path, archive: Path) -> subprocess.CompletedProcess[str]:
    """Run the playbook as the README says."""
    inventory = folder / "inventory.yml"
    inventory.write_text(
        "all:\n  hosts:\n    soniquebay:\n"
        f"      ansible_ssh_common_args: -F {appliance.machine.ssh_config}\n"
        "      ansible_ssh_transfer_method: piped\n"
    )
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", inventory, "playbooks/upgrade.yml"]
    command += ["-e", f"release_archive={archive}"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1800)


def state(appliance: Appliance) -> dict[str, Any]:
    """What would change if anything was touched."""
    said = appliance.run(
        "readlink /opt/soniquebay/current; ls -A /opt/soniquebay /opt/soniquebay/releases;"
        "systemctl show -P MainPID soniquebay-api.service soniquebay-worker.service"
    )
    return {"machine": said, "version": appliance.healthy()["version"]}


def test_an_archive_with_a_wrong_checksum_touches_nothing(appliance: Appliance, tmp_path: Path) -> None:
    archive = variant(tmp_path, WRONG)
    write_checksum(archive, "0" * 64)
    before = state(appliance)
    done = upgrade(appliance, tmp_path, archive)
    assert done.returncode != 0
    assert "Nothing was touched" in done.stdout
    assert state(appliance) == before


def test_to_the_next_version(appliance: Appliance, tmp_path: Path) -> None:
    before = state(appliance)
    done = upgrade(appliance, tmp_path, variant(tmp_path, NEXT))
    assert done.returncode == 0, done.stdout[-4000:]
    assert appliance.healthy()["version"] == NEXT != before["version"]
    said = appliance.run("readlink /opt/soniquebay/current; soniquebay version; ls /opt/soniquebay/releases")
    assert said.split()[0] == f"releases/{NEXT}"
    assert before["version"] in said.split()  # the way back


def test_a_broken_release_is_flipped_back(appliance: Appliance, tmp_path: Path) -> None:
    before = appliance.healthy()["version"]
    done = upgrade(appliance, tmp_path, variant(tmp_path, BROKEN, broken=True))
    assert done.returncode != 0
    assert f"Release {before} is running again and healthy" in " ".join(done.stdout.split())
    assert appliance.healthy()["version"] == before
    said = appliance.run("readlink /opt/soniquebay/current; systemctl list-units --failed --plain --no-legend")
    assert said.split() == [f"releases/{before}"]
