"""Several workers, and what a worker may take of the machine, under a real systemd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..appliance import Appliance, until

MIB = 2**20
FIRST = "worker@soniquebay"
SECOND = "soniquebay-worker@2.service"
GROUP = "/sys/fs/cgroup/soniquebay.slice/soniquebay-worker.service"


def workers(appliance: Appliance) -> dict[str, Any]:
    found: dict[str, Any] = appliance.api("/api/worker").json["workers"]
    return found


def stats(appliance: Appliance) -> dict[str, Any]:
    """What each worker says of itself, by Flower."""
    known = appliance.flower("/api/workers?refresh=1", appliance.flower_password()).json
    return {name: worker["stats"] for name, worker in known.items()}


def done(appliance: Appliance) -> dict[str, int]:
    """How many tasks each worker has taken since it started."""
    return {name: sum(found["total"].values()) for name, found in stats(appliance).items()}


@pytest.fixture
def second(appliance: Appliance) -> Iterator[None]:
    """A second worker, ended again."""
    appliance.run("soniquebay scale 2")
    yield
    appliance.run("soniquebay scale 1")


def test_scale_starts_a_second_worker_and_ends_it(appliance: Appliance, second: None) -> None:
    until("two workers answer", 120, lambda: len(workers(appliance)) == 2)
    assert appliance.run(f"systemctl show -P Slice {SECOND}; systemctl is-enabled {SECOND}").split() == [
        "soniquebay.slice",
        "enabled",
    ]
    # they share the work, and bring a scan to its end as one does
    before = done(appliance)
    assert len(before) == 2
    appliance.scan_songs("/srv/music/Shared", 12, title="Shared", artist="Somebody")
    after = done(appliance)
    assert all(after[name] >= before[name] + 2 for name in before), (before, after)
    appliance.run("soniquebay scale 1")
    assert appliance.try_run(f"systemctl is-active {SECOND}")[1].strip() == "inactive"
    assert appliance.try_run(f"systemctl is-enabled {SECOND}")[1].strip() == "disabled"
    until("one worker answers", 120, lambda: len(workers(appliance)) == 1)
    assert appliance.run("systemctl list-units --failed --plain --no-legend") == ""


def test_the_worker_knows_the_limit_of_its_unit(appliance: Appliance) -> None:
    def told() -> dict[str, Any]:
        # Flower still knows of the second one, which is gone
        scaler: dict[str, Any] = stats(appliance)[FIRST]["autoscaler"]
        return scaler

    before = told()["bearable"]
    assert before > 1
    taken = int(appliance.run(f"cat {GROUP}/memory.current"))
    # room for less than the share of one more process
    kept = appliance.run("systemctl show -P MemoryHigh -P MemoryMax soniquebay-worker.service").split()
    limit = "systemctl set-property --runtime soniquebay-worker.service MemoryHigh={} MemoryMax={}"
    try:
        appliance.run(limit.format(taken + 32 * MIB, taken + 64 * MIB))
        until("memory bears one", 60, lambda: told()["bearable"] == 1)
    finally:
        appliance.run(limit.format(*kept))
    until("memory bears more again", 60, lambda: told()["bearable"] > 1)


def test_processes_that_work_come_last(appliance: Appliance) -> None:
    main = appliance.run("systemctl show -P MainPID soniquebay-worker.service").strip()
    shown = appliance.run(f"ps -o ni= -p {main}; ps -o ni= --ppid {main}; ps -o pid= --ppid {main} | xargs ionice -p")
    words = shown.split()
    assert words[0] == "0"  # the one that hands out the work
    children = (len(words) - 1) // 2
    assert children >= 1
    assert words[1:] == ["10"] * children + ["idle"] * children
