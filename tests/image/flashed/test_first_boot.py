"""The first boot of a card: without a network and without a clock, as in a Pi without a cable."""

from __future__ import annotations

import json
from typing import Any

from image.bootcheck.card import Card

from ..appliance import Appliance

SECRETS = "/var/lib/soniquebay-secrets/flower-password"


def test_it_was_switched_on_in_1970_and_reaches_nobody(host: Any, appliance: Appliance) -> None:
    """Else the tests of this file would prove less than they say."""
    assert host.run("journalctl -b -k -q --no-pager -o cat -g 'setting system clock to 1970-01-01'").stdout
    assert host.run("getent hosts deb.debian.org").rc != 0
    # 10.0.2.2 is where this machine's own ports are, without the restriction: the forwarded one is surely open
    assert host.run(f"timeout 5 bash -c '</dev/tcp/10.0.2.2/{appliance.machine.access.ports['http']}'").rc != 0


def test_all_had_started_before_its_cable_was_plugged_in(host: Any) -> None:
    def moment(unit: str, said: str) -> int:
        line = host.check_output(f"journalctl -b -q --no-pager -o json -u {unit} -g '{said}' | head -n 1")
        return int(json.loads(line)["__MONOTONIC_TIMESTAMP"])

    assert moment("soniquebay.target", "^Reached target") < moment("systemd-networkd", "eth0: Gained carrier")


def test_none_has_died_on_the_way(appliance: Appliance) -> None:
    """One that is started again at once never counts as failed."""
    assert not any(appliance.restarts().values()), appliance.restarts()


def test_the_clock_is_not_before_the_image(host: Any, card: Card) -> None:
    clock = "/var/lib/systemd/timesync/clock"
    assert int(host.check_output("date +%s")) >= card.modification_time(clock) > 1_700_000_000


def test_root_takes_the_whole_card(host: Any) -> None:
    sizes = host.check_output(
        "root=$(findmnt -nvo SOURCE /); disk=/dev/$(lsblk -no PKNAME $root);"
        "lsblk -bdno SIZE $disk; lsblk -bdno SIZE $root; df -B1 --output=size / | tail -1"
    )
    disk, partition, filesystem = map(int, sizes.split())
    boot = 600 * 2**20
    assert partition > disk - boot
    assert filesystem > 0.9 * partition


def test_the_machine_made_its_own_identity(host: Any) -> None:
    said = host.check_output(f"ls /etc/ssh/ssh_host_*_key; cat /etc/machine-id; stat -c '%a %U %s' {SECRETS}")
    lines = said.splitlines()
    assert lines[0] == "/etc/ssh/ssh_host_ed25519_key"
    assert len(lines[1]) == 32
    assert lines[2] == "600 root 25"


def test_every_first_boot_makes_another_password(appliance: Appliance) -> None:
    """The unit that makes it at a first boot is given two more of them; the card itself has none (test_image.py)."""
    made = appliance.run(
        f"cat {SECRETS}; mv {SECRETS} {SECRETS}.kept;"
        f"for boot in 1 2; do systemctl start soniquebay-secrets.service; cat {SECRETS}; rm {SECRETS}; done;"
        f"mv {SECRETS}.kept {SECRETS}"
    ).split()
    assert [len(password) for password in made] == [24] * 3
    assert len(set(made)) == 3
