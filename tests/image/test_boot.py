"""The machine after its first boot, and the card it booted from."""

from __future__ import annotations

from typing import Any

import pytest

from .appliance import Appliance
from .card import Card

pytestmark = pytest.mark.image

UNITS = (
    "soniquebay.target",
    "soniquebay-api.socket",
    "soniquebay-api.service",
    "soniquebay-worker.service",
    "soniquebay-flower.service",
    "soniquebay-maintenance.timer",
    "redis-server.service",
    "ssh.service",
    "avahi-daemon.service",
    "systemd-timesyncd.service",
    "systemd-networkd.service",
)
LAN_PORTS = {("tcp", 22), ("tcp", 80), ("tcp", 5555), ("udp", 5353)}


def test_boot_leaves_no_failed_unit_and_no_cycle(appliance: Appliance) -> None:
    state = appliance.run(
        "systemctl is-system-running --wait || true; systemctl list-units --failed --plain --no-legend"
    )
    assert state.split() == ["running"]
    assert "ordering cycle" not in appliance.run("journalctl -b -p warning --no-pager -q || true")


def test_units_are_active(appliance: Appliance) -> None:
    states = appliance.run(f"systemctl is-active {' '.join(UNITS)} || true").split()
    assert dict(zip(UNITS, states, strict=True)) == dict.fromkeys(UNITS, "active")


def test_root_takes_the_whole_card(appliance: Appliance) -> None:
    sizes = appliance.run(
        "root=$(findmnt -nvo SOURCE /); disk=/dev/$(lsblk -no PKNAME $root);"
        "lsblk -bdno SIZE $disk; lsblk -bdno SIZE $root; df -B1 --output=size / | tail -1"
    )
    disk, partition, filesystem = map(int, sizes.split())
    boot = 600 * 2**20
    assert partition > disk - boot
    assert filesystem > 0.9 * partition


def test_root_is_mounted_gently(appliance: Appliance) -> None:
    options = appliance.run("findmnt -no OPTIONS /; findmnt -no FSTYPE /boot/firmware").split()
    assert {"noatime", "commit=30"} <= set(options[0].split(","))
    assert options[1] == "vfat"


def test_only_the_known_doors_listen(appliance: Appliance) -> None:
    listening = set()
    for line in appliance.run("ss -Htuln").splitlines():
        kind, _, _, _, local = line.split()[:5]
        address, _, port = local.rpartition(":")
        address = address.strip("[]").split("%")[0]
        if not address.startswith("127.") and address != "::1":
            listening.add((kind, int(port)))
    # avahi asks from a port of its own beside 5353, and DHCP has its client ports
    extra = {door for door in listening - LAN_PORTS if door[0] == "tcp" or door[1] < 32768}
    assert extra <= {("udp", 68), ("udp", 546)}
    assert listening >= LAN_PORTS


def test_redis_keeps_to_its_socket(appliance: Appliance) -> None:
    cli = "redis-cli -s /run/redis/redis-server.sock"
    said = appliance.run(
        f"stat -c '%A %U:%G' /run/redis/redis-server.sock; ss -Htlnp | grep -c redis || true;"
        f"{cli} info memory; {cli} info persistence; {cli} config get port 2>&1 || true"
    ).splitlines()
    assert said[:2] == ["srw-rw---- redis:redis", "0"]
    text = "\n".join(line.strip() for line in said)
    assert "maxmemory:134217728" in text
    assert "maxmemory_policy:noeviction" in text
    assert "aof_enabled:1" in text
    assert "NOPERM" in text


def test_each_program_is_its_own_user(appliance: Appliance) -> None:
    shown = appliance.run(
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


def test_programs_are_hardened(appliance: Appliance) -> None:
    """Systemd's own mark: 10 is an open door."""
    units = ("api", "worker", "flower", "online", "maintenance")
    marks = appliance.run(
        "; ".join(f"systemd-analyze security --no-pager soniquebay-{unit}.service | tail -1" for unit in units)
    ).splitlines()
    for unit, line in zip(units, marks, strict=True):
        assert float(line.split("service:")[1].split()[0]) < 2, f"{unit}: {line}"


def test_units_verify(appliance: Appliance) -> None:
    status, said = appliance.try_run(
        "cd /etc/systemd/system && systemd-analyze verify --man=no soniquebay*.service soniquebay*.socket"
        " soniquebay*.timer soniquebay*.target soniquebay*.slice"
    )
    assert (status, said.strip()) == (0, "")


def test_tuning(appliance: Appliance) -> None:
    said = appliance.run(
        "sysctl -n vm.overcommit_memory vm.min_free_kbytes vm.swappiness vm.page-cluster;"
        "cat /sys/kernel/mm/transparent_hugepage/enabled; swapon --noheadings --show=NAME,PRIO; zramctl -no ALGORITHM;"
        "systemctl show -P RuntimeWatchdogUSec;"
        "systemd-analyze cat-config systemd/journald.conf | grep -E '^S[a-zA-Z]+=';"
        "ls -d /var/log/journal/*/"
    )
    lines = said.splitlines()
    assert lines[:4] == ["1", "16384", "180", "0"]
    assert "[never]" in lines[4]
    assert lines[5].split() == ["/dev/zram0", "100"]
    assert lines[6].strip() == "zstd"
    assert lines[7] in ("14s", "0")  # no watchdog in an emulated machine
    assert {"Storage=persistent", "SystemMaxUse=64M"} <= set(lines)
    assert lines[-1].startswith("/var/log/journal/")


def test_memory_of_all_together_is_bounded(appliance: Appliance) -> None:
    shown = appliance.run(
        "systemctl show -P MemoryMax soniquebay.slice soniquebay-worker.service;"
        "systemctl show -P Slice"
        " soniquebay-api.service soniquebay-worker.service soniquebay-flower.service redis-server.service"
    ).split()
    assert int(shown[0]) < 1500 * 2**20
    assert int(shown[1]) < int(shown[0])
    assert shown[2:] == ["soniquebay.slice"] * 4


def test_boot_files_are_debians(appliance: Appliance) -> None:
    said = appliance.run("cat /boot/firmware/cmdline.txt /boot/firmware/config.txt")
    cmdline = said.splitlines()[0].split()
    assert {"root=LABEL=rootfs", "psi=1", "cgroup_enable=memory", "console=ttyS1,115200"} <= set(cmdline)
    assert not any(word.startswith("cma=") for word in cmdline)
    assert "gpu_mem=16" in said


def test_ssh_takes_keys_only(appliance: Appliance) -> None:
    said = appliance.run("sshd -T")
    assert {"passwordauthentication no", "permitrootlogin without-password"} <= set(said.splitlines())


def test_nobody_has_a_password(appliance: Appliance, card: Card) -> None:
    hashes = [line.split(":")[:2] for line in card.read("/etc/shadow").splitlines()]
    hashes += [line.split(":")[:2] for line in appliance.run("getent shadow").splitlines()]
    assert len(hashes) > 20
    assert [name for name, word in hashes if word[:1] not in ("!", "*")] == []


def test_the_card_carries_no_identity(card: Card) -> None:
    assert "sshd_config" in card.listing("/etc/ssh")
    assert [name for name in card.listing("/etc/ssh") if name.startswith("ssh_host_")] == []
    assert card.read("/etc/machine-id") == "uninitialized\n"
    assert card.listing("/var/lib/soniquebay-secrets") == []
    assert "random-seed" not in card.listing("/var/lib/systemd")


def test_the_machine_made_its_own_identity(appliance: Appliance) -> None:
    said = appliance.run(
        "ls /etc/ssh/ssh_host_*_key; cat /etc/machine-id;stat -c '%a %U %s' /var/lib/soniquebay-secrets/flower-password"
    ).splitlines()
    assert said[0] == "/etc/ssh/ssh_host_ed25519_key"
    assert len(said[1]) == 32
    assert said[2] == "600 root 25"


def test_name_is_announced(host: Any) -> None:
    assert host.file("/etc/hostname").content_string == "soniquebay\n"
    assert host.file("/etc/avahi/services/soniquebay.service").contains("_http._tcp")
