"""The journal of the upgrade: how far it has come, on the disk before each step, so that the next boot can end it."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from soniquebay.atomic_file import replace_file

FILE_NAME = "upgrade.json"
MAX_ENDED = 20  # upgrades that are remembered
Step = Literal["prepared", "switching", "healthy", "undoing", "finished", "undone", "failed"]
"""`prepared`: nothing has changed for the programs that run. `switching`: either release may be the current one.
`healthy`: the new release has passed its check. `undoing`: the old release is being made current again. The last three
are ends; `failed` is one at which the old release is not healthy either."""
ENDS = frozenset({"finished", "undone", "failed"})


@dataclass(frozen=True)
class Upgrade:
    """One upgrade, or one return to an older release."""

    old: str
    new: str
    step: Step
    began_at: float
    """Unix time, by the clock of this machine."""
    healthy_seconds: float = 180.0
    """How long a release may take until it is healthy."""
    boots: int = 0
    """How often this machine has started since the switch."""
    reason: str = ""
    """Why it was undone."""

    @property
    def is_open(self) -> bool:
        """Whether it has not come to an end."""
        return self.step not in ENDS


class Journal:
    """The upgrades of this machine, the last one at the end."""

    def __init__(self, root: Path) -> None:
        """`root`: the folder of the releases."""
        self._path = root / FILE_NAME

    def upgrades(self) -> list[Upgrade]:
        """Return all that are remembered; none when the file is damaged, because it is replaced as a whole."""
        try:
            entries: list[dict[str, Any]] = json.loads(self._path.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return []
        return [Upgrade(**entry) for entry in entries]

    def open_upgrade(self) -> Upgrade | None:
        """Return the upgrade that has not come to an end."""
        last = self.upgrades()[-1:]
        return last[0] if last and last[0].is_open else None

    def begin(self, upgrade: Upgrade) -> None:
        """Add an upgrade."""
        self._write([*self.upgrades()[-MAX_ENDED:], upgrade])

    def note(self, **changes: Any) -> Upgrade:
        """Change fields of the last upgrade, and return it. It is on the disk when this returns."""
        *others, last = self.upgrades()
        changed = replace(last, **changes)
        self._write([*others, changed])
        return changed

    def _write(self, upgrades: list[Upgrade]) -> None:
        content = json.dumps([asdict(upgrade) for upgrade in upgrades], indent=1)
        replace_file(self._path, content.encode(), 0o644)
