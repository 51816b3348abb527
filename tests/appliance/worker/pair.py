"""Two booted machines with a cable between them: the appliance, and the machine that works for it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..client import Appliance, wait_for

NAME = "second"  # the second machine's host name, so the worker's
UNIT = "soniquebay-remote-worker.service"
URL = "http://soniquebay.local"  # resolved by mDNS, over the cable
WORKER_PROXY_PORT = 6380
QUERY = """
import json, sqlite3, sys
db = sqlite3.connect("/var/lib/soniquebay/library.db", timeout=60)
db.execute("PRAGMA foreign_keys = on")  # what workers on other machines have brought goes with the vectors
with db:
    print(json.dumps(db.execute(sys.argv[1]).fetchall()))
"""
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)"


@dataclass(frozen=True)
class Pair:
    """The appliance and the second machine."""

    appliance: Appliance
    second: Appliance

    def rows(self, statement: str) -> list[list[Any]]:
        """Run a statement on the appliance's library and return its rows."""
        command = f"python3 -c {shlex.quote(QUERY)} {shlex.quote(statement)}"
        found: list[list[Any]] = json.loads(self.appliance.run(command))
        return found

    def vectors(self) -> dict[int, str]:
        """Return the vector of each track that has one, as hexadecimal digits."""
        return dict(self.rows("SELECT track_id, hex(data) FROM vectors WHERE data IS NOT NULL"))

    def forget_vectors(self) -> None:
        """Have every track analysed again."""
        self.rows("DELETE FROM vectors")

    def leased(self) -> int:
        """Return how many tracks the second machine has."""
        return int(self.rows(f"SELECT count(*) FROM analysis_leases WHERE worker = '{NAME}'")[0][0])

    def listed(self) -> dict[str, Any]:
        """Return what the API lists of the second machine; nothing when it lists no such worker."""
        items = self.appliance.api("/api/workers").json["items"]
        return next((item for item in items if item["name"] == NAME), {})

    def wait_until_present(self) -> None:
        """Wait until the second machine works for the appliance."""
        wait_for("the second machine is there", lambda: self.listed()["is_present"])

    def join_code(self) -> str:
        """Make a join code on the appliance."""
        return str(json.loads(self.appliance.run("soniquebay join-code --json"))["code"])

    def second_reaches(self, port: int) -> bool:
        """Tell whether the second machine can connect to a port of the appliance."""
        return self.second.try_run(f"python3 -c {shlex.quote(CONNECT)} soniquebay.local {port}")[0] == 0

    @contextmanager
    def only_the_second_works(self) -> Iterator[None]:
        """Freeze the appliance's own worker meanwhile."""
        self.appliance.run("systemctl freeze soniquebay-worker.service")
        try:
            yield
        finally:
            self.appliance.run("systemctl thaw soniquebay-worker.service")
