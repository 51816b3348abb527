"""The TCP ports that are open to a neighbour in the LAN: all are tried, over IPv4. See also host/test_listeners.py."""

from __future__ import annotations

import shlex
from typing import Any

# A neighbour in the LAN: a network namespace of its own, behind a cable of its own (veth). What it sends comes in by an
# interface that is not loopback and is for the machine's own address in the LAN, as anybody's would be. Without a port
# forward in between, which would answer for what it does not forward, every port can be tried.
OUTSIDE = """
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

def look(first):
    found = []
    for port in range(first, 65536, 4):
        with socket.socket() as probe:
            probe.settimeout(5)
            try:
                probe.connect((sys.argv[1], port))
            except ConnectionRefusedError:
                continue
            except OSError as error:
                found.append(f"{port}: {error}")
            else:
                found.append(str(port))
    return found

with multiprocessing.Pool(4) as pool:
    for found in pool.imap_unordered(look, range(1, 5)):
        print(*found, sep="\\n")
"""


def test_only_the_known_doors_are_open_from_outside(host: Any) -> None:
    found = host.check_output(f"set -e; SCAN={shlex.quote(SCAN)}\n{OUTSIDE}").split()
    assert sorted(found) == ["22", "5555", "80"]
