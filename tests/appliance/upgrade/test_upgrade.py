"""The operator's upgrade: to the next version by Molecule's converge, and back from releases that do not work."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from image import release
from soniquebay.library.database import migrations
from soniquebay.releases.journal import ENDS
from tests.support.ssh_keys import make_key, sign

from ..client import NO_ENTRIES, OWNER, Appliance, wait_for
from ..playbook import run_playbook
from ..releases import DATA_LOSS_SQL, NEW_TABLE_SQL, build_variant, write_checksum
from ..snapshot import FILE_NAME, SYSTEM_FILE_NAME, take_snapshot, take_system_snapshot

VERSION, TAMPERED_VERSION, FOREIGN_VERSION = "99.0.1", "99.0.2", "99.0.7"
PAGE_VERSION = "99.1"
DATA_FOLDER = "/var/lib/soniquebay"
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def installation_state(appliance: Appliance) -> dict[str, Any]:
    """Return what any change to the installation would change."""
    installed = appliance.run(
        "readlink /opt/soniquebay/current; ls -A /opt/soniquebay /opt/soniquebay/releases;"
        "systemctl show -P MainPID soniquebay-api.service soniquebay-worker.service"
    )
    return {"machine": installed, "version": appliance.healthy()["version"]}


def test_the_next_version_runs_and_the_library_is_kept(appliance: Appliance) -> None:
    """`converge` has run the upgrade."""
    assert appliance.healthy()["version"] == VERSION
    words = appliance.run("readlink /opt/soniquebay/current; soniquebay version; ls /opt/soniquebay/releases").split()
    assert words[0] == f"releases/{VERSION}"
    assert release.version_of(release.APP) in words  # the release before it is still installed
    before = json.loads((Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / FILE_NAME).read_text())
    assert before["user"]["name"] == OWNER["name"]
    assert take_snapshot(appliance, before["cookie"]) == before


def test_an_upgraded_machine_is_what_would_have_been_flashed(appliance: Appliance) -> None:
    """The image is that of the release, but for its version; `prepare` made its system older after the snapshot."""
    flashed = (Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / SYSTEM_FILE_NAME).read_text().splitlines()
    now = take_system_snapshot(appliance)
    assert [line for line in now if line not in flashed] == []
    assert [line for line in flashed if line not in now] == []


def test_the_schema_is_migrated_and_the_copy_of_the_old_library_is_removed(appliance: Appliance) -> None:
    query = f"import sqlite3; db = sqlite3.connect('file:{DATA_FOLDER}/library.db?mode=ro', uri=True); "
    query += "print(*db.execute('PRAGMA user_version').fetchone())"
    query += "; print(*db.execute('SELECT count(*) FROM next_release').fetchone())"
    version, rows, *files = appliance.run(f'python3 -c "{query}"; ls {DATA_FOLDER}').split()
    assert (int(version), rows) == (len(migrations()) + 1, "0")
    assert "library.db" in files
    assert not [name for name in files if "schema-" in name]


def test_an_archive_with_a_wrong_checksum_changes_nothing(appliance: Appliance, tmp_path: Path) -> None:
    archive = build_variant(tmp_path, TAMPERED_VERSION)
    write_checksum(archive, "0" * 64)
    before = installation_state(appliance)
    result = run_playbook(appliance, tmp_path, "upgrade.yml", archive)
    assert result.returncode != 0
    assert "Nothing was touched" in result.stdout
    assert installation_state(appliance) == before


def test_an_archive_that_is_signed_with_an_unknown_key_changes_nothing(appliance: Appliance, tmp_path: Path) -> None:
    archive = build_variant(tmp_path, FOREIGN_VERSION)
    sign(archive, make_key(tmp_path / "key"))
    before = installation_state(appliance)
    result = run_playbook(appliance, tmp_path, "upgrade.yml", archive)
    assert result.returncode != 0
    assert f"which release {VERSION} does not trust" in " ".join(result.stdout.split())
    assert installation_state(appliance) == before


@pytest.mark.parametrize(
    ("version", "broken", "reason"),
    [
        ("99.0.3", "api/server.py", "is not healthy after 180 s"),
        ("99.0.4", "worker/main.py", "is not healthy after 180 s"),
        ("99.0.6", "audio/analysis.py", "fails its check: the worker cannot analyse the sound of a FLAC file: Runtime"),
    ],
    ids=["API", "worker", "analysis"],
)
def test_a_release_whose_program_fails_is_rolled_back(
    appliance: Appliance, tmp_path: Path, version: str, broken: str, reason: str
) -> None:
    before, snapshot = appliance.healthy()["version"], take_snapshot(appliance, appliance.cookie())
    archive = build_variant(tmp_path, version, schema=[NEW_TABLE_SQL, DATA_LOSS_SQL], broken=broken)
    result = run_playbook(appliance, tmp_path, "upgrade.yml", archive)
    assert result.returncode != 0
    printed = " ".join(result.stdout.split())
    assert f"release {version} {reason}" in printed
    assert f"release {before} runs again, with the library as it was" in printed
    assert appliance.healthy()["version"] == before == VERSION
    state = appliance.run("readlink /opt/soniquebay/current; systemctl list-units --failed --plain --no-legend")
    assert state.split() == [f"releases/{before}"]
    assert take_snapshot(appliance, snapshot["cookie"]) == snapshot
    # after three minutes, as the README says, and before the start timeout of the worker, which waits for the API
    start_timeouts = "journalctl -b -q --no-pager -o cat -u soniquebay-worker.service -g 'start operation timed out'"
    assert appliance.try_run(start_timeouts) == NO_ENTRIES


def test_a_release_on_a_drive_is_offered_and_installed_by_the_page(appliance: Appliance, tmp_path: Path) -> None:
    before, system = take_snapshot(appliance, appliance.cookie()), take_system_snapshot(appliance)
    archive = build_variant(tmp_path, PAGE_VERSION, schema=[NEW_TABLE_SQL])
    for file in (archive, archive.with_name(f"{archive.name}.sig")):
        appliance.machine.scp(file, f"/tmp/{file.name}")
        appliance.run(f"install -m 0644 /tmp/{file.name} /srv/music/ && rm /tmp/{file.name}")

    def last_upgrade() -> dict[str, Any]:
        answer = appliance.http("/api/updates", cookies=cookie)
        upgrades: list[dict[str, Any]] = answer.json["upgrades"] if answer.status == 200 else [{}]
        return upgrades[0]

    cookie = appliance.cookie()
    (offer,) = appliance.http("/api/updates", cookies=cookie).json["offers"]
    assert (offer["version"], offer["state"], offer["place"]) == (PAGE_VERSION, "newer", "drive")
    origin = {"Origin": appliance.machine.url("http")}
    asked = appliance.http("/api/updates/install", "POST", json={"path": offer["path"]}, headers=origin, cookies=cookie)
    assert asked.status == 202, asked
    wait_for("the upgrade", lambda: last_upgrade().get("new") == PAGE_VERSION)
    ended = wait_for("its end", lambda: (last := last_upgrade()).get("step") in ENDS and last)
    assert (ended["old"], ended["step"], ended["reason"]) == (VERSION, "finished", "")
    assert appliance.healthy()["version"] == PAGE_VERSION
    assert take_snapshot(appliance, before["cookie"]) == before
    assert take_system_snapshot(appliance) == system
    assert appliance.run("systemctl list-units --failed --plain --no-legend") == ""
    appliance.run(f"rm /srv/music/{archive.name}*")


def test_an_upgrade_that_loses_its_power_is_ended_by_the_next_boot(appliance: Appliance, tmp_path: Path) -> None:
    before, snapshot = appliance.healthy()["version"], take_snapshot(appliance, appliance.cookie())
    archive = build_variant(tmp_path, "99.0.5", schema=[NEW_TABLE_SQL, DATA_LOSS_SQL], broken="worker/main.py")

    def last_upgrade() -> dict[str, Any]:
        upgrades: list[dict[str, Any]] = json.loads(appliance.run("soniquebay release list --json"))["upgrades"]
        return upgrades[-1]

    def copies() -> str:
        return appliance.run(f"find {DATA_FOLDER} -name '*.db.schema-*'")

    with ThreadPoolExecutor(1) as pool:
        playbook = pool.submit(run_playbook, appliance, tmp_path, "upgrade.yml", archive)
        wait_for("the switch", lambda: playbook.done() or (last_upgrade()["new"] == "99.0.5" and copies()), pause=1)
        assert not playbook.done(), playbook.result().stdout
        boot_id = appliance.run(f"cat {BOOT_ID}").strip()
        # at once, and without writing anything to the disk
        appliance.machine.ssh("sudo sh -c 'echo 1 >/proc/sys/kernel/sysrq; echo b >/proc/sysrq-trigger'")
        assert playbook.result().returncode != 0
    wait_for("the next boot", lambda: appliance.machine.ssh(f"cat {BOOT_ID}").stdout.strip() not in {"", boot_id})
    ended = wait_for("the end of the upgrade", lambda: (last := last_upgrade())["step"] == "undone" and last)
    assert ended["reason"].startswith("release 99.0.5 is not healthy after 180 s")
    assert appliance.healthy()["version"] == before
    assert not copies()
    assert take_snapshot(appliance, snapshot["cookie"]) == snapshot
