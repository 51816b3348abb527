"""Redis: only on its Unix socket, and without the commands that no program needs."""

from __future__ import annotations

from typing import Any

import pytest

SOCKET = "/run/redis/redis-server.sock"
REDIS_CLI = f"redis-cli -s {SOCKET}"
FORBIDDEN_COMMANDS = (
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


def test_redis_listens_only_on_its_socket(host: Any) -> None:
    socket = host.file(SOCKET)
    assert socket.is_socket
    assert (socket.user, socket.group, socket.mode) == ("redis", "redis", 0o660)
    assert host.run("ss -Htlnp | grep redis").stdout == ""
    assert host.run(f"runuser -u nobody -- {REDIS_CLI} ping").stderr.strip().endswith("Permission denied")


@pytest.mark.parametrize("command", FORBIDDEN_COMMANDS)
def test_administrative_commands_are_refused(host: Any, command: str) -> None:
    reply = host.run(f"{REDIS_CLI} {command.replace('*', chr(39) + '*' + chr(39))}").stdout
    # Redis refuses DEBUG before it checks permissions
    assert reply.startswith(("NOPERM", "ERR DEBUG command not allowed")), reply


def test_redis_evicts_nothing_and_has_a_memory_limit(host: Any) -> None:
    info = host.check_output(f"{REDIS_CLI} info memory; {REDIS_CLI} info persistence").replace("\r", "").splitlines()
    assert {"maxmemory:134217728", "maxmemory_policy:noeviction", "aof_enabled:1"} <= set(info)
