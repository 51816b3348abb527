"""The broker: on a Unix socket for a group, and without what nobody here needs."""

from __future__ import annotations

from typing import Any

import pytest

SOCKET = "/run/redis/redis-server.sock"
CLI = f"redis-cli -s {SOCKET}"
REFUSED = (
    "acl list",
    "client kill type normal",
    "client list",
    "config get port",
    "config set port 6379",
    "debug sleep 0",
    "flushall",
    "flushdb",
    "function load x",
    "keys *",
    "migrate 127.0.0.1 6379 key 0 1000",
    "module list",
    "monitor",
    "replicaof 127.0.0.1 6379",
    "save",
    "shutdown",
    "swapdb 0 1",
)


def test_it_listens_on_its_socket_alone(host: Any) -> None:
    socket = host.file(SOCKET)
    assert socket.is_socket
    assert (socket.user, socket.group, socket.mode) == ("redis", "redis", 0o660)
    assert host.run("ss -Htlnp | grep redis").stdout == ""
    assert host.run(f"runuser -u nobody -- {CLI} ping").stderr.strip().endswith("Permission denied")


@pytest.mark.parametrize("command", REFUSED)
def test_no_program_may_administer_it(host: Any, command: str) -> None:
    said = host.run(f"{CLI} {command.replace('*', chr(39) + '*' + chr(39))}").stdout
    # DEBUG is refused before anybody's rights are looked at
    assert said.startswith(("NOPERM", "ERR DEBUG command not allowed")), said


def test_it_forgets_nothing_and_is_bounded(host: Any) -> None:
    said = host.check_output(f"{CLI} info memory; {CLI} info persistence").replace("\r", "").splitlines()
    assert {"maxmemory:134217728", "maxmemory_policy:noeviction", "aof_enabled:1"} <= set(said)
