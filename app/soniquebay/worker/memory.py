"""How much memory is left, as the kernel tells it."""

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_PRESSURE = Path("/proc/pressure/memory")


def available_mb() -> int:
    """Return the memory that can be had without swapping, in MiB."""
    with _MEMINFO.open() as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("MemAvailable:"))


def pressure() -> float:
    """Return the share of the last 10 s in which some task waited for memory, in percent.

    0 on a kernel that does not measure it (the Raspberry Pi's own needs ``psi=1``).
    """
    try:
        return float(_PRESSURE.read_text().split("avg10=")[1].split()[0])
    except (OSError, IndexError, ValueError):
        return 0.0
