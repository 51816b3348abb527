"""Clients of the local network and of elsewhere connect to a stack that listens on all addresses of its machine."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Stack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="giving a network namespace its addresses needs root"),
]
OWN_4, OWN_6 = "192.168.7.10", "2001:db8:1:2::10"
NEIGHBOURS = {
    "192.168.7.20": OWN_4, "169.254.7.20": OWN_4, "fd00:7::20": OWN_6, "2001:db8:1:2::20": OWN_6, "::1": "::1",
}  # fmt: skip
STRANGERS = {
    "203.0.113.5": OWN_4, "100.64.0.5": OWN_4, "2001:db8:9:9::20": OWN_6, "2001:db8:1:3::20": "fd00:7::20",
}  # fmt: skip
# Prints the status of the answer to each client: [source, target, port].
CLIENT = """
import json, socket, sys
statuses = []
for source, target, port in json.loads(sys.argv[1]):
    with socket.create_connection((target, port), timeout=20, source_address=(source, 0)) as client:
        client.sendall(b"GET /api/session HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
        try:
            statuses.append(client.recv(65536).split(b" ", 2)[1].decode())
        except (ConnectionResetError, IndexError):
            statuses.append("closed")
print(json.dumps(statuses))
"""


def listening_everywhere(folder: Path) -> Path:
    """Return an interpreter that runs its program in a network namespace with all addresses of the tests."""
    addresses = {OWN_4, OWN_6, *NEIGHBOURS, *STRANGERS} - {"::1"}
    lines = [f"ip addr add {a}{'/128 nodad' if ':' in a else '/32'} dev lo" for a in sorted(addresses)]
    script = "\n".join(["ip link set lo up", *lines, f'exec {sys.executable} "$@" --host ::'])
    (wrapper := folder / "python").write_text(f'#!/bin/sh\nexec unshare --net sh -euc {shlex.quote(script)} sh "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


@pytest.fixture(params=["local", "203.0.113.0/24 2001:db8:9::/48"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    (tmp_path / "music").mkdir()
    running = Stack(
        tmp_path / "music", tmp_path / "data", listening_everywhere(tmp_path), login=True,
        SONIQUEBAY_REACHABLE_FROM=request.param,
    )  # fmt: skip
    yield running
    assert running.stop() == 0


def statuses(stack: Stack, clients: dict[str, str], port: int) -> dict[str, str]:
    questions = [(source, target, port) for source, target in clients.items()]
    command = [
        "nsenter",
        f"--net=/proc/{stack.process.pid}/ns/net",
        sys.executable,
        "-c",
        CLIENT,
        json.dumps(questions),
    ]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return dict(zip(clients, json.loads(run.stdout), strict=True))


def test_only_the_local_network_and_what_is_named_is_answered(stack: Stack) -> None:
    named = {"203.0.113.5", "2001:db8:9:9::20"} if stack.settings["SONIQUEBAY_REACHABLE_FROM"] != "local" else set()
    expected = dict.fromkeys(NEIGHBOURS, "200") | {source: "200" if source in named else "403" for source in STRANGERS}
    assert statuses(stack, NEIGHBOURS | STRANGERS, stack.port) == expected
    # Flower, which has no IPv4 here, lets those in who have a login.
    expected = {source: "401" if status == "200" else status for source, status in expected.items() if ":" in source}
    clients = {source: target for source, target in (NEIGHBOURS | STRANGERS).items() if ":" in source}
    assert statuses(stack, clients, stack.flower_port) == expected
    # A stranger who comes again and again fills no log.
    for _ in range(5):
        statuses(stack, STRANGERS, stack.port)
    log = (stack.data / "logs" / "api.log").read_text()
    assert len(re.findall("is not of the local network", log)) == 1
