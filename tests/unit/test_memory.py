"""The memory that the kernel's files say is left to this process."""

from pathlib import Path

import pytest

from soniquebay.memory import Memory, Part, Unit, parts, units
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


def test_each_program_of_the_appliance_has_its_memory_without_cached_files(machine: Path) -> None:
    folder = unit(machine).parent
    for name, used, cached in (("redis-server", 40, 0), ("soniquebay-api", 300, 120)):
        service = folder / f"{name}.service"
        service.mkdir()
        (service / "memory.current").write_text(f"{used * MIB}\n")
        (service / "memory.stat").write_text(f"anon 1\ninactive_file {cached * MIB}\nfile_mapped 0\n")
    (unit(machine) / "memory.current").write_text(f"{500 * MIB}\n")
    expected = [Part("worker", 500), Part("api", 180), Part("redis", 40)]
    assert parts(machine / "proc", machine / "cgroup") == (expected, None)
    (folder / "memory.max").write_text(str(1450 * MIB))
    assert parts(machine / "proc", machine / "cgroup") == (expected, 1450)
    (unit(machine) / "memory.max").write_text(str(950 * MIB))
    assert units(machine / "proc", machine / "cgroup") == (
        Unit("soniquebay", 300 * MIB, 1450 * MIB),
        [Unit("redis", 40 * MIB, None), Unit("api", 180 * MIB, None), Unit("worker", 500 * MIB, 950 * MIB)],
    )


def test_the_programs_of_serve_are_the_children_of_one_process(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proc = machine / "proc"
    (proc / "self" / "cgroup").write_text("0::/user.slice/session-1.scope\n")
    programs = {
        100: ("python\0-m\0soniquebay.cli\0serve\0", 0, "101 102"),
        101: ("redis-server unixsocket:/run/redis.sock\0", 9, ""),
        102: ("python\0-m\0soniquebay.cli\0worker\0--instance=1\0", 70, "103"),
        103: ("python\0-m\0soniquebay.cli\0worker\0", 30, ""),
    }
    for pid, (words, mb, below) in programs.items():
        (proc / str(pid) / "task" / str(pid)).mkdir(parents=True)
        (proc / str(pid) / "task" / str(pid) / "children").write_text(below)
        (proc / str(pid) / "cmdline").write_text(words)
        (proc / str(pid) / "smaps_rollup").write_text(f"Rss: 99999 kB\nPss: {mb * 1024} kB\n")
    monkeypatch.setattr("os.getppid", lambda: 100)
    assert parts(proc, machine / "cgroup") == ([Part("worker", 100), Part("redis", 9)], None)
    assert units(proc, machine / "cgroup") == (None, [])
    monkeypatch.setattr("os.getppid", lambda: 102)
    assert parts(proc, machine / "cgroup") == ([], None)
