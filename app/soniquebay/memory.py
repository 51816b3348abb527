"""How much memory is left to this process, as the kernel tells it: the machine's, and that of its control groups."""

from pathlib import Path

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
MIB = 1 << 20


class Memory:
    """What the machine and this process's groups (on the appliance the worker's unit and the slice around it) bear.

    A machine without the second version of control groups, or without groups that limit, has its own memory alone.
    """

    def __init__(self, proc: Path = _PROC, cgroups: Path = _CGROUPS) -> None:
        self._proc = proc
        self._groups = _groups_of_this_process(proc, cgroups)

    def available_mb(self) -> int:
        """Return the memory that the machine gives without swapping, in MiB."""
        for line in (self._proc / "meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
        return 0

    def headroom_mb(self) -> int | None:
        """Return what is left below the tightest limit of the groups, in MiB; None if none has a limit.

        The limit that slows (``memory.high``) counts as well as the one that kills. Cache of files that no program has
        mapped is given back under pressure, so it counts as free.
        """
        rooms = []
        for group in self._groups:
            limits = [limit for name in ("memory.max", "memory.high") if (limit := _number(group / name)) is not None]
            used = _number(group / "memory.current")
            if limits and used is not None:
                rooms.append(min(limits) - used + _spare_cache(group))
        return min(rooms) // MIB if rooms else None

    def pressure(self) -> float:
        """Return the share of the last 10 s in which some task waited for memory, in percent; the worst of all levels.

        0 on a kernel that does not measure it (the Raspberry Pi's own needs ``psi=1``).
        """
        files = [self._proc / "pressure" / "memory", *(group / "memory.pressure" for group in self._groups)]
        return max(_pressure(file) for file in files)


def _groups_of_this_process(proc: Path, cgroups: Path) -> list[Path]:
    """Return the folder of this process's group and of those around it, without the root, which has no limits."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        if line.startswith("0::/"):
            group = cgroups / line.removeprefix("0::/")
            return [folder for folder in (group, *group.parents) if cgroups in folder.parents]
    return []


def _number(file: Path) -> int | None:
    """Return a file's number; None when it is not there or says ``max``."""
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _spare_cache(group: Path) -> int:
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
