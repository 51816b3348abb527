"""Two protocols between systemd and a service: socket activation (sd_listen_fds(3)) and readiness (sd_notify(3))."""

import os
import socket

_LISTEN_FDS_START = 3  # the first descriptor that systemd passes


def listen_sockets() -> list[socket.socket]:
    """Return the sockets that systemd has passed to this process; an empty list without systemd."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=_LISTEN_FDS_START + i) for i in range(count)]


def notify(state: str) -> None:
    """Report this service's state to systemd, for example ``READY=1``; do nothing without systemd."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # a socket in the abstract namespace
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), address)
