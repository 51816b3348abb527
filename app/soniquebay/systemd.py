"""The two words that systemd and a service exchange: sockets handed over, and readiness."""

import os
import socket

_FIRST = 3  # the first descriptor that systemd hands over


def listen_sockets() -> list[socket.socket]:
    """Return the sockets that systemd handed to this very process; none outside systemd."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=_FIRST + i) for i in range(count)]


def notify(state: str) -> None:
    """Tell systemd this service's state, as ``READY=1``; does nothing outside systemd."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), address)
