"""Which user of this machine is at the other end of a Unix socket, as the kernel tells it (SO_PEERCRED)."""

import grp
import ipaddress
import os
import pwd
import socket
from asyncio import Transport
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import get_remote_addr

from soniquebay.sockets import UnixPeer, peer_uid

# Debian's group of those who administer the machine, by `sudo`.
ADMINISTRATORS_GROUP = "sudo"


class PeerProtocol(H11Protocol):
    """HTTP over TCP and Unix sockets; for the latter, the client in the scope is a `UnixPeer`.

    An IPv4 client of a socket for both families has its own address, and not the one that IPv6 writes for it.
    """

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Note who has connected."""
        super().connection_made(transport)
        self.client = client_of(transport)


def client_of(transport: Transport) -> tuple[str, int] | None:
    """Return who is at the other end of a connection, as it stands in the scope of a request."""
    sock: Any = transport.get_extra_info("socket")
    if sock is not None and sock.family == socket.AF_UNIX:
        return UnixPeer("unix", peer_uid(sock))
    client = get_remote_addr(transport)
    return None if client is None else (_plain(client[0]), client[1])


def _plain(address: str) -> str:
    """Return an address without the prefix of one of IPv4 that is written as one of IPv6."""
    mapped = ipaddress.IPv6Address(address).ipv4_mapped if ":" in address else None
    return address if mapped is None else str(mapped)


def is_administrator(uid: int) -> bool:
    """Tell whether a user of this machine is root, this program's own user, or in `ADMINISTRATORS_GROUP`."""
    if uid in {0, os.geteuid()}:
        return True
    try:
        user, group = pwd.getpwuid(uid), grp.getgrnam(ADMINISTRATORS_GROUP)
    except KeyError:
        return False
    return group.gr_gid in os.getgrouplist(user.pw_name, user.pw_gid)
