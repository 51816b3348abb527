"""The ports that listen, and the logins that are possible."""

from __future__ import annotations

from typing import Any

LAN_PORTS = {("tcp", 22), ("tcp", 80), ("tcp", 5555), ("udp", 5353)}


def test_only_the_expected_ports_listen(host: Any) -> None:
    listening = set()
    for line in host.check_output("ss -Htuln").splitlines():
        protocol, _, _, _, local = line.split()[:5]
        address, _, port = local.rpartition(":")
        address = address.strip("[]").split("%")[0]
        if not address.startswith("127.") and address != "::1":
            listening.add((protocol, int(port)))
    # avahi sends from another UDP port besides 5353, and the DHCP clients have ports of their own
    extra = {(protocol, port) for protocol, port in listening - LAN_PORTS if protocol == "tcp" or port < 32768}
    assert extra <= {("udp", 68), ("udp", 546)}
    assert listening >= LAN_PORTS


def test_no_user_has_a_password(host: Any) -> None:
    hashes = [line.split(":")[:2] for line in host.check_output("getent shadow").splitlines()]
    assert len(hashes) > 20
    assert [name for name, password_hash in hashes if password_hash[:1] not in ("!", "*")] == []


def test_root_is_locked(host: Any) -> None:
    assert host.check_output("passwd --status root").split()[1] == "L"
