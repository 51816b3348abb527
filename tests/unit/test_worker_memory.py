"""What the kernel's files say about memory, and how many processes that makes."""

import os
from pathlib import Path

import pytest

from soniquebay.memory import MIB, Memory
from soniquebay.overrides.autoscaler import CHILD_MB, IDLE, MAX_PRESSURE, _grown_mb, _private_mb, process_limit, target

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


@pytest.mark.parametrize(
    ("processes", "room", "promised", "pressure", "expected"),
    [
        (1, 10 * CHILD_MB, 0, 0.0, 11),
        (1, 2 * CHILD_MB, CHILD_MB, 0.0, 2),  # the one that runs has not taken its share yet
        (2, 2 * CHILD_MB, 2 * CHILD_MB, 0.0, 2),  # so one more process does not make room for a further one
        (4, CHILD_MB - 1, CHILD_MB, 0.0, 3),
        (4, -3 * CHILD_MB, 0, 0.0, 1),
        (1, -3 * CHILD_MB, 0, 0.0, 1),  # one goes on, whatever happens
        (3, 10 * CHILD_MB, 0, MAX_PRESSURE + 1, 2),
        (1, 10 * CHILD_MB, 0, MAX_PRESSURE + 1, 1),
        (3, -CHILD_MB * 2, 0, MAX_PRESSURE + 1, 1),
    ],
)
def test_what_memory_bears(processes: int, room: int, promised: int, pressure: float, expected: int) -> None:
    assert process_limit(processes, room, promised, pressure).processes == expected


def test_the_reason_is_told() -> None:
    assert process_limit(3, 1000, 0, 25.0).reason == "memory pressure 25 %"
    assert process_limit(1, 1000, 90, 0.0).reason == "1000 MB left, 90 MB of them promised"


@pytest.mark.parametrize(
    ("processes", "tasks", "idle", "highest", "expected"),
    [
        (1, 0, 99.0, 4, 1),
        (1, 1, 0.0, 4, 1),  # one task needs one process
        (1, 2, 0.0, 4, 2),
        (1, 4, 0.0, 4, 4),  # at once, not one by one
        (2, 4, 0.0, 3, 3),
        (4, 0, IDLE - 1, 4, 4),
        (4, 0, IDLE, 4, 1),
        (4, 2, IDLE, 4, 2),
        (4, 4, 0.0, 2, 2),  # memory is short: busy or not
        (4, 0, 0.0, 3, 3),
    ],
)
def test_how_many_processes_there_should_be(
    processes: int, tasks: int, idle: float, highest: int, expected: int
) -> None:
    assert target(processes, tasks, idle, 1, highest) == expected


def test_copies_of_the_parents_memory_count_as_taken_but_not_as_grown() -> None:
    """A child that only writes what it inherited takes memory all the same."""
    inherited = bytearray(b"x" * (64 << 20))
    written, go = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        inherited[:] = b"y" * len(inherited)
        os.write(written[1], b".")
        os.read(go[0], 1)
        os._exit(0)
    try:
        os.read(written[0], 1)
        assert 60 <= _private_mb(child) < 250
        assert _grown_mb([child]) < _private_mb(child) - 30
    finally:
        os.write(go[1], b".")
        os.waitpid(child, 0)
    assert _private_mb(child) == 0
