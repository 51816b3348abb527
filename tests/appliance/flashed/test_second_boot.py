"""Every boot but the first. Last of all, for nothing of the first one is left after it."""

from __future__ import annotations

from ..client import Appliance, until

BOOT = "cat /proc/sys/kernel/random/boot_id"


def test_it_boots_again_without_cloud_init_and_with_all_it_had(appliance: Appliance) -> None:
    before = {track["id"] for track in appliance.all_of("/api/tracks")}
    boot = appliance.run(BOOT)
    appliance.machine.ssh("sudo systemctl reboot")
    until("it has booted again", lambda: appliance.machine.ssh(BOOT).stdout.strip() not in {"", boot.strip()})
    appliance.healthy()
    until("all has started", lambda: appliance.machine.ssh("systemctl is-system-running").stdout.strip() == "running")
    assert (
        appliance.run("test -e /run/cloud-init/disabled; systemctl show -P ActiveState cloud-init-main") == "inactive\n"
    )
    assert {track["id"] for track in appliance.all_of("/api/tracks")} == before
    for program in ("api", "worker"):
        appliance.starts_without_trouble(program)
    assert not any(appliance.restarts().values())
