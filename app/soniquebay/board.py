"""What the kernel says of the board: its temperature, and whether it has slowed itself down (below ``/sys``)."""

from pathlib import Path
from typing import Literal, NamedTuple

_SYS = Path("/sys")
_THROTTLED = Path("devices/platform/soc/soc:firmware/get_throttled")

Slowing = Literal["under_voltage", "frequency_capped", "throttled", "soft_temperature_limit"]
# The firmware's bits: each says that it is so now, and 16 bits above that it was since the start.
_BITS: tuple[Slowing, ...] = ("under_voltage", "frequency_capped", "throttled", "soft_temperature_limit")
_SINCE_START_SHIFT = 16


class Throttling(NamedTuple):
    """Why the board is slower than it could be, and why it was since its start."""

    now: list[Slowing]
    since_start: list[Slowing]


def temperature_celsius(sys: Path = _SYS) -> float | None:
    """Return the temperature of the processor; None on a machine that does not tell."""
    found = [_number(file) for file in sorted((sys / "class/thermal").glob("thermal_zone*/temp"))]
    return next((value / 1000 for value in found if value is not None), None)


def throttling(sys: Path = _SYS) -> Throttling | None:
    """Return why the board slows itself down; None on a machine that does not tell.

    Debian's kernel tells of the voltage alone, the Raspberry Pi's own of everything.
    """
    bits = _number(sys / _THROTTLED, 16)
    if bits is not None:
        since = bits >> _SINCE_START_SHIFT
        return Throttling(*([reason for n, reason in enumerate(_BITS) if flags >> n & 1] for flags in (bits, since)))
    for folder in (sys / "class/hwmon").glob("hwmon*"):
        if _text(folder / "name") == "rpi_volt":
            alarm: list[Slowing] = ["under_voltage"] if _number(folder / "in0_lcrit_alarm") else []
            return Throttling(alarm, alarm)
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _number(file: Path, base: int = 10) -> int | None:
    try:
        return int(_text(file), base)
    except ValueError:
        return None
