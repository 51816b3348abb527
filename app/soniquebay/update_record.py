"""What the last security updates of the system have done: a file that their run writes as root, and everybody reads."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from soniquebay.atomic_file import replace_file

PATH = Path("/var/lib/soniquebay-updates/record.json")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MAX_PACKAGES = 200  # of one run that are named

Result = Literal["installed", "up_to_date", "postponed", "unreachable", "failed"]


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """One run."""

    began_at: float
    """Unix time, by the clock of this machine."""
    ended_at: float
    result: Result
    """`postponed`: the machine was in use, or not fit. `unreachable`: the package lists could not be refreshed."""
    reason: str = ""
    """In words, of the last three results."""
    packages: tuple[str, ...] = ()
    """What was installed, each as "name: old version → new version"."""
    reboot_reason: str = ""
    """Why the machine has to restart for the updates to take effect; empty when it need not."""
    boot_id: str = ""
    """Of the machine's start at that time."""
    succeeded_at: float | None = None
    """When a run has last ended with everything installed that there was, in Unix time."""

    @property
    def waits_for_reboot(self) -> bool:
        """Whether the machine has not restarted since it had to."""
        return bool(self.reboot_reason) and self.boot_id == current_boot_id()


def current_boot_id() -> str:
    """Return a name of the machine's present start."""
    return BOOT_ID.read_text().strip()


def read(path: Path | None = None) -> UpdateRecord | None:
    """Return the record of the last run; None when there was none, or its file is not to be read."""
    try:
        fields = json.loads((path or PATH).read_text("utf-8"))
        return UpdateRecord(**{**fields, "packages": tuple(fields["packages"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(record: UpdateRecord, path: Path | None = None) -> None:
    """Replace the record. Raises ``OSError``."""
    target = path or PATH
    target.parent.mkdir(exist_ok=True)  # the unit has it made; a person may run the command before that
    fields = {**asdict(record), "packages": record.packages[:MAX_PACKAGES]}
    replace_file(target, json.dumps(fields, indent=1).encode(), 0o644)
