"""Connections of a server on this machine, as the kernel tells them."""

from pathlib import Path

_NOT_CLOSED = {"01", "08"}  # in /proc/net/tcp: established, and closed by the client alone


def open_connections(port: int) -> set[int]:
    """Return the clients' ports of the connections that the server at a local port has not closed."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, remote, state = line.split()[:4]
            if int(local.rpartition(":")[2], 16) == port and state in _NOT_CLOSED:
                found.add(int(remote.rpartition(":")[2], 16))
    return found
