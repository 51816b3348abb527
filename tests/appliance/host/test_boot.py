"""Every unit runs, and no start of one went wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ..client import Appliance

UNITS = (
    "soniquebay.target",
    "soniquebay-api.socket",
    "soniquebay-api.service",
    "soniquebay-worker.service",
    "soniquebay-flower.service",
    "soniquebay-online.socket",
    "soniquebay-maintenance.timer",
    "soniquebay-security-updates.timer",
    "soniquebay-console.path",
    "redis-server.service",
    "ssh.service",
    "avahi-daemon.service",
    "systemd-timesyncd.service",
    "systemd-networkd.service",
)


def test_no_unit_has_failed(host: Any) -> None:
    state = host.run("systemctl is-system-running --wait").stdout
    failed = host.check_output("systemctl list-units --failed --plain --no-legend")
    assert (state.strip(), failed) == ("running", "")


def test_no_ordering_cycle(host: Any) -> None:
    journal = host.run("journalctl -b -q --no-pager -p warning -g 'ordering cycle'")
    assert (journal.rc, journal.stdout) == (1, "")  # 1: no entry matches
    assert host.check_output("journalctl -b -q --no-pager -n 1")


def test_the_kernel_is_not_tainted(host: Any) -> None:
    assert host.sysctl("kernel.tainted") == 0


def test_every_unit_is_active(host: Any) -> None:
    states = host.run(f"systemctl is-active {' '.join(UNITS)}").stdout.split()
    assert dict(zip(UNITS, states, strict=True)) == dict.fromkeys(UNITS, "active")


@pytest.mark.parametrize("program", ["api", "worker"])
def test_a_program_starts_without_errors(appliance: Appliance, program: str) -> None:
    appliance.assert_first_start_without_errors(program)


def test_the_units_are_enabled_for_the_next_boot(host: Any) -> None:
    assert host.service("soniquebay.target").is_enabled
    assert host.service("redis-server").is_enabled


def test_the_api_is_announced_by_mdns(host: Any) -> None:
    assert host.file("/etc/avahi/services/soniquebay.service").contains("_http._tcp")
    published = host.check_output(
        "journalctl -b -q --no-pager -u avahi-daemon -g 'soniquebay.service. successfully established'"
    )
    assert published
