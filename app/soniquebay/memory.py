"""How much memory this process may still take, and how much each program has."""

import os
from pathlib import Path
from typing import NamedTuple

from soniquebay import procfs
from soniquebay.procfs import MIB

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
SLICE = "soniquebay.slice"


class Part(NamedTuple):
    """The memory of one of the programs."""

    name: str
    mb: int


class Unit(NamedTuple):
    """The memory of a unit of systemd, and the limit at which the kernel ends its processes, if it has one."""

    name: str
    used_bytes: int
    limit_bytes: int | None


def units(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> tuple[Unit | None, list[Unit]]:
    """Return the slice around all programs of the appliance, and the unit of each program; elsewhere neither.

    Cached files that no program has mapped do not count.
    """
    own = procfs.own_cgroup(proc) or ""
    if own.split("/")[0] != SLICE:
        return None, []
    folder = cgroups / SLICE
    return _unit(folder), [_unit(unit) for unit in sorted(folder.iterdir()) if unit.suffix == ".service"]


def _unit(group: Path) -> Unit:
    name = group.stem.removeprefix("soniquebay-").removesuffix("-server")
    used = max(0, (_number(group / "memory.current") or 0) - _reclaimable_cache_bytes(group))
    return Unit(name, used, _number(group / "memory.max"))


def parts(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> tuple[list[Part], int | None]:
    """Return the memory of each program of the appliance in MiB, the largest first, and the limit of all together.

    On the appliance each has a control group in `SLICE`, and cached files that no program has mapped do not count.
    Under `soniquebay serve` they are the children of that program, without a limit. Elsewhere there are none.
    """
    together, found = units(proc, cgroups)
    if together:
        limit = together.limit_bytes
        used = [Part(unit.name, unit.used_bytes // MIB) for unit in found]
        return sorted(used, key=lambda part: -part.mb), None if limit is None else limit // MIB
    serve = os.getppid()
    if "serve" not in procfs.words_of(serve, proc):
        return [], None
    used = [Part(_program(procfs.words_of(pid, proc)), procfs.memory_of_tree_mb(pid, proc))
            for pid in procfs.children(serve, proc)]  # fmt: skip
    return sorted(used, key=lambda part: -part.mb), None


def _program(words: list[str]) -> str:
    """Return the name of a program that `soniquebay serve` has started, by its command line."""
    if "soniquebay.cli" in words[:-1]:
        return words[words.index("soniquebay.cli") + 1]
    return Path(words[0].split(" ")[0]).name.removesuffix("-server") if words else ""


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
