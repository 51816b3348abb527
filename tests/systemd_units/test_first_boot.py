"""`first-boot` of the role base: when a boot needs no cloud-init, and when cloud-init has to start again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.roles.rendering import rendered

COMMANDS = {"systemctl": 'echo "systemctl $*"', "findmnt": "echo /dev/vda2", "cloud-init": 'echo "cloud-init $*"'}


class Card:
    """The script, with a folder as the root of the machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = folder / "var/lib/cloud/instance/soniquebay-kept"
        self.text = rendered()["default"]["base"]["/usr/local/lib/soniquebay/first-boot"]["content"]
        for name in (
            "/boot/firmware",
            "/var/lib/cloud",
            "/etc/cloud",
            "/run/cloud-init",
            "/sys/class/block",
            "/etc/soniquebay",
            "/run/soniquebay.env",
        ):
            assert name in self.text
            self.text = self.text.replace(name, f"{folder}{name}")
        (folder / "bin").mkdir()
        (folder / "run").mkdir()
        for name, line in COMMANDS.items():
            (folder / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
            (folder / "bin" / name).chmod(0o755)
        self.write("sys/class/block/vda/size", "12582912\n")
        self.write("sys/class/block/vda/vda2/partition", "2\n")
        (folder / "sys/class/block/vda2").symlink_to("vda/vda2")
        self.write("var/lib/cloud/instances/one/cloud-config.txt", "")
        (folder / "var/lib/cloud/instance").symlink_to("instances/one")
        (folder / "var/lib/cloud/scripts/per-boot").mkdir(parents=True)
        self.write("etc/cloud/cloud.cfg", "cloud_init_modules:\n  - bootcmd\n")
        self.write("etc/cloud/cloud.cfg.d/99.cfg", "growpart:\n")
        self.write("boot/firmware/user-data", "#cloud-config\nhostname: here\n")
        self.write("boot/firmware/meta-data", "instance-id: one\n")
        self.write("etc/soniquebay/soniquebay.env", "SONIQUEBAY_ONLINE=on\n")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, verb: str) -> str:
        environment = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-c", self.text, "sh", verb], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def boots_without_cloud_init(self) -> bool:
        """Boot, and tell whether cloud-init stayed out of it; otherwise it runs to its end."""
        mark = self.folder / "run/cloud-init/disabled"
        mark.unlink(missing_ok=True)
        if self.kept.exists():  # the unit's condition
            self.run("compare")
        if mark.exists():
            return True
        self.run("begin")
        self.write("var/lib/cloud/instance/boot-finished", "")
        self.run("end")
        return False


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


def test_only_the_first_boot_runs_cloud_init(card: Card) -> None:
    assert [card.boots_without_cloud_init() for _ in range(3)] == [False, True, True]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("boot/firmware/user-data", "#cloud-config\nhostname: there\n"),
        ("boot/firmware/meta-data", "instance-id: two\n"),
        ("boot/firmware/network-config", "version: 2\n"),
        ("boot/firmware/vendor-data", "#cloud-config\n"),
        ("etc/cloud/cloud.cfg.d/99.cfg", "growpart: false\n"),
        ("sys/class/block/vda/size", "25165824\n"),
    ],
)
def test_a_change_runs_cloud_init_once_more(card: Card, name: str, text: str) -> None:
    card.boots_without_cloud_init()
    card.write(name, text)
    assert [card.boots_without_cloud_init() for _ in range(3)] == [False, True, True]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("boot/firmware/user-data", "#cloud-config\nbootcmd:\n- true\n"),
        ("boot/firmware/user-data", '#cloud-config\n{"bootcmd": ["true"]}\n'),
        ("boot/firmware/user-data", "#!/bin/sh\ntrue\n"),
        ("boot/firmware/vendor-data", "#include\nhttp://example.org\n"),
        ("etc/cloud/cloud.cfg.d/50.cfg", "bootcmd: [true]\n"),
        ("var/lib/cloud/scripts/per-boot/each", "#!/bin/sh\n"),
    ],
)
def test_a_request_for_every_boot_runs_cloud_init_at_every_boot(card: Card, name: str, text: str) -> None:
    card.write(name, text)
    assert [card.boots_without_cloud_init() for _ in range(3)] == [False, False, False]


def test_an_interrupted_first_boot_starts_again(card: Card) -> None:
    assert "cloud-init clean" in card.run("begin")
    card.run("end")
    assert not card.kept.exists()  # cloud-init had not finished
    card.boots_without_cloud_init()
    assert card.run("begin") == ""


def test_the_api_restarts_when_cloud_init_has_changed_its_settings(card: Card) -> None:
    assert card.boots_without_cloud_init() is False
    assert "try-restart" not in card.run("end")
    card.run("begin")
    card.write("etc/soniquebay/soniquebay.env", "SONIQUEBAY_ONLINE=off\n")
    assert "systemctl --no-block try-restart soniquebay-api.service" in card.run("end")
