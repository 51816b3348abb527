"""Which user of this machine is at the other end of a Unix socket, as the kernel tells it (SO_PEERCRED)."""

import grp
import os
import pwd
import socket
from asyncio import Transport
from typing import Any, NamedTuple

from uvicorn.protocols.http.h11_impl import H11Protocol

from soniquebay.sockets import peer_uid

# Debian's group of those who administer the machine, by `sudo`.
ADMINISTRATORS_GROUP = "sudo"


class UnixPeer(NamedTuple):
    """The client of a request that came over a Unix socket, in the place of address and port in the ASGI scope."""

    host: str
    uid: int


class PeerProtocol(H11Protocol):
    """HTTP over TCP and Unix sockets; for the latter, the client in the scope is a `UnixPeer`."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Note who has connected."""
        super().connection_made(transport)
        sock: Any = transport.get_extra_info("socket")
        if sock is not None and sock.family == socket.AF_UNIX:
            self.client = UnixPeer("unix", peer_uid(sock))


def is_administrator(uid: int) -> bool:
    """Tell whether a user of this machine is root, this program's own user, or in `ADMINISTRATORS_GROUP`."""
    if uid in {0, os.geteuid()}:
        return True
    try:
        user, group = pwd.getpwuid(uid), grp.getgrnam(ADMINISTRATORS_GROUP)
    except KeyError:
        return False
    return group.gr_gid in os.getgrouplist(user.pw_name, user.pw_gid)
