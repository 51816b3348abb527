"""Which user of this machine is at the other end of a Unix socket, as the kernel tells it (SO_PEERCRED)."""

import grp
import os
import pwd
import socket
import struct
from asyncio import Transport
from typing import Any, NamedTuple

from uvicorn.protocols.http.h11_impl import H11Protocol

# Debian's group of those who administer the machine, by `sudo`.
ADMINISTRATORS_GROUP = "sudo"
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


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
            _, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
            self.client = UnixPeer("unix", uid)


def is_administrator(uid: int) -> bool:
    """Tell whether a user of this machine is root, this program's own user, or in `ADMINISTRATORS_GROUP`."""
    if uid in {0, os.geteuid()}:
        return True
    try:
        user, group = pwd.getpwuid(uid), grp.getgrnam(ADMINISTRATORS_GROUP)
    except KeyError:
        return False
    return group.gr_gid in os.getgrouplist(user.pw_name, user.pw_gid)
