"""A Unix socket of our own admits its owner and group, and replaces what a killed program has left."""

import socket
from pathlib import Path

import pytest

from soniquebay.sockets import bind_unix_socket


def test_the_socket_is_for_owner_and_group_alone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "s.sock"
    with bind_unix_socket(path, 4), socket.socket(socket.AF_UNIX) as client:
        assert path.stat().st_mode & 0o777 == 0o660
        client.connect(str(path))


def test_a_socket_left_by_a_killed_program_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    bind_unix_socket(path, 1).close()
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(str(path))
    with bind_unix_socket(path, 1), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
