"""The metrics of the machine, out of the files that a Pi's kernel has."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from soniquebay.api.metrics.machine import MachineMetrics
from soniquebay.procfs import MIB
from tests.unit.api.test_machine import settings_of


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def pi(tmp_path: Path) -> Iterator[CollectorRegistry]:
    """Make the kernel's files of a Pi; return a registry with the metrics of the machine."""
    proc, sys, data = tmp_path / "proc", tmp_path / "sys", tmp_path / "data"
    data.mkdir()
    write(proc / "uptime", "3600.50 9000.00\n")
    write(proc / "meminfo", "MemTotal: 3884000 kB\nMemAvailable: 2048000 kB\n")
    write(proc / "self/cgroup", "0::/soniquebay.slice/soniquebay-api.service\n")
    write(sys / "class/thermal/thermal_zone0/temp", "58432\n")
    write(sys / "devices/platform/soc/soc:firmware/get_throttled", "50004\n")
    slice_ = sys / "fs/cgroup/soniquebay.slice"
    for group, used, limit in ((slice_, 500, "1450"), (slice_ / "soniquebay-api.service", 200, "400")):
        write(group / "memory.current", f"{used * MIB}\n")
        write(group / "memory.stat", f"inactive_file {20 * MIB}\n")
        write(group / "memory.max", f"{int(limit) * MIB}\n")
    device = data.stat().st_dev
    write(sys / "dev/block" / f"{os.major(device)}:{os.minor(device)}" / "stat", "1 2 3 4 5 6 1000 8\n")
    metrics = MachineMetrics(settings_of(data), proc=proc, sys=sys)

    class Machine(Collector):
        def collect(self) -> Iterator[Metric]:
            return metrics.collect()

    registry = CollectorRegistry()
    registry.register(Machine())
    yield registry


def test_a_pi_tells_its_temperature_its_throttling_its_memory_and_the_writes_of_its_card(pi: CollectorRegistry) -> None:
    def value(name: str, **labels: str) -> float | None:
        return pi.get_sample_value(f"soniquebay_{name}", labels)

    assert value("machine_uptime_seconds") == 3600.5
    assert value("machine_temperature_celsius") == 58.432
    assert (value("machine_throttled", reason="throttled"), value("machine_throttled", reason="under_voltage")) == (
        1,
        0,
    )
    assert value("machine_throttled_since_start", reason="under_voltage") == 1
    assert value("machine_memory_bytes") == 3884000 // 1024 * MIB
    assert value("machine_memory_available_bytes") == 2000 * MIB
    assert (value("programs_memory_bytes"), value("programs_memory_limit_bytes")) == (480 * MIB, 1450 * MIB)
    assert value("unit_memory_bytes", unit="api") == 180 * MIB
    assert value("unit_memory_limit_bytes", unit="api") == 400 * MIB
    assert value("disk_written_bytes_total") == 512_000


def test_each_file_system_counts_once_and_the_card_is_no_drive_of_music(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drive(use: str, point: str, state: str, total: int | None) -> dict[str, Any]:
        sizes = {"total_bytes": total, "free_bytes": total and total // 10}
        return {"use": use, "mount_point": point, "state": state, **sizes}

    drives = [drive("data", "/", "ok", 1000), drive("music", "/", "ok", 1000)]
    metrics = MachineMetrics(settings_of(tmp_path))
    monkeypatch.setattr(metrics._drives, "states", lambda _: drives)

    def found() -> dict[str, dict[tuple[str, ...], float]]:
        return {
            family.name.removeprefix("soniquebay_"): {tuple(one.labels.values()): one.value for one in family.samples}
            for family in metrics.collect()
        }

    assert found()["filesystem_size_bytes"] == {("music",): 1000, ("data",): 1000}
    drives += [drive("music", "/srv/music/A", "ok", 5000), drive("music", "/srv/music/B", "silent", None)]
    drives += [drive("music", "/srv/music/A", "ok", 5000)]
    assert found()["filesystem_size_bytes"] == {("music",): 5000, ("data",): 1000}
    assert found()["filesystem_free_bytes"] == {("music",): 500, ("data",): 100}
    states = found()["drives"]
    assert (states["music", "ok"], states["music", "silent"], states["music", "absent"]) == (3, 1, 0)
    assert states["data", "ok"] == 1
