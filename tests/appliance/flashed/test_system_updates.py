"""Debian's updates on the image: the timer of the security updates, and the hook that fills the boot partition."""

from __future__ import annotations

import json
from typing import Any

from ..client import Appliance

HOOK = "/etc/kernel/postinst.d/z50-raspi-firmware"
RUN_HOOK = f"DEB_MAINT_PARAMS=configure {HOOK}"
CUSTOM = "/etc/default/raspi-firmware-custom"


def test_only_the_timer_of_ours_installs_anything(host: Any) -> None:
    assert host.service("soniquebay-security-updates.timer").is_enabled
    for unit in ("apt-daily.timer", "apt-daily-upgrade.timer", "unattended-upgrades.service"):
        assert host.check_output(f"systemctl show -P LoadState {unit}") == "masked"
    origins = host.check_output("apt-config dump Unattended-Upgrade::Origins-Pattern")
    assert "trixie" not in origins  # a later Debian has its own
    assert "label=Debian-Security" in origins
    assert 'label=Debian"' not in origins


def test_a_run_without_the_internet_is_told_and_fails_nothing(appliance: Appliance, host: Any) -> None:
    host.run("systemctl reset-failed")
    appliance.run("soniquebay system security-updates --wait-minutes 0")
    told = appliance.api("/api/machine").json["system_updates"]
    # Another test may have listened within the last 15 minutes.
    assert told["result"] in {"unreachable", "postponed"}, told
    assert "security updates at " in appliance.run("soniquebay status")
    assert json.loads(appliance.run("soniquebay status --json"))["system_updates"] == told
    appliance.run("! soniquebay release list | grep -q prepared")


def test_the_hook_of_ours_runs_debians_and_leaves_nothing(appliance: Appliance) -> None:
    assert f"{HOOK}.distrib" in appliance.run(f"dpkg-divert --list {HOOK}")
    before = appliance.run("cat /boot/firmware/config.txt")
    appliance.run(RUN_HOOK)
    assert appliance.run("cat /boot/firmware/config.txt") == before
    appliance.run(f"echo '# another line' >>{CUSTOM}; {RUN_HOOK}")
    try:
        assert appliance.run("cat /boot/firmware/config.txt") == before.rstrip("\n") + "\n# another line\n"
        assert appliance.run("cat /boot/firmware/config.old") == before
        appliance.run(
            "v=$(uname -r); for f in vmlinuz initrd.img; do cmp /boot/$f-$v /boot/firmware/$f-$v; done;"
            "test ! -e /boot/firmware/soniquebay.new; test $(findmnt -no FSTYPE /boot/firmware) = vfat"
        )
    finally:
        appliance.run(f"sed -i '$d' {CUSTOM}; {RUN_HOOK}; rm /boot/firmware/config.old")
    assert appliance.run("cat /boot/firmware/config.txt") == before
