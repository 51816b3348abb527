"""The programs: users of their own, hardened, and bounded together."""

from __future__ import annotations

from typing import Any

import pytest


def test_each_program_is_its_own_user(host: Any) -> None:
    shown = host.check_output(
        "for u in api worker flower; do systemctl show -P User soniquebay-$u.service;"
        "id -nG soniquebay-$u; getent passwd soniquebay-$u; done;"
        "stat -c '%a %U:%G' /var/lib/soniquebay /var/lib/soniquebay/library.db"
    ).splitlines()
    assert shown[0::3][:3] == ["soniquebay-api", "soniquebay-worker", "soniquebay-flower"]
    assert {"soniquebay", "redis"} <= set(shown[1].split())
    assert {"soniquebay", "redis"} <= set(shown[4].split())
    assert "soniquebay" not in shown[7].split()
    assert all(line.endswith("/nologin") for line in shown[2:9:3])
    assert shown[9:] == ["750 soniquebay-api:soniquebay", "640 soniquebay-api:soniquebay"]


@pytest.mark.parametrize(
    "unit",
    [
        "redis-server",
        "soniquebay-api",
        "soniquebay-worker",
        "soniquebay-worker@2",
        "soniquebay-flower",
        "soniquebay-online",
        "soniquebay-maintenance",
        "soniquebay-scan",
        "soniquebay-secrets",
    ],
)
def test_programs_are_hardened(host: Any, unit: str) -> None:
    """Systemd's own mark: 10 is an open door."""
    line = host.check_output(f"systemd-analyze security --no-pager {unit}.service | tail -1")
    assert float(line.split("service:")[1].split()[0]) <= 2, line


def test_systemd_has_no_complaint_about_a_unit(host: Any) -> None:
    said = host.run(
        "cd /etc/systemd/system && systemd-analyze verify --man=no soniquebay*.service soniquebay*.socket"
        " soniquebay*.timer soniquebay*.target soniquebay*.slice"
    )
    assert (said.rc, said.stderr.strip()) == (0, "")


# Prints what has no bytecode, or none that this Python takes without a look at the source (flag 1, in the release).
BYTECODE = """
import importlib.util, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for path in (os.path.join(folder, name) for name in names if name.endswith(".py")):
        try:
            with open(importlib.util.cache_from_source(path), "rb") as file:
                head = file.read(5)
        except FileNotFoundError:
            head = b""
        if head[:4] != importlib.util.MAGIC_NUMBER or (head[4] != 1 and path.startswith("/opt")):
            print(path)
"""


@pytest.mark.parametrize(
    "folder", ["/opt/soniquebay/current/lib", "/usr/lib/python3.13", "/usr/lib/python3/dist-packages"]
)
def test_no_module_is_compiled_at_a_start(host: Any, folder: str) -> None:
    """No program may write its bytecode there, so what has none is compiled again and again."""
    assert host.check_output("ls %s", folder)
    assert host.check_output("python3 -c %s %s", BYTECODE, folder) == ""


def test_memory_of_all_together_is_bounded(host: Any) -> None:
    shown = host.check_output(
        "systemctl show -P Slice"
        " soniquebay-api.service soniquebay-worker.service soniquebay-flower.service redis-server.service;"
        # what the kernel has been told, and not only systemd
        "cat /sys/fs/cgroup/soniquebay.slice/memory.max"
        " /sys/fs/cgroup/soniquebay.slice/soniquebay-worker.service/memory.max"
    ).split()
    assert shown[:4] == ["soniquebay.slice"] * 4
    assert int(shown[4]) < 1500 * 2**20
    assert int(shown[5]) < int(shown[4])
