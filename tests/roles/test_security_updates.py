"""Which updates come by themselves, as the role writes it, and as apt and unattended-upgrades read it."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from soniquebay.system_updates import packages
from tests.support import debian_package

from .debian_root import Debian
from .rendering import render, rendered

SETTINGS = "/etc/apt/apt.conf.d/52soniquebay-security"
# The program of the package over another root. What it takes from the machine itself is replaced.
RUN_UNATTENDED_UPGRADE = """
import importlib.machinery, importlib.util, sys, types
program, root = sys.argv[1:3]
sys.path.insert(0, sys.argv[3])
loader = importlib.machinery.SourceFileLoader("program", program)
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("program", loader))
loader.exec_module(module)
module.LOCK_FILE, module.PROGRESS_LOG = root + "/lock", root + "/progress"
options = types.SimpleNamespace(debug=False, apt_debug=False, verbose=True, dry_run=False, download_only=False)
options.minimal_upgrade_steps = True
raise SystemExit(module.main(options, rootdir=root))
"""
LSB_RELEASE = "#!/bin/sh\ncase $1 in -c) echo trixie ;; *) echo Debian ;; esac\n"
UNIT = "/etc/systemd/system/soniquebay-security-updates"


def configuration(folder: Path) -> dict[str, list[str]]:
    """Return what the real apt-config reads of a folder of settings: name -> values."""
    printed = subprocess.run(
        ["apt-config", "dump"],
        env={"PATH": "/usr/bin:/bin", "APT_CONFIG": str(folder / "first")},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'^(\S+) "(.*)";$', printed, re.M):
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.slow
def test_only_security_updates_come_by_themselves(tmp_path: Path) -> None:
    """Debian's own file, which is read before, also names the archive of all other updates."""
    parts = tmp_path / "parts"
    parts.mkdir()
    (tmp_path / "first").write_text(f'Dir::Etc::parts "{parts}";\nDir::Etc::main "/nowhere";\n')
    package = debian_package.of_the_image("unattended-upgrades")
    debians = (package / "usr/share/unattended-upgrades/50unattended-upgrades").read_text()
    (parts / "50unattended-upgrades").write_text(debians)
    origins = "Unattended-Upgrade::Origins-Pattern::"
    assert "origin=Debian,codename=${distro_codename},label=Debian" in configuration(tmp_path)[origins]
    (parts / Path(SETTINGS).name).write_text(rendered()["default"]["base"][SETTINGS]["content"])
    found = configuration(tmp_path)
    assert found[origins] == [
        "origin=Debian,codename=${distro_codename}-security,label=Debian-Security",
        "origin=Raspberry Pi Foundation,codename=${distro_codename}",
    ]
    assert found["Unattended-Upgrade::Package-Blacklist::"] == ["raspi-firmware$", "rpi-eeprom$"]
    assert found["Unattended-Upgrade::Automatic-Reboot"] == ["false"]


@pytest.mark.slow
def test_unattended_upgrade_takes_them_from_these_archives_alone(tmp_path: Path) -> None:
    """Debian's real unattended-upgrade, apt and dpkg, with archives that say what the real ones say of themselves."""
    origins: dict[str, dict[str, str]] = {
        "main": {"Origin": "Debian", "Label": "Debian", "Suite": "stable", "Codename": "trixie"},
        "updates": {"Origin": "Debian", "Label": "Debian", "Suite": "stable-updates", "Codename": "trixie-updates"},
        "security": {"Origin": "Debian", "Label": "Debian-Security", "Codename": "trixie-security"},
        "next": {"Origin": "Debian", "Label": "Debian-Security", "Codename": "forky-security"},
        "raspberrypi": {"Origin": "Raspberry Pi Foundation", "Label": "Raspberry Pi Foundation", "Codename": "trixie"},
    }
    debian = Debian(tmp_path, origins)
    names = {archive: f"of-{archive}" for archive in origins}
    for name in (*names.values(), "raspi-firmware", "rpi-eeprom"):
        debian.publish(name, "1.0")
    debian.run("apt-get", "update")
    debian.run("apt-get", "--yes", "install", *names.values(), "raspi-firmware", "rpi-eeprom")
    for archive, name in names.items():
        debian.publish(name, "2.0", archive=archive)
    debian.publish("raspi-firmware", "2.0", archive="security")
    debian.publish("rpi-eeprom", "2.0", archive="raspberrypi")
    debian.run("apt-get", "update")
    assert run_unattended_upgrade(debian) == 0
    updated = {name for name, version in debian.installed().items() if version == "2.0"}
    assert updated == {"of-security", "of-raspberrypi"}


def run_unattended_upgrade(debian: Debian) -> int:
    package = debian_package.of_the_image("unattended-upgrades")
    parts = debian.root / "etc/apt/apt.conf.d"
    for file in (package / "usr/share/unattended-upgrades").glob("50unattended-upgrades"):
        (parts / file.name).write_text(file.read_text())
    (parts / Path(SETTINGS).name).write_text(rendered()["default"]["base"][SETTINGS]["content"])
    (debian.root / "etc/apt/apt.conf").write_text(debian.settings)
    (debian.root / "usr/bin").mkdir(parents=True)
    (debian.root / "usr/bin/dpkg").symlink_to("/usr/bin/dpkg")  # python3-apt takes it from the root
    programs = debian.folder / "programs"
    programs.mkdir()
    (programs / "lsb_release").write_text(LSB_RELEASE)
    (programs / "lsb_release").chmod(0o755)
    modules = debian_package.of_the_image("python3-distro-info") / "usr/lib/python3/dist-packages"
    arguments: list[Any] = [package / "usr/bin/unattended-upgrade", debian.root, modules]
    done = subprocess.run(
        ["/usr/bin/python3", "-c", RUN_UNATTENDED_UPGRADE, *arguments],  # which has Debian's python3-apt
        env={**debian.environment, "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stdout + done.stderr)
    return done.returncode


def test_lists_that_cannot_be_fetched_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the real apt-get, which ends with 0 otherwise."""
    debian = Debian(tmp_path, {"main": {"Origin": "Debian"}})
    monkeypatch.setenv("APT_CONFIG", debian.environment["APT_CONFIG"])

    def refresh() -> str:
        return packages.refresh(lambda command: packages.run_command(command, lambda _: None))

    assert refresh() == ""
    with socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))
        port = refusing.getsockname()[1]
        (debian.root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] http://127.0.0.1:{port} trixie main\n")
        assert f"http://127.0.0.1:{port}" in refresh()


def test_hour_and_restart_are_settings() -> None:
    hosts = render({"late": {"base_security_updates_hour": 23, "base_security_updates_reboot": False}})
    default, late = rendered()["default"]["base"], hosts["late"]["base"]
    assert "OnCalendar=*-*-* 04:00:00\n" in default[f"{UNIT}.timer"]["content"]
    assert "OnCalendar=*-*-* 23:00:00\n" in late[f"{UNIT}.timer"]["content"]
    assert " security-updates --reboot " in default[f"{UNIT}.service"]["content"]
    assert "--reboot" not in late[f"{UNIT}.service"]["content"]


def test_a_first_boot_enables_the_timer_unless_a_setting_says_no() -> None:
    preset = "/etc/systemd/system-preset/99-soniquebay.preset"
    line = "enable soniquebay-security-updates.timer\n"
    off = render({"off": {"base_security_updates": False}})["off"]["base"][preset]["content"]
    assert line in rendered()["default"]["base"][preset]["content"]
    assert line not in off
    assert off.endswith("disable *\n")
