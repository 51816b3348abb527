"""The doctor finds workers on other machines that are gone or suspended, and a worker proxy that does not listen."""

import socket
import time
from pathlib import Path

import pytest

from soniquebay.doctor.remote_workers import UNSEEN_SECONDS
from soniquebay.listeners.database import ListenersDatabase
from tests.unit.doctor.conftest import Machine

NOW = time.time()


def join(machine: Machine, name: str, *, joined: float = NOW, seen: float | None = NOW) -> None:
    path = machine.folder / "data/listeners.db"
    with ListenersDatabase(path, machine.folder / "data/library.db").transaction() as db:
        db.execute(
            "INSERT INTO remote_workers (name, serial, token_hash, version, joined_at, seen_at) "
            "VALUES (?1, ?1, CAST(?1 AS BLOB), '1', ?2, ?3)",
            (name, joined, seen),
        )


@pytest.fixture
def proxy(machine: Machine) -> socket.socket:
    """Something that listens where the worker proxy does."""
    listening = socket.create_server(("127.0.0.1", 0))
    machine.variables["SONIQUEBAY_WORKER_PROXY_PORT"] = str(listening.getsockname()[1])
    return listening


def test_workers_that_are_there(machine: Machine, proxy: socket.socket) -> None:
    (finding,) = machine.find("remote-workers")
    assert (finding.state, finding.sentence) == ("ok", "No worker on another machine has joined.")
    join(machine, "desk")
    join(machine, "laptop", joined=NOW - 9 * UNSEEN_SECONDS)
    join(machine, "new", seen=None)
    assert machine.is_fine("remote-workers")
    assert len(machine.find("remote-workers")) == 4


@pytest.mark.parametrize(("ago", "said"), [(UNSEEN_SECONDS + 9, "was seen last on"), (None, "was never seen")])
def test_a_worker_that_was_not_seen_for_a_day(
    machine: Machine, proxy: socket.socket, ago: float | None, said: str
) -> None:
    join(machine, "desk")
    join(machine, "laptop", joined=NOW - 2 * UNSEEN_SECONDS, seen=None if ago is None else NOW - ago)
    found = machine.wrong("remote-workers")
    assert said in found.sentence and "laptop" in found.sentence
    assert "soniquebay workers revoke laptop" in found.remedy


def test_a_suspended_worker(machine: Machine) -> None:
    join(machine, "laptop")
    path = machine.folder / "data/listeners.db"
    with ListenersDatabase(path, machine.folder / "data/library.db").transaction() as db:
        db.execute("UPDATE remote_workers SET suspended_at = 1, suspended_because = 'its vector is wrong'")
    found = machine.wrong("remote-workers")  # without the proxy, which nobody may use
    assert "laptop on another machine is suspended: its vector is wrong." in found.sentence
    assert "soniquebay join-code" in found.remedy


def test_a_worker_proxy_that_does_not_listen(machine: Machine, proxy: socket.socket) -> None:
    join(machine, "laptop")
    assert machine.is_fine("remote-workers")
    with socket.create_connection(proxy.getsockname()), proxy.accept()[0]:  # open, which is not to listen
        proxy.close()
        found = machine.wrong("remote-workers")
    assert "does not listen on port" in found.sentence
    assert "soniquebay-worker-proxy" in found.remedy


def test_a_worker_proxy_in_another_container(machine: Machine) -> None:
    join(machine, "laptop")
    machine.variables["SONIQUEBAY_WORKER_PROXY_CERTIFICATES"] = "/run/soniquebay-workers"
    assert [one.state for one in machine.find("remote-workers")] == ["ok", "unknown"]


def test_a_machine_without_ipv6(machine: Machine, proxy: socket.socket, tmp_path: Path) -> None:
    join(machine, "laptop")
    (tmp_path / "net").mkdir()
    (tmp_path / "net/tcp").write_bytes(Path("/proc/net/tcp").read_bytes())
    assert machine.is_fine("remote-workers", proc=tmp_path)
