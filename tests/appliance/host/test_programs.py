"""The users, the sandboxes and the memory limit of the programs."""

from __future__ import annotations

from typing import Any

import pytest


def test_each_program_has_a_user_of_its_own(host: Any) -> None:
    lines = host.check_output(
        "for u in api worker flower; do systemctl show -P User soniquebay-$u.service;"
        "id -nG soniquebay-$u; getent passwd soniquebay-$u; done;"
        "stat -c '%a %U:%G' /var/lib/soniquebay /var/lib/soniquebay/library.db"
    ).splitlines()
    assert lines[0::3][:3] == ["soniquebay-api", "soniquebay-worker", "soniquebay-flower"]
    assert {"soniquebay", "redis"} <= set(lines[1].split())
    assert {"soniquebay", "redis"} <= set(lines[4].split())
    assert "soniquebay" not in lines[7].split()
    assert all(line.endswith("/nologin") for line in lines[2:9:3])
    assert lines[9:] == ["750 soniquebay-api:soniquebay", "640 soniquebay-api:soniquebay"]


@pytest.mark.parametrize(
    "unit",
    [
        "redis-server",
        "soniquebay-api",
        "soniquebay-worker",
        "soniquebay-worker@2",
        "soniquebay-flower",
        "soniquebay-worker-proxy",
        "soniquebay-online",
        "soniquebay-maintenance",
        "soniquebay-scan",
        "soniquebay-owner",
        "soniquebay-upgrade-resume",
        "soniquebay-update",
        "soniquebay-console",
    ],
)
def test_programs_are_hardened(host: Any, unit: str) -> None:
    """systemd-analyze rates the exposure of a unit from 0 to 10, the worst."""
    line = host.check_output(f"systemd-analyze security --no-pager {unit}.service | tail -1")
    assert float(line.split("service:")[1].split()[0]) <= 2, line


def test_systemd_analyze_verify_finds_no_fault(host: Any) -> None:
    verify = host.run(
        "cd /etc/systemd/system && systemd-analyze verify --man=no soniquebay*.service soniquebay*.socket"
        " soniquebay*.timer soniquebay*.path soniquebay*.target soniquebay*.slice"
    )
    assert (verify.rc, verify.stderr.strip()) == (0, "")


# Prints modules without bytecode of this Python version, and modules of the release whose bytecode is not
# "unchecked-hash" (flag 1), which Python loads without reading the source.
PRINT_MODULES_WITHOUT_BYTECODE = """
import importlib.util, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for path in (os.path.join(folder, name) for name in names if name.endswith(".py")):
        try:
            with open(importlib.util.cache_from_source(path), "rb") as file:
                header = file.read(5)
        except FileNotFoundError:
            header = b""
        if header[:4] != importlib.util.MAGIC_NUMBER or (header[4] != 1 and path.startswith("/opt")):
            print(path)
"""


@pytest.mark.parametrize(
    "folder", ["/opt/soniquebay/current/lib", "/usr/lib/python3.13", "/usr/lib/python3/dist-packages"]
)
def test_every_module_has_bytecode(host: Any, folder: str) -> None:
    """The programs cannot write bytecode there, so a module without it would be compiled at every start."""
    assert host.check_output("ls %s", folder)
    assert host.check_output("python3 -c %s %s", PRINT_MODULES_WITHOUT_BYTECODE, folder) == ""


def test_one_memory_limit_holds_for_all_programs(host: Any) -> None:
    values = host.check_output(
        "systemctl show -P Slice"
        " soniquebay-api.service soniquebay-worker.service soniquebay-flower.service redis-server.service;"
        # the limits in force in the kernel, not only those configured in systemd
        "cat /sys/fs/cgroup/soniquebay.slice/memory.max"
        " /sys/fs/cgroup/soniquebay.slice/soniquebay-worker.service/memory.max"
    ).split()
    assert values[:4] == ["soniquebay.slice"] * 4
    assert int(values[4]) < 1500 * 2**20
    assert int(values[5]) < int(values[4])
