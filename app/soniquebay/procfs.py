"""What the kernel says of processes, below ``/proc`` (proc(5))."""

from collections.abc import Iterable
from pathlib import Path

MIB = 1 << 20
_PAGE_BYTES = 4096
_PROC = Path("/proc")


def process_instance(pid: int) -> str | None:
    """Return a name of a running process that no other process ever has: boot id, pid and start time.

    A pid alone is used again. None when the process does not run; a zombie does not.
    """
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name of the program, in parentheses, may hold anything. The third field and the following come after it.
    fields = stat.rpartition(")")[2].split()
    state, start_time = fields[0], fields[19]
    if state in "ZX":
        return None
    boot_id = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot_id}.{pid}.{start_time}"


def is_running(instance: str) -> bool:
    """Tell whether the process of a name made by `process_instance` still runs."""
    pid = instance.split(".")[1] if instance.count(".") == 2 else ""
    return pid.isdecimal() and process_instance(int(pid)) == instance


def private_dirty_mb(pid: int) -> int:
    """Return the memory that a process shares with nobody, in MiB: what it wrote, copied pages of its parent included.

    0 when the process is gone.
    """
    return _smaps_kb(_PROC, pid, "Private_Dirty") // 1024


def children(pid: int, proc: Path = _PROC) -> list[int]:
    """Return the child processes of a process; none when it is gone, or another user's."""
    try:
        return [int(child) for child in (proc / str(pid) / "task" / str(pid) / "children").read_text().split()]
    except OSError:
        return []


def words_of(pid: int, proc: Path = _PROC) -> list[str]:
    """Return the command line of a process; nothing when it is gone, or another user's."""
    try:
        return (proc / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:
        return []


def memory_of_tree_mb(pid: int, proc: Path = _PROC) -> int:
    """Return the memory of a process and of all below it, in MiB. What several share counts in parts."""
    tree = [pid]
    for parent in tree:
        tree += children(parent, proc)
    return sum(_smaps_kb(proc, one, "Pss") for one in tree) // 1024


def _smaps_kb(proc: Path, pid: int, name: str) -> int:
    try:
        lines = (proc / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def growth_since_fork_mb(pids: Iterable[int]) -> int:
    """Return the anonymous memory that children have beyond this process, their parent, in MiB."""
    parent = _anonymous_bytes("self")
    return sum(max(0, _anonymous_bytes(str(pid)) - parent) for pid in pids) // MIB


def _anonymous_bytes(pid: str) -> int:
    try:
        resident, shared = (int(pages) for pages in (_PROC / pid / "statm").read_text().split()[1:3])
    except OSError:
        return 0
    return (resident - shared) * _PAGE_BYTES


def available_memory_mb(proc: Path = _PROC) -> int:
    """Return the memory that the machine can give without swapping, in MiB; 0 when the kernel does not say."""
    return _meminfo_mb(proc, "MemAvailable")


def _meminfo_mb(proc: Path, name: str) -> int:
    for line in (proc / "meminfo").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) // 1024
    return 0


def total_memory_mb(proc: Path = _PROC) -> int:
    """Return the memory of the machine, in MiB; 0 when the kernel does not say."""
    return _meminfo_mb(proc, "MemTotal")


def memory_pressure_percent(proc: Path = _PROC) -> float | None:
    """Return in how much of the last minute some program waited for memory (percent); None: the kernel does not say."""
    try:
        words = (proc / "pressure" / "memory").read_text().split()
    except OSError:
        return None
    return next((float(word.removeprefix("avg60=")) for word in words if word.startswith("avg60=")), None)


def own_cgroup(proc: Path = _PROC) -> str | None:
    """Return the path of this process's control group below the mount of cgroup2, or None without one."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return None
    return next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)


def load_averages(proc: Path = _PROC) -> tuple[float, float, float]:
    """Return the load of the last 1, 5 and 15 minutes: processes that run, or wait for a processor or a disk."""
    one, five, fifteen = (proc / "loadavg").read_text().split()[:3]
    return float(one), float(five), float(fifteen)


def uptime_seconds(proc: Path = _PROC) -> float:
    """Return the seconds since the machine started."""
    return float((proc / "uptime").read_text().split()[0])
