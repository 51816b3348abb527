"""What a memory card tells of its wear (below ``/sys``). eMMC does; most SD cards do not."""

from pathlib import Path
from typing import Literal, NamedTuple

from soniquebay.disk_writes import written_bytes_of

_SYS = Path("/sys")
_RESERVES: dict[int, "Reserve"] = {1: "normal", 2: "warning", 3: "urgent"}
_PERCENT_PER_STEP = 10

Reserve = Literal["normal", "warning", "urgent"]


class Health(NamedTuple):
    """How a card is. None: it does not tell."""

    name: str
    worn_percent: int | None
    """The share of its life that is used at most, in steps of ten."""
    reserve: Reserve | None
    """How many of the blocks are left that replace worn ones: of `warning`, 20 %."""
    written_bytes: int | None
    """Since the start of the machine."""


def health(sys: Path = _SYS) -> Health | None:
    """Return how the first card is; None on a machine without one."""
    devices = sorted((sys / "block").glob("mmcblk[0-9]"))
    if not devices:
        return None
    device = devices[0]
    steps = [int(word, 16) for word in _text(device / "device/life_time").split() if _is_hex(word)]
    used = max(steps, default=0)
    reserve = _text(device / "device/pre_eol_info")
    return Health(
        device.name,
        min(100, used * _PERCENT_PER_STEP) if used else None,
        _RESERVES.get(int(reserve, 16)) if _is_hex(reserve) else None,
        written_bytes_of(device),
    )


def _is_hex(word: str) -> bool:
    try:
        int(word, 16)
    except ValueError:
        return False
    return True


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
