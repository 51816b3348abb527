"""The first boot of a card in a Pi without a network cable and without the time."""

from __future__ import annotations

import json
from typing import Any

from image.bootcheck.card import Card

from ..client import Appliance

DEVICE_KEY = "/var/lib/soniquebay/device.key"


def test_the_machine_booted_in_1970_and_has_no_network(host: Any, appliance: Appliance) -> None:
    """The other tests of this file rely on that."""
    assert host.run("journalctl -b -k -q --no-pager -o cat -g 'setting system clock to 1970-01-01'").stdout
    assert host.run("getent hosts deb.debian.org").rc != 0
    # 10.0.2.2 is the host in an unrestricted user network, and the forwarded port is open there
    assert host.run(f"timeout 5 bash -c '</dev/tcp/10.0.2.2/{appliance.machine.access.ports['http']}'").rc != 0


def test_all_units_had_started_before_the_cable_was_plugged_in(host: Any) -> None:
    def time_of(unit: str, message: str) -> int:
        line = host.check_output(f"journalctl -b -q --no-pager -o json -u {unit} -g '{message}' | head -n 1")
        return int(json.loads(line)["__MONOTONIC_TIMESTAMP"])

    assert time_of("soniquebay.target", "^Reached target") < time_of("systemd-networkd", "eth0: Gained carrier")


def test_no_program_was_restarted(appliance: Appliance) -> None:
    """A program that is restarted at once never counts as failed."""
    assert not any(appliance.restarts().values()), appliance.restarts()


def test_the_clock_is_not_older_than_the_image(host: Any, card: Card) -> None:
    clock = "/var/lib/systemd/timesync/clock"
    assert int(host.check_output("date +%s")) >= card.modification_time(clock) > 1_700_000_000


def test_the_root_file_system_fills_the_card(host: Any) -> None:
    sizes = host.check_output(
        "root=$(findmnt -nvo SOURCE /); disk=/dev/$(lsblk -no PKNAME $root);"
        "lsblk -bdno SIZE $disk; lsblk -bdno SIZE $root; df -B1 --output=size / | tail -1"
    )
    disk, partition, filesystem = map(int, sizes.split())
    boot = 600 * 2**20
    assert partition > disk - boot
    assert filesystem > 0.9 * partition


def test_the_machine_has_made_its_own_identity(host: Any) -> None:
    output = host.check_output(f"ls /etc/ssh/ssh_host_*_key; cat /etc/machine-id; stat -c '%a %U %s' {DEVICE_KEY}")
    lines = output.splitlines()
    assert lines[0] == "/etc/ssh/ssh_host_ed25519_key"
    assert len(lines[1]) == 32
    assert lines[2] == "600 soniquebay-api 32"


def test_every_first_boot_makes_another_key(appliance: Appliance) -> None:
    """The API starts twice more without one here. The card itself has no key (test_image.py)."""
    keys = appliance.run(
        f"sha256sum < {DEVICE_KEY}; mv {DEVICE_KEY} {DEVICE_KEY}.saved;"
        f"for boot in 1 2; do"
        f"  systemctl restart soniquebay-api.service; sha256sum < {DEVICE_KEY}; rm {DEVICE_KEY};"
        f"done;"
        f"mv {DEVICE_KEY}.saved {DEVICE_KEY}; systemctl restart soniquebay-api.service"
    ).split()
    assert len(set(keys) - {"-"}) == 3
