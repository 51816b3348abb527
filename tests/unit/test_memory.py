"""The memory that the kernel's files say is left to this process."""

from pathlib import Path

import pytest

from soniquebay.memory import Memory
from soniquebay.procfs import MIB

QUIET = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Make the files of a Pi whose worker is in a unit in a slice; no limits, no pressure."""
    proc, unit = tmp_path / "proc", tmp_path / "cgroup" / "soniquebay.slice" / "soniquebay-worker.service"
    (proc / "self").mkdir(parents=True)
    (proc / "pressure").mkdir()
    unit.mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 3884000 kB\nMemFree: 100000 kB\nMemAvailable: 2048000 kB\n")
    (proc / "pressure" / "memory").write_text(QUIET)
    (proc / "self" / "cgroup").write_text("4:memory:/v1\n0::/soniquebay.slice/soniquebay-worker.service\n")
    for group in (unit, unit.parent):
        (group / "memory.max").write_text("max\n")
        (group / "memory.high").write_text("max\n")
        (group / "memory.current").write_text(f"{300 * MIB}\n")
        (group / "memory.stat").write_text("anon 1000\ninactive_file 0\n")
        (group / "memory.pressure").write_text(QUIET)
    return tmp_path


def memory(machine: Path) -> Memory:
    return Memory(machine / "proc", machine / "cgroup")


def unit(machine: Path) -> Path:
    return machine / "cgroup" / "soniquebay.slice" / "soniquebay-worker.service"


def test_without_limits_the_machine_has_its_say_alone(machine: Path) -> None:
    assert memory(machine).available_mb() == 2000
    assert memory(machine).headroom_mb() is None


def test_the_tightest_limit_of_unit_and_slice_counts(machine: Path) -> None:
    (unit(machine) / "memory.max").write_text(str(950 * MIB))
    assert memory(machine).headroom_mb() == 650
    (unit(machine) / "memory.high").write_text(str(800 * MIB))
    assert memory(machine).headroom_mb() == 500
    (unit(machine).parent / "memory.max").write_text(str(1450 * MIB))
    (unit(machine).parent / "memory.current").write_text(str(1200 * MIB))
    assert memory(machine).headroom_mb() == 250
    cache = {"file_mapped": 30 * MIB, "inactive_file": 100 * MIB, "active_file": 50 * MIB}
    (unit(machine).parent / "memory.stat").write_text("".join(f"{name} {size}\n" for name, size in cache.items()))
    assert memory(machine).headroom_mb() == 250 + 100 + 50 - 30


def test_the_worst_pressure_of_all_levels_counts(machine: Path) -> None:
    assert memory(machine).pressure() == 0.0
    (unit(machine) / "memory.pressure").write_text(QUIET.replace("some avg10=0.00", "some avg10=12.50"))
    assert memory(machine).pressure() == 12.5
    (machine / "proc" / "pressure" / "memory").write_text(QUIET.replace("some avg10=0.00", "some avg10=20.00"))
    assert memory(machine).pressure() == 20.0


def test_a_machine_without_groups_or_pressure_has_its_memory(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "meminfo").write_text("MemAvailable: 1024000 kB\n")
    plain = Memory(proc, tmp_path / "none")
    assert (plain.available_mb(), plain.headroom_mb(), plain.pressure()) == (1000, None, 0.0)


def test_this_machine_can_be_read() -> None:
    assert Memory().available_mb() > 0
    assert 0 <= Memory().pressure() <= 100
