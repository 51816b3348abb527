"""Unix sockets that the programs open themselves, where systemd has passed none."""

import os
import socket
from pathlib import Path


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
