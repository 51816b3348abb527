"""Several workers, and the limits of a worker, under a real systemd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..celery_workers import stats, workers
from ..client import Appliance, wait_for

MIB = 2**20
FIRST_WORKER = "worker@soniquebay"
SECOND_UNIT = "soniquebay-worker@2.service"
CGROUP = "/sys/fs/cgroup/soniquebay.slice/soniquebay-worker.service"


def task_counts(appliance: Appliance, names: list[str]) -> dict[str, int]:
    """Return how many tasks each of these workers has received since it started."""
    return {name: sum(stats(appliance, name)["total"].values()) for name in names}


@pytest.fixture
def second_worker(appliance: Appliance) -> Iterator[None]:
    """Start a second worker and stop it after the test."""
    appliance.run("soniquebay scale 2")
    yield
    appliance.run("soniquebay scale 1")


def test_scale_starts_and_stops_a_second_worker(appliance: Appliance, second_worker: None) -> None:
    names: list[str] = wait_for("two workers answer", lambda: len(both := list(workers(appliance))) == 2 and both)
    assert appliance.run(f"systemctl show -P Slice {SECOND_UNIT}; systemctl is-enabled {SECOND_UNIT}").split() == [
        "soniquebay.slice",
        "enabled",
    ]
    # both workers take part in a scan, and it completes
    before = task_counts(appliance, names)
    appliance.scan_songs("/srv/music/Shared", 12, title="Shared", artist="Somebody")
    after = task_counts(appliance, names)
    assert all(after[name] >= before[name] + 2 for name in before), (before, after)
    appliance.run("soniquebay scale 1")
    assert appliance.try_run(f"systemctl is-active {SECOND_UNIT}")[1].strip() == "inactive"
    assert appliance.try_run(f"systemctl is-enabled {SECOND_UNIT}")[1].strip() == "disabled"
    wait_for("one worker answers", lambda: len(workers(appliance)) == 1)
    assert appliance.run("systemctl list-units --failed --plain --no-legend") == ""


def test_the_process_limit_follows_the_memory_limit_of_the_unit(appliance: Appliance) -> None:
    def process_limit() -> int:
        return int(stats(appliance, FIRST_WORKER)["autoscaler"]["process_limit"])

    assert process_limit() > 1
    used = int(appliance.run(f"cat {CGROUP}/memory.current"))
    # the rest of the limit is less than what one more process needs
    limits = appliance.run("systemctl show -P MemoryHigh -P MemoryMax soniquebay-worker.service").split()
    set_limits = "systemctl set-property --runtime soniquebay-worker.service MemoryHigh={} MemoryMax={}"
    try:
        appliance.run(set_limits.format(used + 32 * MIB, used + 64 * MIB))
        wait_for("the memory allows one process", lambda: process_limit() == 1)
    finally:
        appliance.run(set_limits.format(*limits))
    wait_for("the memory allows more processes again", lambda: process_limit() > 1)


def test_child_processes_run_at_low_priority(appliance: Appliance) -> None:
    main = appliance.run("systemctl show -P MainPID soniquebay-worker.service").strip()
    output = appliance.run(f"ps -o ni= -p {main}; ps -o ni= --ppid {main}; ps -o pid= --ppid {main} | xargs ionice -p")
    priorities = output.split()
    assert priorities[0] == "0"  # of the main process
    children = (len(priorities) - 1) // 2
    assert children >= 1
    assert priorities[1:] == ["10"] * children + ["idle"] * children
