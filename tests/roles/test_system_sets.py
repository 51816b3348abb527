"""The system files that a release archive carries are those that the roles write."""

from __future__ import annotations

import json

import pytest

from image import system_sets, ui
from soniquebay.releases.system_files import FileSet

from .rendering import rendered

# Each starts Ansible.
pytestmark = pytest.mark.slow
# Only an image has them; a running machine has its own.
IMAGE_FILES = {
    "/boot/firmware/meta-data",
    "/boot/firmware/user-data",
    "/etc/machine-id",
    "/var/lib/systemd/timesync/clock",
}
OF_ANOTHER_MACHINE = "worker"  # a role for a worker of an appliance elsewhere
# The roles' files of a machine that was flashed.
OF_THE_MACHINE = {"/etc/hostname", "/etc/fstab", "/etc/ssh/sshd_config.d/60-soniquebay.conf"}


@pytest.fixture(scope="module")
def sets() -> dict[str, FileSet]:
    with ui.step("System files") as step:
        told = json.loads(system_sets.ensure(step).read_text())
    return {profile: FileSet.of(one) for profile, one in told.items()}


def test_a_flashed_machine_gets_every_file_that_its_image_has(sets: dict[str, FileSet]) -> None:
    roles = rendered()["default"].items()
    files = {path: entry for role, its in roles if role != OF_ANOTHER_MACHINE for path, entry in its.items()}
    assert set(sets["debian"].files) == set(files) - IMAGE_FILES
    for path, entry in sets["debian"].files.items():
        assert {**files[path], "edited": entry.get("edited")} == {"edited": None, **entry}, path


def test_each_profile_has_the_boot_files_of_its_firmware(sets: dict[str, FileSet]) -> None:
    assert "/etc/default/raspi-firmware" in sets["debian"].files
    assert "/boot/firmware/config.txt" not in sets["debian"].files
    assert "/boot/firmware/config.txt" in sets["raspios"].files
    assert "console=serial0" in sets["raspios"].files["/boot/firmware/cmdline.txt"]["content"]


def test_what_belongs_to_the_owner_stays(sets: dict[str, FileSet]) -> None:
    assert set(sets["debian"].files) >= OF_THE_MACHINE
    assert {sets["debian"].files[path]["edited"] for path in OF_THE_MACHINE} == {"keep"}
    assert not OF_THE_MACHINE & set(sets["site"].files)
    assert not [path for path in sets["site"].files if "raspi" in path or path.startswith("/boot")]


@pytest.mark.parametrize("profile", system_sets.PROFILES)
def test_every_command_is_for_a_file_and_every_unit_is_there(sets: dict[str, FileSet], profile: str) -> None:
    paths = tuple(sets["raspios"].files) + tuple(sets["debian"].files)
    for command in sets[profile].commands:
        assert all(any(path.startswith(begin) for path in paths) for begin in command["paths"]), command
    assert sets[profile].enabled == ["redis-server.service", "soniquebay.target"]
    assert {"python3", "redis-server"} <= set(sets[profile].packages)
