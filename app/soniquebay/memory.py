"""How much memory this process may still take: of the machine, and of its control groups."""

from pathlib import Path

from soniquebay import procfs
from soniquebay.procfs import MIB

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")


class Memory:
    """The memory that the machine and this process's control groups allow.

    On the appliance those are the worker's unit and the slice around it. A machine without cgroup2, or without groups
    that have a limit, has its own memory alone.
    """

    def __init__(self, proc: Path = _PROC, cgroups: Path = _CGROUPS) -> None:
        self._proc = proc
        self._groups = _own_groups(proc, cgroups)

    def available_mb(self) -> int:
        """Return the memory that the machine can give without swapping, in MiB."""
        return procfs.available_memory_mb(self._proc)

    def headroom_mb(self) -> int | None:
        """Return what is left below the tightest limit of the groups, in MiB; None if none has a limit.

        The limit that slows processes (``memory.high``) counts as well as the one that kills them. Cached files that no
        program has mapped count as free: the kernel gives them back under pressure.
        """
        headroom = []
        for group in self._groups:
            limits = [limit for name in ("memory.max", "memory.high") if (limit := _number(group / name)) is not None]
            used = _number(group / "memory.current")
            if limits and used is not None:
                headroom.append(min(limits) - used + _reclaimable_cache_bytes(group))
        return min(headroom) // MIB if headroom else None

    def pressure(self) -> float:
        """Return the share of the last 10 s in which some task waited for memory, in percent; the worst of all levels.

        0 on a kernel that does not measure it: the Raspberry Pi's own needs ``psi=1``.
        """
        files = [self._proc / "pressure" / "memory", *(group / "memory.pressure" for group in self._groups)]
        return max(_pressure(file) for file in files)


def _own_groups(proc: Path, cgroups: Path) -> list[Path]:
    """Return the folders of this process's group and of its ancestors, without the root, which has no limits."""
    own = procfs.own_cgroup(proc)
    if own is None:
        return []
    group = cgroups / own
    return [folder for folder in (group, *group.parents) if cgroups in folder.parents]


def _number(file: Path) -> int | None:
    """Return the number in a file; None when there is no such file or it says ``max``."""
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _reclaimable_cache_bytes(group: Path) -> int:
    try:
        lines = (group / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    stat = {name: int(value) for name, value in (line.split() for line in lines)}
    return max(0, stat.get("active_file", 0) + stat.get("inactive_file", 0) - stat.get("file_mapped", 0))


def _pressure(file: Path) -> float:
    try:
        return float(file.read_text().split("avg10=")[1].split()[0])
    except (OSError, IndexError, ValueError):
        return 0.0
