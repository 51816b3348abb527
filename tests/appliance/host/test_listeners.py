"""Who comes in, and where."""

from __future__ import annotations

from typing import Any

LAN_PORTS = {("tcp", 22), ("tcp", 80), ("tcp", 5555), ("udp", 5353)}


def test_only_the_known_doors_listen(host: Any) -> None:
    listening = set()
    for line in host.check_output("ss -Htuln").splitlines():
        kind, _, _, _, local = line.split()[:5]
        address, _, port = local.rpartition(":")
        address = address.strip("[]").split("%")[0]
        if not address.startswith("127.") and address != "::1":
            listening.add((kind, int(port)))
    # avahi asks from a port of its own beside 5353, and DHCP has its client ports
    extra = {door for door in listening - LAN_PORTS if door[0] == "tcp" or door[1] < 32768}
    assert extra <= {("udp", 68), ("udp", 546)}
    assert listening >= LAN_PORTS


def test_nobody_has_a_password(host: Any) -> None:
    hashes = [line.split(":")[:2] for line in host.check_output("getent shadow").splitlines()]
    assert len(hashes) > 20
    assert [name for name, word in hashes if word[:1] not in ("!", "*")] == []


def test_root_is_locked(host: Any) -> None:
    assert host.check_output("passwd --status root").split()[1] == "L"
