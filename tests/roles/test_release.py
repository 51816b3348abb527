"""The role release and the playbooks of releases on this machine: real archives, stand-ins for systemd and the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.ssh_keys import make_key, sign, trust

from .installation import COPY, LIBRARY, Installation, with_systemd
from .playbook import ROOT, LocalMachine
from .releases import make_archive

# each starts Ansible and some twenty of its modules
pytestmark = pytest.mark.slow


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_the_role_installs_a_release_once(machine: LocalMachine, installation: Installation, tmp_path: Path) -> None:
    archive = make_archive(tmp_path, "1.0")
    play = {"roles": ["release"], "vars": {"soniquebay_live": False}}
    printed = machine.play(play, play, release_archive=str(archive), **installation.variables)
    assert installation.current() == "releases/1.0"
    assert installation.names() == ["1.0"]
    assert installation.command.resolve() == installation.root / "releases/1.0/bin/soniquebay"
    assert (installation.root / "releases/1.0/lib/other").is_dir()
    changed = [line for line in printed.splitlines() if line.startswith("changed:")]
    assert len(changed) == 3  # copied, installed and activated by the first play; nothing by the second
    assert machine.restarts() == 0


@pytest.mark.long
def test_the_playbooks_have_the_machine_upgrade_itself_and_tell_what_came_of_it(
    machine: LocalMachine, installation: Installation, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "key")
    first = make_archive(tmp_path, "1.0", trust(key))
    machine.play({"roles": ["release"]}, soniquebay_live=False, release_archive=str(first), **installation.variables)
    (installation.data / LIBRARY).write_text("kept")
    (installation.data / COPY).write_text("of an earlier upgrade")
    with with_systemd(machine, installation):
        upgrade_and_go_back(machine, installation, tmp_path, key)


def upgrade_and_go_back(machine: LocalMachine, installation: Installation, tmp_path: Path, key: Path) -> None:
    def run(playbook: str, version: str, *options: str, signed: bool = False) -> tuple[int, str]:
        archive = make_archive(tmp_path, version)
        if signed:
            sign(archive, key)
        done = machine.try_run(
            ROOT / "playbooks" / playbook,
            options=list(options),
            release_archive=str(archive),
            upgrade_health_seconds=1,
            upgrade_system=False,  # this machine keeps its own
            **installation.variables,
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    status, printed = run("upgrade.yml", "2.0", "--check")
    assert (status, installation.current()) == (0, "releases/1.0"), printed
    assert "1.0 would be replaced by 2.0." in printed
    assert "changed=1 " in printed
    status, printed = run("upgrade.yml", "2.0")
    assert status != 0
    assert "has no signature beside it, and release 1.0 wants one" in printed, printed
    assert installation.current() == "releases/1.0"
    status, printed = run("upgrade.yml", "2.0", signed=True)
    assert (status, installation.current()) == (0, "releases/2.0"), printed
    assert "changed=1 " in printed
    assert installation.names() == ["1.0", "2.0"]
    assert [path.name for path in installation.data.iterdir()] == [LIBRARY]
    status, printed = run("upgrade.yml", "3.0")
    assert status != 0
    assert "release 3.0 is not healthy after 1 s" in printed, printed
    assert "release 2.0 runs again, with the library as it was" in printed
    assert installation.current() == "releases/2.0"
    assert (installation.data / LIBRARY).read_text() == "kept"
    assert [path.name for path in installation.data.iterdir()] == [LIBRARY]
    status, printed = run("rollback.yml", "2.0")
    assert (status, installation.current()) == (0, "releases/1.0"), printed
    assert not (installation.root / "releases/.incoming").exists()
    # An operator sets none of the shared variables: the data folder is the appliance's, which is not here.
    shared = {name: value for name, value in installation.variables.items() if name != "soniquebay_data"}
    done = machine.try_run(ROOT / "playbooks/rollback.yml", **shared)
    printed = " ".join((done.stdout + done.stderr).split())
    assert "undefined" not in printed, printed
    assert "/var/lib/soniquebay" in printed
