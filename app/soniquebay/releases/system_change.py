"""What an upgrade changes of the system, in a file on the disk while the upgrade is open."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from soniquebay.atomic_file import replace_file
from soniquebay.releases import programs
from soniquebay.releases.system_files import Change, FileSet, State, is_at, write

UNITS = "/etc/systemd/system"
COMMAND_TIMEOUT_SECONDS = 1800  # an initramfs takes a Pi minutes
MAX_TOLD_CHARACTERS = 500


@dataclass(frozen=True)
class SystemChange:
    """Paths to change, with the commands that bring the change to what runs. It can be made and undone repeatedly."""

    changes: list[Change] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    """As in `FileSet.commands`."""
    enabled: list[str] = field(default_factory=list)
    """Units that were not enabled before."""
    replaced: str = ""
    """The release that was there before; empty for a way back, which nothing leads back from."""
    disabled: list[str] = field(default_factory=list)
    """Units to disable: those that the change which this one undoes has enabled."""

    @classmethod
    def load(cls, path: Path) -> "SystemChange":
        """Return what `save` has written; an empty change if there is none."""
        try:
            told = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return cls()
        changes = [Change(**change) for change in told.pop("changes")]
        return cls(changes, **told)

    def save(self, path: Path) -> None:
        """Write the change to a file. It is on the disk when this returns."""
        replace_file(path, json.dumps(asdict(self)).encode())

    def back(self) -> tuple["SystemChange", list[str]]:
        """Return the change back, and the paths that stay because they were edited since."""
        changes = [Change(change.path, change.new, change.old) for change in self.changes]
        found = [change for change in changes if is_at(change.path, change.old)]
        back = SystemChange(found, self.commands, disabled=self.enabled)
        return back, [one.path for one in changes if one not in found]

    def write_new(self) -> None:
        """Write the new files. Raises ``click.ClickException``."""
        self._apply(((change.path, change.new) for change in self.changes), self.enabled, self.disabled)

    def write_old(self) -> None:
        """Write what was there before. Raises ``click.ClickException``."""
        self._apply(((change.path, change.old) for change in self.changes), self.disabled, self.enabled)

    def run_commands(self) -> Iterator[str]:
        """Bring the files to what runs; yield a sentence for each command that fails."""
        for command in self.commands:
            if any(change.path.startswith(tuple(command["paths"])) for change in self.changes):
                yield from _run(command["run"])

    def _apply(self, states: Iterable[tuple[str, State]], enabled: list[str], disabled: list[str]) -> None:
        # First: systemctl reads in a unit's file which links to remove. It refuses a unit that has gone already.
        if still_enabled := [unit for unit in disabled if programs.is_enabled(unit)]:
            programs.systemctl("disable", *still_enabled)
        for path, state in states:
            if state is None and Path(path).parent == Path(UNITS):
                programs.stop_if_loaded(Path(path).name)
            try:
                write(path, state)
            except (OSError, LookupError) as error:
                raise click.ClickException(f"{path} cannot be written: {error}") from error
        if any(change.path.startswith(UNITS) for change in self.changes):
            programs.systemctl("daemon-reload")
        if enabled:
            programs.systemctl("enable", *enabled)


def of_set(target: FileSet, changes: list[Change], replaced: str = "") -> SystemChange:
    """Return the change that brings a machine to a set, given the paths that differ."""
    enabled = [unit for unit in target.enabled if not programs.is_enabled(unit)]
    return SystemChange(changes, target.commands, enabled, replaced)


def _run(command: list[str]) -> Iterator[str]:
    # By systemd: whoever ends an upgrade at a boot may only write files.
    try:
        done = subprocess.run(
            ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", *command],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=COMMAND_TIMEOUT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        yield f"{' '.join(command)} has not ended within {COMMAND_TIMEOUT_SECONDS} s"
        return
    if done.returncode:
        told = (done.stdout + done.stderr).strip()[-MAX_TOLD_CHARACTERS:]
        yield f"{' '.join(command)} failed: {told}"
