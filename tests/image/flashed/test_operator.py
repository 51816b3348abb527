"""What an operator types."""

from __future__ import annotations

import json

from ..appliance import Appliance


def test_a_clean_restart(appliance: Appliance) -> None:
    services = "soniquebay-api.service soniquebay-worker.service soniquebay-flower.service"
    show = f"systemctl show -P MainPID {services}"
    before = set(appliance.run(show).split())
    appliance.run("systemctl restart soniquebay.target")
    appliance.healthy()
    after = set(appliance.run(f"{show}; systemctl is-active {services}").split())
    assert len(before) == 3
    assert before.isdisjoint(after)
    assert "active" in after
    killed = "journalctl -b -q --no-pager -u soniquebay-worker -g 'Killing process|status=9/KILL' || true"
    assert appliance.run(killed) == ""


def test_status_queues_and_logs(appliance: Appliance) -> None:
    status, shown = appliance.try_run("soniquebay status")
    assert status == 0, shown
    assert "ok" in shown
    status, queues = appliance.try_run("soniquebay queues")
    assert status == 0, queues
    for queue in ("scan", "extract", "batch", "insert", "vector", "covers", "deferred", "maintenance"):
        assert queue in queues
    status, logs = appliance.try_run("timeout 60 soniquebay logs | head -50")
    assert logs.strip()


def test_processes_of_the_worker_are_seen(appliance: Appliance) -> None:
    shown = appliance.run("systemctl status --no-pager --full soniquebay-worker.service")
    assert "soniquebay.slice" in shown
    assert "Main PID" in shown


def test_a_scan_that_runs_is_no_failure(appliance: Appliance) -> None:
    appliance.run("systemctl start soniquebay-scan.service; systemctl start soniquebay-scan.service")
    assert appliance.run("systemctl show -P Result soniquebay-scan.service").strip() == "success"
    shown = appliance.run("soniquebay scan --wait --json")
    assert json.loads(shown)["status"] == "completed"


def test_maintenance_runs(appliance: Appliance) -> None:
    appliance.run("systemctl start soniquebay-maintenance.service")
    assert appliance.run("systemctl show -P Result soniquebay-maintenance.service").strip() == "success"
