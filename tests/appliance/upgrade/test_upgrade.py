"""The operator's upgrade: to the next version, by Molecule's converge, and back from ones that are no good."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from image import release
from soniquebay.library.database import migrations

from ..client import NOT_FOUND, Appliance
from ..playbook import play
from ..releases import LOSS, NEXT, variant, write_checksum
from ..snapshot import FILE_NAME, take_snapshot

VERSION, WRONG = "99.0.1", "99.0.2"
FOLDER = "/var/lib/soniquebay"


def state(appliance: Appliance) -> dict[str, Any]:
    """What would change if anything was touched."""
    said = appliance.run(
        "readlink /opt/soniquebay/current; ls -A /opt/soniquebay /opt/soniquebay/releases;"
        "systemctl show -P MainPID soniquebay-api.service soniquebay-worker.service"
    )
    return {"machine": said, "version": appliance.healthy()["version"]}


def test_the_next_version_runs(appliance: Appliance) -> None:
    """What `converge` has done."""
    assert appliance.healthy()["version"] == VERSION
    said = appliance.run("readlink /opt/soniquebay/current; soniquebay version; ls /opt/soniquebay/releases").split()
    assert said[0] == f"releases/{VERSION}"
    assert release.version_of(release.APP) in said  # the way back
    assert take_snapshot(appliance) == json.loads(
        (Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / FILE_NAME).read_text()
    )


def test_its_schema_is_the_new_one_and_no_copy_of_the_old_is_left(appliance: Appliance) -> None:
    ask = f"import sqlite3; ask = sqlite3.connect('file:{FOLDER}/library.db?mode=ro', uri=True).execute; "
    ask += "print(*ask('PRAGMA user_version').fetchone(), *ask('SELECT count(*) FROM next_release').fetchone())"
    version, rows, *files = appliance.run(f'python3 -c "{ask}"; ls {FOLDER}').split()
    assert (int(version), rows) == (len(migrations()) + 1, "0")
    assert "library.db" in files
    assert not [name for name in files if "schema-" in name]


def test_an_archive_with_a_wrong_checksum_touches_nothing(appliance: Appliance, tmp_path: Path) -> None:
    archive = variant(tmp_path, WRONG)
    write_checksum(archive, "0" * 64)
    before = state(appliance)
    done = play(appliance, tmp_path, "upgrade.yml", archive)
    assert done.returncode != 0
    assert "Nothing was touched" in done.stdout
    assert state(appliance) == before


@pytest.mark.parametrize(
    ("version", "broken"), [("99.0.3", "api/server.py"), ("99.0.4", "worker/main.py")], ids=["API", "worker"]
)
def test_a_release_whose_program_dies_is_flipped_back(
    appliance: Appliance, tmp_path: Path, version: str, broken: str
) -> None:
    before, all_of_it = appliance.healthy()["version"], take_snapshot(appliance)
    done = play(appliance, tmp_path, "upgrade.yml", variant(tmp_path, version, schema=[NEXT, LOSS], broken=broken))
    assert done.returncode != 0
    assert f"Release {before} is running again and healthy" in " ".join(done.stdout.split())
    assert appliance.healthy()["version"] == before == VERSION
    said = appliance.run("readlink /opt/soniquebay/current; systemctl list-units --failed --plain --no-legend")
    assert said.split() == [f"releases/{before}"]
    assert take_snapshot(appliance) == all_of_it
    # after three minutes, as the README says, and not when the worker has given up waiting for such an API
    gave_up = "journalctl -b -q --no-pager -o cat -u soniquebay-worker.service -g 'start operation timed out'"
    assert appliance.try_run(gave_up) == NOT_FOUND
