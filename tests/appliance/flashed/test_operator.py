"""The commands of an operator."""

from __future__ import annotations

import json
import re

from image.paths import ROOT

from ..client import NO_ENTRIES, PROGRAMS, Appliance, wait_for


def test_every_command_of_the_readme_exists(appliance: Appliance) -> None:
    """The programs of the README's table for operators are installed, and soniquebay has the commands named there."""
    table = (ROOT / "README.md").read_text().partition("## Operate it")[2].partition("**Upgrade**")[0]
    commands = {match.replace("sudo ", "") for match in re.findall(r"`((?:sudo )?[a-z]+ [^`]+)`", table)}
    programs = {command.split()[0] for command in commands}
    subcommands = {command.split()[1] for command in commands if command.startswith("soniquebay ")}
    assert {"soniquebay", "systemctl"} <= programs
    assert {"status", "scan", "logs"} <= subcommands
    checks = [f"command -v {name}" for name in sorted(programs)] + [
        f"soniquebay {name} --help" for name in sorted(subcommands)
    ]
    for check in checks:
        status, output = appliance.try_run(check)
        assert status == 0, f"{check}: {output}"


def test_a_restart_of_the_target_restarts_every_program_cleanly(appliance: Appliance) -> None:
    services = " ".join(f"soniquebay-{name}.service" for name in PROGRAMS)
    before = appliance.run(f"systemctl show -P MainPID {services}").split()
    appliance.run("systemctl restart soniquebay.target")
    appliance.healthy()
    after = appliance.run(f"systemctl show -P MainPID {services}").split()
    assert len(set(before)) == len(set(after)) == 3
    assert {"0", *before}.isdisjoint(after)
    assert appliance.run(f"systemctl is-active {services}").split() == ["active"] * 3
    kills = "journalctl -b -q --no-pager -u soniquebay-worker -g 'Killing process|status=9/KILL'"
    assert appliance.try_run(kills) == NO_ENTRIES


def test_status_queues_and_logs_are_shown(appliance: Appliance) -> None:
    # The programs have just been restarted: an emulated machine needs its processors for the tasks that begin then.
    wait_for("the appliance is healthy", lambda: appliance.try_run("soniquebay status")[0] == 0)
    status, queues = appliance.try_run("soniquebay queues")
    assert status == 0, queues
    for queue in ("scan", "extract", "batch", "insert", "vector", "covers", "deferred", "maintenance"):
        assert queue in queues
    for name in PROGRAMS:
        status, logs = appliance.try_run(f"soniquebay logs -n 20 {name}")
        assert status == 0, logs
        assert f"soniquebay-{name}.service" in logs or f"soniquebay-{name}[" in logs, logs


def test_systemctl_status_shows_the_processes_of_the_worker(appliance: Appliance) -> None:
    status = appliance.run("systemctl status --no-pager --full soniquebay-worker.service")
    tree = status.partition("CGroup: /soniquebay.slice/soniquebay-worker.service")[2].partition("\n\n")[0]
    assert tree.count("soniquebay worker") >= 2, status  # the main process and its children


def test_requesting_a_scan_during_a_scan_is_not_a_failure(appliance: Appliance) -> None:
    appliance.run("systemctl start soniquebay-scan.service; systemctl start soniquebay-scan.service")
    assert appliance.run("systemctl show -P Result soniquebay-scan.service").strip() == "success"
    summary = appliance.run("soniquebay scan --wait --json")
    assert json.loads(summary)["status"] == "completed"


def test_maintenance_succeeds(appliance: Appliance) -> None:
    appliance.run("systemctl start soniquebay-maintenance.service")
    assert appliance.run("systemctl show -P Result soniquebay-maintenance.service").strip() == "success"
