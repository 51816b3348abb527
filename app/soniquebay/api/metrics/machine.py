"""The metrics of the machine: board, memory, disks and drives."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, get_args

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from soniquebay import board, disk_writes, memory, procfs, update_record
from soniquebay.api.drives import Drives
from soniquebay.api.metrics.families import counter, gauge, gauges
from soniquebay.procfs import MIB
from soniquebay.settings import Settings

_USES, _STATES = ("music", "data"), ("ok", "absent", "silent")
_PROC, _SYS = Path("/proc"), Path("/sys")


class MachineMetrics:
    """Reads them from the kernel's files and from the file systems, none of which touches a disk."""

    def __init__(self, settings: Settings, *, proc: Path = _PROC, sys: Path = _SYS) -> None:
        self._settings = settings
        self._proc = proc
        self._sys = sys
        self._drives = Drives()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics. Not safe from several threads."""
        uptime = procfs.uptime_seconds(self._proc)
        yield gauge("soniquebay_machine_uptime_seconds", "Time since the machine has started", uptime)
        yield from self._collect_board()
        yield from self._collect_memory()
        yield counter(
            "soniquebay_disk_written_bytes",
            "What the disk with the data, on the appliance the card, was told to write since the machine has started",
            disk_writes.written_bytes(self._settings.data, self._sys),
        )
        yield from _collect_drives(self._drives.states(self._settings))
        yield from _collect_updates()

    def _collect_board(self) -> Iterator[Metric]:
        temperature, throttling = board.temperature_celsius(self._sys), board.throttling(self._sys)
        yield gauge("soniquebay_machine_temperature_celsius", "Temperature of the processor", temperature)
        now, before = (throttling.now, throttling.since_start) if throttling else (None, None)
        for name, meaning, reasons in (
            ("throttled", "1 while the board is slower than it could be for this reason", now),
            ("throttled_since_start", "1 if it was so at any time since the machine has started", before),
        ):
            told = {} if reasons is None else {one: float(one in reasons) for one in get_args(board.Slowing)}
            yield gauges(f"soniquebay_machine_{name}", meaning, "reason", told)

    def _collect_memory(self) -> Iterator[Metric]:
        total, available = procfs.total_memory_mb(self._proc) * MIB, procfs.available_memory_mb(self._proc) * MIB
        yield gauge("soniquebay_machine_memory_bytes", "Memory of the machine", total)
        yield gauge("soniquebay_machine_memory_available_bytes", "Memory that the machine can still give", available)
        together, units = memory.units(self._proc, self._sys / "fs/cgroup")
        used, limit = (together.used_bytes, together.limit_bytes) if together else (None, None)
        yield gauge("soniquebay_programs_memory_bytes", "Memory of all programs, without cached files", used)
        yield gauge("soniquebay_programs_memory_limit_bytes", "The most that all programs may take together", limit)
        used_by = {unit.name: unit.used_bytes for unit in units}
        limits = {unit.name: unit.limit_bytes for unit in units}
        yield gauges("soniquebay_unit_memory_bytes", "Memory of a program, without cached files", "unit", used_by)
        yield gauges("soniquebay_unit_memory_limit_bytes", "The most that a program may take", "unit", limits)


def _collect_drives(drives: list[dict[str, Any]]) -> Iterator[Metric]:
    count = Counter((drive["use"], drive["state"]) for drive in drives)
    states = GaugeMetricFamily(
        "soniquebay_drives", "Folders of music with the drives below them, and the data", labels=["use", "state"]
    )
    for labels in product(_USES, _STATES):
        states.add_metric(labels, count[labels])
    yield states
    size, free = ({use: _sum(drives, use, name) for use in _USES} for name in ("total_bytes", "free_bytes"))
    yield gauges("soniquebay_filesystem_size_bytes", "Size of the file systems with music, or the data", "use", size)
    yield gauges("soniquebay_filesystem_free_bytes", "What can still be written there", "use", free)


def _collect_updates() -> Iterator[Metric]:
    found = update_record.read()
    values = (
        (found.ended_at, found.succeeded_at, float(found.result == "failed"), float(found.waits_for_reboot))
        if found
        else (None, None, None, None)
    )
    meanings = (
        ("last_run_timestamp_seconds", "When the security updates last ran (Unix time)"),
        ("last_success_timestamp_seconds", "When every security update was last installed (Unix time)"),
        ("failed", "1 if the last run has failed"),
        ("wait_for_reboot", "1 while they take effect only after a restart"),
    )
    for (ending, meaning), value in zip(meanings, values, strict=True):
        yield gauge(f"soniquebay_security_updates_{ending}", meaning, value)


def _sum(drives: list[dict[str, Any]], use: str, name: str) -> float | None:
    """Return the sum of the file systems of one use, each counted once; None when none of them answers."""
    found = {drive["mount_point"]: drive[name] for drive in drives if drive["use"] == use and drive[name] is not None}
    data = {drive["mount_point"] for drive in drives if drive["use"] == "data"}
    if use == "music" and found.keys() - data:
        # The folder in which drives are mounted lies on the card.
        found = {point: size for point, size in found.items() if point not in data}
    return sum(found.values()) if found else None
