"""playbooks/upgrade.yml and rollback.yml on several hosts: what they tell of each, and a lost connection."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ssh_server import ssh_server
from tests.support.stack import free_port, wait_until

from .installation import Installation, with_systemd
from .playbook import ROOT, LocalMachine
from .releases import make_archive, write_checksum

# each playbook starts some twenty modules a host
pytestmark = pytest.mark.slow

LOCAL = {"ansible_connection": "local"}


class Hosts:
    """Hosts with release 1.0, each a folder of this machine."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        self.installations = {name: Installation(folder / name) for name in names}
        archive = make_archive(folder, "1.0")
        for installation in self.installations.values():
            installation.install(archive, "1.0")
        self.machine = LocalMachine(folder)

    def run(
        self, playbook: str, *options: str, archive: Path | None = None, **connections: dict[str, Any]
    ) -> subprocess.CompletedProcess[str]:
        """Run a playbook; `connections`: the variables of hosts that are not local."""
        hosts = {
            name: {**installation.variables, "data": str(installation.data), **connections.get(name, LOCAL)}
            for name, installation in self.installations.items()
        }
        self.machine.have({"all": {"hosts": hosts}})
        return self.machine.try_run(
            ROOT / "playbooks" / playbook, options=list(options), release_archive=str(archive),
            soniquebay_data="{{ data }}", upgrade_health_seconds=1, upgrade_system=False,
        )  # fmt: skip

    def releases(self) -> list[str]:
        return [installation.current().removeprefix("releases/") for installation in self.installations.values()]

    def files(self) -> dict[Path, int]:
        """Return when each file of each host was written."""
        return {
            path: path.lstat().st_mtime_ns
            for installation in self.installations.values()
            for path in sorted(installation.root.rglob("*"))
        }


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    made = Hosts(tmp_path, "pi1", "pi2", "pi3")
    with with_systemd(made.machine, *made.installations.values()):
        yield made


def summary(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines of the summary."""
    _, found, rest = done.stdout.partition("\nRELEASES")
    assert found, done.stdout + done.stderr
    return rest.strip().splitlines()[1:]


def test_the_summary_tells_what_runs_on_each_host(hosts: Hosts, tmp_path: Path) -> None:
    archive = make_archive(tmp_path, "2.0")
    before = hosts.files()
    done = hosts.run("upgrade.yml", "--check", archive=archive)
    assert summary(done) == [f"{name}: 1.0 runs, and would be replaced by 2.0" for name in ("pi1", "pi2", "pi3")]
    assert "RELEASES (check mode: nothing was touched)" in done.stdout
    assert done.returncode == 0
    assert hosts.files() == before

    hosts.installations["pi2"].sick = {"2.0"}
    done = hosts.run("upgrade.yml", archive=archive)
    assert done.returncode != 0
    first, second, third = summary(done)
    assert (first, third) == ("pi1: 2.0 runs, 1.0 ran before", "pi3: not touched")
    reason = "the upgrade to 2.0 is undone: release 2.0 is not healthy after 1 s: "
    assert second.startswith(f"pi2: failed: {reason}")
    assert second.endswith("; 1.0 runs, as before")
    assert hosts.releases() == ["2.0", "1.0", "1.0"]
    assert not [path for path in hosts.files() if path.name == ".incoming"]

    # a host that cannot be reached, after one that is up to date
    gone = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": free_port()}
    done = hosts.run("upgrade.yml", archive=archive, pi2=gone)
    lines = summary(done)
    assert (done.returncode != 0, lines[0], lines[2]) == (True, "pi1: 2.0 runs, as before", "pi3: not touched")
    assert re.fullmatch(r"pi2: failed: it cannot be reached: .*Connection refused; not touched", lines[1]), lines

    done = hosts.run("upgrade.yml", "--check", archive=archive, pi3=gone)
    lines = summary(done)
    assert lines[:2] == ["pi1: 2.0 runs, and would stay", "pi2: 1.0 runs, and would be replaced by 2.0"]
    assert lines[2].startswith("pi3: failed: it cannot be reached: ")


def test_the_summary_of_a_rollback(hosts: Hosts, tmp_path: Path) -> None:
    archive = make_archive(tmp_path, "2.0")
    for name in ("pi1", "pi3"):
        hosts.installations[name].install(archive, "2.0")
    before = hosts.files()
    done = hosts.run("rollback.yml", "--check")
    assert done.returncode != 0
    assert summary(done) == [  # as it is without --check
        "pi1: 2.0 runs, and would be replaced by 1.0",
        "pi2: failed: there is no other release on this machine; 1.0 runs, as before",
        "pi3: not touched",
    ]
    assert hosts.files() == before
    done = hosts.run("rollback.yml")
    assert done.returncode != 0
    assert summary(done) == [
        "pi1: 1.0 runs, 2.0 ran before",
        "pi2: failed: there is no other release on this machine; 1.0 runs, as before",
        "pi3: not touched",
    ]
    assert summary(hosts.run("rollback.yml", "--check", "-e", "rollback_version=3.0", "--limit", "pi3")) == [
        "pi3: failed: there is no release 3.0 on this machine; 2.0 runs, as before"
    ]


def test_an_archive_that_is_refused_touches_no_host(hosts: Hosts, tmp_path: Path) -> None:
    archive = make_archive(tmp_path, "2.0")
    write_checksum(archive, "0" * 64)
    before = hosts.files()
    done = hosts.run("upgrade.yml", archive=archive)
    first, *others = summary(done)
    assert re.fullmatch(r"pi1: failed: .* its \.sha256 does not match\. Nothing was touched\.; not touched", first), (
        first
    )
    assert others == ["pi2: not touched", "pi3: not touched"]
    assert hosts.files() == before


@pytest.mark.long  # four upgrades
def test_an_upgrade_goes_on_with_the_pieces_that_are_there(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, "pi1", "pi2")
    archive = make_archive(tmp_path, "2.0", more=os.urandom(11_000_000))
    incoming = hosts.installations["pi1"].root / "releases/.incoming"
    with (
        with_systemd(hosts.machine, *hosts.installations.values()),
        ssh_server(tmp_path / "ssh", path=hosts.machine.path) as server,
    ):
        server.forwarder.cut_after_bytes = 7_000_000
        done = hosts.run("upgrade.yml", archive=archive, pi1=server.variables)
        lines = summary(done)
        assert re.fullmatch(r"pi1: failed: it cannot be reached: .*; 1\.0 runs, as before", lines[0]), lines
        assert lines[1] == "pi2: not touched"
        (folder,) = incoming.iterdir()  # no whole archive
        assert "00000" in [path.name for path in folder.iterdir()]
        server.forwarder.mend()
        done = hosts.run("upgrade.yml", archive=archive, pi1=server.variables)
        assert summary(done) == ["pi1: 2.0 runs, 1.0 ran before", "pi2: 2.0 runs, 1.0 ran before"]
        assert done.returncode == 0
        assert "4 of 11 MB are there from an earlier run" in done.stdout
        assert server.forwarder.sent_bytes < 9_000_000
        assert not incoming.exists()

        # The connection is lost while the machine upgrades itself, which it does to the end.
        pi1 = hosts.installations["pi1"]
        archive = make_archive(tmp_path, "2.1", more=os.urandom(5_000_000))
        pi1.when_asked = server.forwarder.cut
        lines = summary(hosts.run("upgrade.yml", archive=archive, pi1=server.variables))
        unknown = (
            r"pi1: failed: it cannot be reached: .*; 2\.0 ran before, and what runs now is not known: play again .*"
        )
        assert re.fullmatch(unknown, lines[0]), lines
        wait_until(lambda: pi1.current() == "releases/2.1")
        pi1.when_asked = lambda: None
        server.forwarder.mend()
        lines = summary(hosts.run("upgrade.yml", archive=archive, pi1=server.variables))
        assert lines == ["pi1: 2.1 runs, as before", "pi2: 2.1 runs, 2.0 ran before"]
        assert server.forwarder.sent_bytes < 3_000_000
    assert not incoming.exists()
