"""What an operator types."""

from __future__ import annotations

import json
import re

from image.paths import ROOT

from ..client import NOT_FOUND, PROGRAMS, Appliance


def test_every_command_of_the_readme_is_there(appliance: Appliance) -> None:
    """As the table of what an operator does tells them: their programs, and the soniquebay ones' own commands."""
    told = (ROOT / "README.md").read_text().partition("## Operate it")[2].partition("**Upgrade**")[0]
    commands = {match.replace("sudo ", "") for match in re.findall(r"`((?:sudo )?[a-z]+ [^`]+)`", told)}
    programs = {command.split()[0] for command in commands}
    own = {command.split()[1] for command in commands if command.startswith("soniquebay ")}
    assert {"soniquebay", "systemctl"} <= programs
    assert {"status", "scan", "logs"} <= own
    asked = [f"command -v {name}" for name in sorted(programs)] + [f"soniquebay {name} --help" for name in sorted(own)]
    for command in asked:
        status, said = appliance.try_run(command)
        assert status == 0, f"{command}: {said}"


def test_a_clean_restart(appliance: Appliance) -> None:
    services = " ".join(f"soniquebay-{name}.service" for name in PROGRAMS)
    before = appliance.run(f"systemctl show -P MainPID {services}").split()
    appliance.run("systemctl restart soniquebay.target")
    appliance.healthy()
    after = appliance.run(f"systemctl show -P MainPID {services}").split()
    assert len(set(before)) == len(set(after)) == 3
    assert {"0", *before}.isdisjoint(after)
    assert appliance.run(f"systemctl is-active {services}").split() == ["active"] * 3
    killed = "journalctl -b -q --no-pager -u soniquebay-worker -g 'Killing process|status=9/KILL'"
    assert appliance.try_run(killed) == NOT_FOUND


def test_status_queues_and_logs(appliance: Appliance) -> None:
    status, shown = appliance.try_run("soniquebay status")
    assert status == 0, shown
    status, queues = appliance.try_run("soniquebay queues")
    assert status == 0, queues
    for queue in ("scan", "extract", "batch", "insert", "vector", "covers", "deferred", "maintenance"):
        assert queue in queues
    for name in PROGRAMS:
        status, logs = appliance.try_run(f"soniquebay logs -n 20 {name}")
        assert status == 0, logs
        assert f"soniquebay-{name}.service" in logs or "soniquebay[" in logs, logs


def test_processes_of_the_worker_are_seen(appliance: Appliance) -> None:
    shown = appliance.run("systemctl status --no-pager --full soniquebay-worker.service")
    tree = shown.partition("CGroup: /soniquebay.slice/soniquebay-worker.service")[2].partition("\n\n")[0]
    assert tree.count("soniquebay worker") >= 2, shown  # the one that hands out the work, and its children


def test_a_scan_that_runs_is_no_failure(appliance: Appliance) -> None:
    appliance.run("systemctl start soniquebay-scan.service; systemctl start soniquebay-scan.service")
    assert appliance.run("systemctl show -P Result soniquebay-scan.service").strip() == "success"
    shown = appliance.run("soniquebay scan --wait --json")
    assert json.loads(shown)["status"] == "completed"


def test_maintenance_runs(appliance: Appliance) -> None:
    appliance.run("systemctl start soniquebay-maintenance.service")
    assert appliance.run("systemctl show -P Result soniquebay-maintenance.service").strip() == "success"
