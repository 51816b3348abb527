"""The TCP ports that are open to a neighbour in the LAN: all are tried, over IPv4. See also host/test_listeners.py."""

from __future__ import annotations

import shlex
from typing import Any

# A network namespace, connected by a veth pair, stands for a neighbour in the LAN. Its packets arrive on an interface
# other than loopback and are addressed to the machine's LAN address. QEMU's port forwards are not in the way, so every
# port can be tried.
NEIGHBOUR = """
address=$(ip -4 -o addr show scope global | awk '{sub("/.*", "", $4); print $4; exit}')
trap 'ip netns del outside; ip link del probe 2>/dev/null || true' EXIT
ip netns add outside
ip link add probe type veth peer name lan netns outside
ip addr add 192.0.2.1/30 dev probe
ip link set probe up
ip -n outside addr add 192.0.2.2/30 dev lan
ip -n outside link set lan up
ip -n outside route add "$address" via 192.0.2.1
ip netns exec outside python3 -c "$SCAN" "$address"
"""
SCAN = """
import multiprocessing, socket, sys

def open_ports(first):
    ports = []
    for port in range(first, 65536, 4):
        with socket.socket() as probe:
            probe.settimeout(5)
            try:
                probe.connect((sys.argv[1], port))
            except ConnectionRefusedError:
                continue
            except OSError as error:
                ports.append(f"{port}: {error}")
            else:
                ports.append(str(port))
    return ports

with multiprocessing.Pool(4) as pool:
    for ports in pool.imap_unordered(open_ports, range(1, 5)):
        print(*ports, sep="\\n")
"""


def test_only_ssh_the_api_and_flower_are_open_to_the_lan(host: Any) -> None:
    ports = host.check_output(f"set -e; SCAN={shlex.quote(SCAN)}\n{NEIGHBOUR}").split()
    assert sorted(ports) == ["22", "5555", "80"]
