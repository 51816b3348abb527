"""The settings of the role pi_tuning are in force in the kernel, not only in files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).parents[3] / "roles"
TUNING: dict[str, Any] = yaml.safe_load((ROLES / "pi_tuning/defaults/main.yml").read_text())
BASE: dict[str, Any] = yaml.safe_load((ROLES / "base/defaults/main.yml").read_text())


def test_sysctls_are_set(host: Any) -> None:
    expected = {name: str(value) for name, value in TUNING["pi_tuning_sysctl"].items()}
    lines = host.check_output(f"sysctl {' '.join(expected)}").splitlines()
    assert dict(line.split(" = ") for line in lines) == expected


def test_the_memory_cgroup_controller_is_enabled(host: Any) -> None:
    assert "memory" in host.file("/sys/fs/cgroup/cgroup.controllers").content_string.split()


@pytest.mark.parametrize("setting", ["enabled", "defrag"])
def test_transparent_huge_pages_are_off(host: Any, setting: str) -> None:
    assert "[never]" in host.file(f"/sys/kernel/mm/transparent_hugepage/{setting}").content_string


def test_swap_is_on_zram(host: Any) -> None:
    fields = host.check_output(
        "swapon --noheadings --show=NAME,PRIO; zramctl --noheadings --bytes --output ALGORITHM,DISKSIZE;"
        "awk '/^MemTotal/ {print $2}' /proc/meminfo"
    ).split()
    assert fields[:3] == ["/dev/zram0", "100", TUNING["pi_tuning_zram_algorithm"]]
    assert TUNING["pi_tuning_zram_size"] == "min(ram / 2, 2048)"
    expected = min(int(fields[4]) * 1024 // 2, 2048 * 2**20)
    assert abs(int(fields[3]) - expected) < 16 * 2**20


def test_systemd_feeds_the_watchdog(host: Any) -> None:
    seconds = TUNING["pi_tuning_watchdog"].removesuffix("s")
    watchdog = host.check_output(
        "cat /sys/class/watchdog/watchdog0/state /sys/class/watchdog/watchdog0/timeout"
    ).split()
    assert watchdog == ["active", seconds]
    fed, now = host.check_output("systemctl show -P WatchdogLastPingTimestampMonotonic; cat /proc/uptime").split()[:2]
    assert 0 <= float(now) - int(fed) / 1e6 < float(seconds)


def test_the_journal_is_persistent_and_limited(host: Any) -> None:
    # journald logs its limit when it starts; in a first boot that is before the root file system has been enlarged
    messages = host.check_output(
        "systemctl restart systemd-journald; journalctl --sync;"
        "journalctl -b -q --no-pager -o cat -u systemd-journald -g '^System Journal'"
    )
    limits = re.findall(r"\((/var/log/journal/\S+)\) is (\S+), max (\S+),", messages)
    assert limits, messages
    assert limits[-1][2] == BASE["base_journal_max"]
    size = host.check_output("du --summarize --bytes /var/log/journal").split()
    assert int(size[0]) <= int(BASE["base_journal_max"].removesuffix("M")) * 2**20
