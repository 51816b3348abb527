"""A card customised by Raspberry Pi Imager, after its first boot: every setting is applied, and nothing has failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import httpx

from image.emulated.machine import Machine
from soniquebay.listeners.claim_code import CONSOLE_FILE
from tests.appliance.client import REQUEST_TIMEOUT_SECONDS, Appliance, wait_for

from .conftest import CUSTOMISATION, PASSWORD, customise
from .imager import GROUPS

Run = Callable[[str], str]


def test_the_host_name_is_set(run: Run) -> None:
    assert run("hostname; cat /etc/hostname").split() == [CUSTOMISATION.hostname] * 2
    assert "127.0.1.1" in run(f"getent hosts {CUSTOMISATION.hostname}")
    assert run("cloud-init query instance_id") == CUSTOMISATION.instance


def test_the_user_has_the_groups_sudo_and_the_password(run: Run) -> None:
    assert run("id -un") == CUSTOMISATION.user
    assert set(GROUPS.split(",")) <= set(run("id -Gn").split())
    assert run("sudo -n id -un") == "root"
    assert run(f"sudo getent shadow {CUSTOMISATION.user}").split(":")[1] == CUSTOMISATION.password_hash


def test_ssh_accepts_keys_only(run: Run) -> None:
    assert "passwordauthentication no" in run("sudo sshd -T").splitlines()


def test_the_locale_exists_and_is_used(run: Run) -> None:
    assert "de_DE.utf8" in run("locale -a").split()
    # in a new login, as the SSH connection is older than the locale
    assert run(f"sudo su - {CUSTOMISATION.user} -c 'echo $LANG'") == CUSTOMISATION.locale
    assert run("LC_ALL=de_DE.UTF-8 date -d 2026-03-01 +%B") == "März"


def test_the_keyboard_layout_is_set(run: Run) -> None:
    settings = run("cat /etc/default/keyboard; localectl status")
    assert 'XKBLAYOUT="de"' in settings or "XKBLAYOUT=de" in settings.splitlines()
    assert "X11 Layout: de" in settings


def test_the_time_zone_is_set(run: Run) -> None:
    assert run("timedatectl show -P Timezone; readlink -f /etc/localtime").split() == [
        CUSTOMISATION.timezone,
        f"/usr/share/zoneinfo/{CUSTOMISATION.timezone}",
    ]
    assert run("date -d 2026-01-01T00:00:00Z +%H") == "01"


def test_the_wireless_network_is_configured(run: Run) -> None:
    """The emulated machine has no Wi-Fi; the configuration is complete all the same."""
    network = json.loads(
        run(
            "sudo netplan get --root-dir / network | python3 -c 'import json, sys, yaml;"
            "print(json.dumps(yaml.safe_load(sys.stdin)))'"
        )
    )
    wireless = network["wifis"]["wlan0"]
    assert set(wireless["access-points"]) == {CUSTOMISATION.network}
    assert wireless["regulatory-domain"] == CUSTOMISATION.country
    supplicant = run("sudo cat /run/netplan/wpa-wlan0.conf")
    assert f"country={CUSTOMISATION.country}" in supplicant
    assert f"psk={CUSTOMISATION.wireless_key}" in supplicant
    assert run("sudo stat -c %a /run/netplan/wpa-wlan0.conf /etc/netplan/*.yaml").split() == ["600", "600"]
    assert "netplan-wpa-wlan0.service" in run("systemctl list-unit-files --no-legend netplan-wpa-wlan0.service")
    assert f"cfg80211.ieee80211_regdom={CUSTOMISATION.country}" in run("cat /proc/cmdline")


def test_no_unit_and_no_cloud_init_module_has_failed(run: Run) -> None:
    assert (
        run("systemctl is-system-running --wait || true; systemctl list-units --failed --plain --no-legend")
        == "running"
    )
    status = json.loads(run("cloud-init status --format json || true"))
    assert status["status"] == "done"
    assert status["errors"] == []
    assert "ERROR" not in status["recoverable_errors"]


def test_the_appliance_is_announced_by_its_new_name(run: Run) -> None:
    assert run("systemctl is-active soniquebay-api.socket avahi-daemon ssh").split() == ["active"] * 3
    avahi = "sudo busctl call org.freedesktop.Avahi / org.freedesktop.Avahi.Server GetHostNameFqdn"
    assert run(avahi) == f's "{CUSTOMISATION.hostname}.local"'


def test_the_settings_of_the_appliance_are_applied(machine: Machine) -> None:
    """cloud-init writes them after the start of the API."""
    appliance = Appliance(machine)
    wait_for("the settings are in force", lambda: appliance.api("/api/watch").json["watch"] == CUSTOMISATION.watch)


def test_the_user_of_the_card_is_the_owner_with_the_same_password(machine: Machine, run: Run) -> None:
    appliance = Appliance(machine)
    wait_for("the card has an owner", lambda: appliance.api("/api/session").json["claimed"])
    account = {"name": CUSTOMISATION.user, "password": PASSWORD}
    answer = httpx.post(f"{machine.url()}/api/sign-in", json=account, timeout=REQUEST_TIMEOUT_SECONDS)
    assert (answer.status_code, answer.json()["is_owner"]) == (200, True), answer.text
    assert run("ls -A /run/soniquebay-claim") == CONSOLE_FILE  # and no code


def test_a_card_can_be_customised_again(machine: Machine, run: Run) -> None:
    """A boot skips cloud-init only while its files are unchanged. The last test, as it makes another machine of it."""
    again = replace(CUSTOMISATION, hostname="wohnzimmer", instance="rpi-imager-1764000000001")
    machine.stop(120)
    customise(machine, again)
    machine.start()
    machine.wait_for_ssh()
    # cloud-init does not know all of Imager's keys, so its exit status is not 0, as after the first boot
    assert "status: done" in run("cloud-init status --wait || true")
    assert run("hostname; cloud-init query instance_id").split() == [again.hostname, again.instance]
