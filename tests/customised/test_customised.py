"""A card customised by Raspberry Pi Imager, after its first boot: every wish is granted, and nothing has failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from image.emulated.machine import Machine
from tests.appliance.client import Appliance, wait_for

from .conftest import WISHES, customise
from .imager import GROUPS

Ask = Callable[[str], str]


def test_host_name(ask: Ask) -> None:
    assert ask("hostname; cat /etc/hostname").split() == [WISHES.hostname] * 2
    assert "127.0.1.1" in ask(f"getent hosts {WISHES.hostname}")
    assert ask("cloud-init query instance_id") == WISHES.instance


def test_user_has_groups_sudo_and_the_password(ask: Ask) -> None:
    assert ask("id -un") == WISHES.user
    assert set(GROUPS.split(",")) <= set(ask("id -Gn").split())
    assert ask("sudo -n id -un") == "root"
    assert ask(f"sudo getent shadow {WISHES.user}").split(":")[1] == WISHES.password_hash


def test_ssh_takes_the_key_alone(ask: Ask) -> None:
    assert "passwordauthentication no" in ask("sudo sshd -T").splitlines()


def test_locale_is_there_and_used(ask: Ask) -> None:
    assert "de_DE.utf8" in ask("locale -a").split()
    # a new login: ours is older than the locale
    assert ask(f"sudo su - {WISHES.user} -c 'echo $LANG'") == WISHES.locale
    assert ask("LC_ALL=de_DE.UTF-8 date -d 2026-03-01 +%B") == "März"


def test_keyboard(ask: Ask) -> None:
    said = ask("cat /etc/default/keyboard; localectl status")
    assert 'XKBLAYOUT="de"' in said or "XKBLAYOUT=de" in said.splitlines()
    assert "X11 Layout: de" in said


def test_time_zone(ask: Ask) -> None:
    assert ask("timedatectl show -P Timezone; readlink -f /etc/localtime").split() == [
        WISHES.timezone,
        f"/usr/share/zoneinfo/{WISHES.timezone}",
    ]
    assert ask("date -d 2026-01-01T00:00:00Z +%H") == "01"


def test_wireless_network_waits_for_its_radio(ask: Ask) -> None:
    """The emulated machine has none; what the Pi's would be told is all there."""
    network = json.loads(
        ask(
            "sudo netplan get --root-dir / network | python3 -c 'import json, sys, yaml;"
            "print(json.dumps(yaml.safe_load(sys.stdin)))'"
        )
    )
    wireless = network["wifis"]["wlan0"]
    assert set(wireless["access-points"]) == {WISHES.network}
    assert wireless["regulatory-domain"] == WISHES.country
    supplicant = ask("sudo cat /run/netplan/wpa-wlan0.conf")
    assert f"country={WISHES.country}" in supplicant
    assert f"psk={WISHES.wireless_key}" in supplicant
    assert ask("sudo stat -c %a /run/netplan/wpa-wlan0.conf /etc/netplan/*.yaml").split() == ["600", "600"]
    assert "netplan-wpa-wlan0.service" in ask("systemctl list-unit-files --no-legend netplan-wpa-wlan0.service")
    assert f"cfg80211.ieee80211_regdom={WISHES.country}" in ask("cat /proc/cmdline")


def test_nothing_failed(ask: Ask) -> None:
    assert (
        ask("systemctl is-system-running --wait || true; systemctl list-units --failed --plain --no-legend")
        == "running"
    )
    status = json.loads(ask("cloud-init status --format json || true"))
    assert status["status"] == "done"
    assert status["errors"] == []
    assert "ERROR" not in status["recoverable_errors"]


def test_the_appliance_runs_by_its_new_name(ask: Ask) -> None:
    assert ask("systemctl is-active soniquebay-api.socket avahi-daemon ssh").split() == ["active"] * 3
    avahi = "sudo busctl call org.freedesktop.Avahi / org.freedesktop.Avahi.Server GetHostNameFqdn"
    assert ask(avahi) == f's "{WISHES.hostname}.local"'


def test_the_appliance_goes_by_its_new_settings(machine: Machine) -> None:
    """The API starts before cloud-init has written them."""
    appliance = Appliance(machine)
    wait_for("the settings are in force", lambda: appliance.api("/api/watch").json["watch"] == WISHES.watch)


def test_a_card_is_customised_again(machine: Machine, ask: Ask) -> None:
    """cloud-init is left out of a boot only while there is nothing new for it. Last: it is another machine then."""
    again = replace(WISHES, hostname="wohnzimmer", instance="rpi-imager-1764000000001")
    machine.stop(120)
    customise(machine, again)
    machine.start()
    machine.wait_for_ssh()
    assert "status: done" in ask("cloud-init status --wait || true")  # as after the first: not all keys are known
    assert ask("hostname; cloud-init query instance_id").split() == [again.hostname, again.instance]
