"""The workers on other machines: they are there, none is suspended, and the worker proxy lets them in."""

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from soniquebay.doctor.finding import Finding, needs_root, ok, unknown, wrong
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.library.database import open_read_only

UNSEEN_SECONDS = 86400.0
_LISTENS = "0A"  # the state in the kernel's tables of TCP


def remote_workers(around: Surroundings) -> Iterator[Finding]:
    """Check each worker that has joined, and that the worker proxy listens once one of them may connect."""
    path = around.settings.listeners_database
    if not os.access(path, os.R_OK):
        yield needs_root("The list of workers on other machines may not be read by this user.")
        return
    try:
        with open_read_only(path) as db:
            db.row_factory = sqlite3.Row
            workers = [dict(row) for row in db.execute("SELECT * FROM remote_workers ORDER BY name")]
    except sqlite3.Error as error:
        yield unknown(f"The workers on other machines are not known: {error}.")
        return
    if not workers:
        yield ok("No worker on another machine has joined.")
        return
    for worker in workers:
        yield _worker(worker, around.clock())
    if any(worker["suspended_at"] is None for worker in workers):
        yield _proxy(around)


def _worker(worker: dict[str, Any], now: float) -> Finding:
    name, seen = worker["name"], worker["seen_at"] or worker["joined_at"]
    if worker["suspended_at"] is not None:
        return wrong(
            f"The worker {name} on another machine is suspended: {worker['suspended_because']}.",
            "Look for what is wrong with that machine. To let the worker join again: soniquebay join-code; "
            f"to end it: soniquebay workers revoke {name}",
        )
    if now - seen > UNSEEN_SECONDS:
        said = "was never seen, and joined" if worker["seen_at"] is None else "was seen last"
        return wrong(
            f"The worker {name} on another machine {said} on {time.strftime('%Y-%m-%d', time.localtime(seen))}.",
            "Start it there: soniquebay worker --join http://<address of this machine>; if it is no longer used: "
            f"soniquebay workers revoke {name}",
        )
    return ok(f"The worker {name} on another machine was seen within a day.")


def _proxy(around: Surroundings) -> Finding:
    port = around.settings.worker_proxy_port
    if _is_listening(around.proc, port):
        return ok("The worker proxy listens.")
    if around.settings.worker_proxy_certificates != around.settings.authority_folder:
        return unknown("Whether the worker proxy listens is not known: it is in a container of its own.")
    return wrong(
        f"Workers on other machines cannot connect: the worker proxy does not listen on port {port}.",
        "sudo systemctl restart soniquebay-worker-proxy.path soniquebay-worker-proxy.service; what it says: "
        "soniquebay logs worker-proxy",
    )


def _is_listening(proc: Path, port: int) -> bool:
    """Tell whether a program listens on a port. A connection would be one without TLS in the log of the proxy."""
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text("ascii").splitlines()[1:]
        except FileNotFoundError:  # without IPv6
            continue
        for _, local, _, state, *_ in map(str.split, lines):
            if state == _LISTENS and int(local.rpartition(":")[2], 16) == port:
                return True
    return False
