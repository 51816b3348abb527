"""CPU time and memory of a running stack by program, read from /proc."""

import os
from contextlib import suppress
from pathlib import Path

from tests.support.stack import Stack, children

TICK = os.sysconf("SC_CLK_TCK")
PROGRAMS = ("redis", "api", "worker", "flower")
CHILDREN = "worker's children"


def programs(stack: Stack) -> dict[str, int]:
    """Return the process ids of the stack's programs by name; raises ``AssertionError`` when one is missing."""
    found: dict[str, int] = {}
    for pid in children(stack.process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        name = "redis" if "redis-server" in words[0] else next((w for w in words if w in PROGRAMS), words[0])
        found[name] = pid
    missing = set(PROGRAMS) - set(found)
    assert not missing, f"not running: {missing}"
    return found


def cpu(pids: dict[str, int]) -> dict[str, float]:
    """Return CPU seconds used so far by each program, the worker's children (also those that ended) as one more."""
    times = {name: sum(_times(pid)[:2]) / TICK for name, pid in pids.items()}
    worker = pids["worker"]
    living = sum(sum(_times(child)) for child in children(worker))
    times[CHILDREN] = (sum(_times(worker)[2:]) + living) / TICK
    return times


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a program has used so far, with those of its children that have ended."""
    return sum(_times(pid)) / TICK


def spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return CPU seconds between two readings of `cpu`."""
    return {name: round(after[name] - before[name], 2) for name in after}


def _times(pid: int) -> list[int]:
    """Return a process's own user and system time and those of its ended children, in clock ticks."""
    with suppress(FileNotFoundError, ProcessLookupError):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return [int(field) for field in after_name[11:15]]
    return [0, 0, 0, 0]


def memory(pids: dict[str, int]) -> dict[str, float]:
    """Return the proportional set size (PSS) of each program in MB (10⁶ bytes), and of the worker's children as one."""
    sizes = {name: pss_mb(pid) for name, pid in pids.items()}
    sizes[CHILDREN] = sum(pss_mb(child) for child in children(pids["worker"]))
    return sizes


def pss_mb(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0
