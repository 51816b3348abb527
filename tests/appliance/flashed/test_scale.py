"""Several workers, and what a worker may take of the machine, under a real systemd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..client import Appliance, until

MIB = 2**20
FIRST = "worker@soniquebay"
SECOND = "soniquebay-worker@2.service"
GROUP = "/sys/fs/cgroup/soniquebay.slice/soniquebay-worker.service"


def workers(appliance: Appliance) -> dict[str, Any]:
    found: dict[str, Any] = appliance.api("/api/worker").json["workers"]
    return found


def stats(appliance: Appliance, worker: str) -> dict[str, Any]:
    """What a worker says of itself now, by Flower, which shows an older answer of one that did not answer in time."""
    password = appliance.flower_password()

    def told() -> dict[str, Any]:
        answer = appliance.flower(f"/api/workers?refresh=1&workername={worker}", password)
        found: dict[str, Any] = answer.json[worker].get("stats", {}) if answer.status == 200 else {}
        return found

    earlier = until(f"{worker} answers", told)["uptime"]
    found: dict[str, Any] = until(f"{worker} answers anew", lambda: (now := told()).get("uptime", 0) > earlier and now)
    return found


def done(appliance: Appliance, names: list[str]) -> dict[str, int]:
    """How many tasks each of these workers has taken since it started."""
    return {name: sum(stats(appliance, name)["total"].values()) for name in names}


@pytest.fixture
def second(appliance: Appliance) -> Iterator[None]:
    """A second worker, ended again."""
    appliance.run("soniquebay scale 2")
    yield
    appliance.run("soniquebay scale 1")


def test_scale_starts_a_second_worker_and_ends_it(appliance: Appliance, second: None) -> None:
    names: list[str] = until("two workers answer", lambda: len(found := list(workers(appliance))) == 2 and found)
    assert appliance.run(f"systemctl show -P Slice {SECOND}; systemctl is-enabled {SECOND}").split() == [
        "soniquebay.slice",
        "enabled",
    ]
    # they share the work, and bring a scan to its end as one does
    before = done(appliance, names)
    appliance.scan_songs("/srv/music/Shared", 12, title="Shared", artist="Somebody")
    after = done(appliance, names)
    assert all(after[name] >= before[name] + 2 for name in before), (before, after)
    appliance.run("soniquebay scale 1")
    assert appliance.try_run(f"systemctl is-active {SECOND}")[1].strip() == "inactive"
    assert appliance.try_run(f"systemctl is-enabled {SECOND}")[1].strip() == "disabled"
    until("one worker answers", lambda: len(workers(appliance)) == 1)
    assert appliance.run("systemctl list-units --failed --plain --no-legend") == ""


def test_the_worker_knows_the_limit_of_its_unit(appliance: Appliance) -> None:
    def told() -> dict[str, Any]:
        scaler: dict[str, Any] = stats(appliance, FIRST)["autoscaler"]
        return scaler

    before = told()["process_limit"]
    assert before > 1
    taken = int(appliance.run(f"cat {GROUP}/memory.current"))
    # room for less than the share of one more process
    kept = appliance.run("systemctl show -P MemoryHigh -P MemoryMax soniquebay-worker.service").split()
    limit = "systemctl set-property --runtime soniquebay-worker.service MemoryHigh={} MemoryMax={}"
    try:
        appliance.run(limit.format(taken + 32 * MIB, taken + 64 * MIB))
        until("memory bears one", lambda: told()["process_limit"] == 1)
    finally:
        appliance.run(limit.format(*kept))
    until("memory bears more again", lambda: told()["process_limit"] > 1)


def test_processes_that_work_come_last(appliance: Appliance) -> None:
    main = appliance.run("systemctl show -P MainPID soniquebay-worker.service").strip()
    shown = appliance.run(f"ps -o ni= -p {main}; ps -o ni= --ppid {main}; ps -o pid= --ppid {main} | xargs ionice -p")
    words = shown.split()
    assert words[0] == "0"  # the one that hands out the work
    children = (len(words) - 1) // 2
    assert children >= 1
    assert words[1:] == ["10"] * children + ["idle"] * children
