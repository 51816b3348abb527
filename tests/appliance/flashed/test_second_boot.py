"""Every boot but the first. This file is the last one: a reboot ends what the other files test."""

from __future__ import annotations

from ..client import Appliance, wait_for

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def test_a_second_boot_skips_cloud_init_and_keeps_the_library(appliance: Appliance) -> None:
    before = {track["id"] for track in appliance.all_items("/api/tracks")}
    boot_id = appliance.run(BOOT_ID)
    appliance.machine.ssh("sudo systemctl reboot")
    wait_for("the reboot", lambda: appliance.machine.ssh(BOOT_ID).stdout.strip() not in {"", boot_id.strip()})
    appliance.healthy()
    wait_for(
        "all has started", lambda: appliance.machine.ssh("systemctl is-system-running").stdout.strip() == "running"
    )
    assert (
        appliance.run("test -e /run/cloud-init/disabled; systemctl show -P ActiveState cloud-init-main") == "inactive\n"
    )
    assert {track["id"] for track in appliance.all_items("/api/tracks")} == before
    for program in ("api", "worker"):
        appliance.assert_first_start_without_errors(program)
    assert not any(appliance.restarts().values())
