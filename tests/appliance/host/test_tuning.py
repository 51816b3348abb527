"""The machine is tuned as the role pi_tuning says, in the kernel and not only in files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).parents[3] / "roles"
TUNING: dict[str, Any] = yaml.safe_load((ROLES / "pi_tuning/defaults/main.yml").read_text())
BASE: dict[str, Any] = yaml.safe_load((ROLES / "base/defaults/main.yml").read_text())


def test_sysctls(host: Any) -> None:
    wanted = {name: str(value) for name, value in TUNING["pi_tuning_sysctl"].items()}
    shown = host.check_output(f"sysctl {' '.join(wanted)}").splitlines()
    assert dict(line.split(" = ") for line in shown) == wanted


def test_memory_cgroup(host: Any) -> None:
    assert "memory" in host.file("/sys/fs/cgroup/cgroup.controllers").content_string.split()


@pytest.mark.parametrize("knob", ["enabled", "defrag"])
def test_no_transparent_huge_pages(host: Any, knob: str) -> None:
    assert "[never]" in host.file(f"/sys/kernel/mm/transparent_hugepage/{knob}").content_string


def test_swap_is_compressed_memory(host: Any) -> None:
    shown = host.check_output(
        "swapon --noheadings --show=NAME,PRIO; zramctl --noheadings --bytes --output ALGORITHM,DISKSIZE;"
        "awk '/^MemTotal/ {print $2}' /proc/meminfo"
    ).split()
    assert shown[:3] == ["/dev/zram0", "100", TUNING["pi_tuning_zram_algorithm"]]
    assert TUNING["pi_tuning_zram_size"] == "min(ram / 2, 2048)"
    wanted = min(int(shown[4]) * 1024 // 2, 2048 * 2**20)
    assert abs(int(shown[3]) - wanted) < 16 * 2**20


def test_the_watchdog_is_fed(host: Any) -> None:
    seconds = TUNING["pi_tuning_watchdog"].removesuffix("s")
    shown = host.check_output("cat /sys/class/watchdog/watchdog0/state /sys/class/watchdog/watchdog0/timeout").split()
    assert shown == ["active", seconds]
    fed, now = host.check_output("systemctl show -P WatchdogLastPingTimestampMonotonic; cat /proc/uptime").split()[:2]
    assert 0 <= float(now) - int(fed) / 1e6 < float(seconds)


def test_the_journal_is_kept_and_capped(host: Any) -> None:
    # it says its limit when it starts, and at a first boot that is before the root has its size
    said = host.check_output(
        "systemctl restart systemd-journald; journalctl --sync;"
        "journalctl -b -q --no-pager -o cat -u systemd-journald -g '^System Journal'"
    )
    found = re.findall(r"\((/var/log/journal/\S+)\) is (\S+), max (\S+),", said)
    assert found, said
    assert found[-1][2] == BASE["base_journal_max"]
    taken = host.check_output("du --summarize --bytes /var/log/journal").split()
    assert int(taken[0]) <= int(BASE["base_journal_max"].removesuffix("M")) * 2**20
