"""Unix sockets: those that the programs open themselves, where systemd has passed none, and who is at the other end."""

import os
import socket
import struct
from pathlib import Path
from typing import NamedTuple

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


def bind_unix_socket(path: Path, backlog: int, mode: int = 0o660) -> socket.socket:
    """Return a listening Unix socket at `path`, by default for its owner and group alone.

    A socket file that a killed program has left there is replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX)
    # The umask and not a chmod afterwards: at no moment may others connect.
    mask = os.umask(0o777 & ~mode)
    try:
        sock.bind(str(path))
    finally:
        os.umask(mask)
    sock.listen(backlog)
    return sock


class UnixPeer(NamedTuple):
    """The client of a request that came over a Unix socket, in the place of address and port in the ASGI scope."""

    host: str
    uid: int


def peer_uid(sock: socket.socket) -> int:
    """Return the user of this machine at the other end of a Unix socket, as the kernel tells it (SO_PEERCRED)."""
    _, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(uid)
