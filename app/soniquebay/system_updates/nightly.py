"""The nightly run: wait until the machine is idle, install the security updates, restart if they need it."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import click

from soniquebay import update_record
from soniquebay.releases import programs
from soniquebay.releases.upgrade import Transaction
from soniquebay.system_updates import packages
from soniquebay.system_updates.fitness import PLACES, Place, check_fitness, why_busy
from soniquebay.update_record import Result, UpdateRecord

ASK_INTERVAL_SECONDS = 60.0


@dataclass
class Nightly:
    """One run. `transaction` keeps upgrades of SoniqueBay away meanwhile."""

    transaction: Transaction
    may_reboot: bool
    tell: Callable[[str], None]
    record: Path = update_record.PATH
    places: tuple[Place, ...] = PLACES
    reboot_reason: Callable[[], str] = packages.reboot_reason
    max_wait_seconds: float = 0.0
    """For a machine in use; then the next night has its turn."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    _child: subprocess.Popen[str] | None = field(init=False, default=None)

    def run(self) -> UpdateRecord:
        """Do it, and return what came of it, which is in the record then. Raises ``OSError`` if that is not written."""
        signal.signal(signal.SIGTERM, self._end)
        began_at, monotonic_end = self.clock(), time.monotonic() + self.max_wait_seconds
        with self._idle(monotonic_end) as busy:
            result, reason, installed = self._update(busy)
        need = self.reboot_reason()
        record = self._write(began_at, result, reason, installed, need)
        self.tell(_sentence(record))
        if need and self.may_reboot:
            self._reboot(monotonic_end, need)
        elif need:
            self.tell(f"the machine has to restart: {need}")
        return record

    def _update(self, busy: str) -> tuple[Result, str, list[str]]:
        if busy:
            return "postponed", busy, []
        try:
            check_fitness(self.places)
        except click.ClickException as error:
            return "postponed", error.format_message(), []
        if problem := packages.refresh(self._run):
            return "unreachable", problem, []
        problem, installed = packages.install(self._run)
        if problem:
            return "failed", problem, installed
        return "installed" if installed else "up_to_date", "", installed

    def _reboot(self, monotonic_end: float, need: str) -> None:
        with self._idle(monotonic_end) as reason:
            if reason:
                self.tell(f"the machine has to restart ({need}), but {reason}: it is left for the next night")
                return
            self.tell(f"the machine restarts: {need}")
            programs.systemctl("--no-block", "reboot")

    @contextlib.contextmanager
    def _idle(self, monotonic_end: float) -> Iterator[str]:
        """Wait until the machine is idle, and keep upgrades of SoniqueBay away. Yield why it does not become idle."""
        while True:
            with contextlib.ExitStack() as held:
                try:
                    held.enter_context(self.transaction.exclusive())
                    reason = why_busy(self.transaction.control_socket, self.transaction.root)
                except click.ClickException:
                    reason = "an upgrade of SoniqueBay runs"
                except OSError:  # no release is installed here
                    reason = ""
                if not reason or time.monotonic() >= monotonic_end:
                    yield reason
                    return
            self.sleep(ASK_INTERVAL_SECONDS)

    def _run(self, command: tuple[str, ...]) -> tuple[int, str]:
        return packages.run_command(command, self._note)

    def _note(self, child: subprocess.Popen[str] | None) -> None:
        self._child = child

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        """End at a shutdown: unattended-upgrade ends after the package that it works on."""
        if self._child is None:
            raise SystemExit(0)
        self._child.send_signal(signal.SIGTERM)

    def _write(self, began_at: float, result: Result, reason: str, installed: list[str], need: str) -> UpdateRecord:
        before = update_record.read(self.record)
        record = UpdateRecord(
            began_at,
            self.clock(),
            result,
            reason,
            tuple(installed),
            need,
            update_record.current_boot_id(),
            before.succeeded_at if before else None,
        )
        if result in {"installed", "up_to_date"}:
            record = replace(record, succeeded_at=record.ended_at)
        update_record.write(record, self.record)
        return record


def _sentence(record: UpdateRecord) -> str:
    match record.result:
        case "installed":
            return f"installed {len(record.packages)} packages: {'; '.join(record.packages)}"
        case "up_to_date":
            return "every security update is installed"
        case "postponed":
            return f"not now: {record.reason}"
        case "unreachable":
            return f"the package lists cannot be refreshed, as without the internet: {record.reason}"
    return f"the security updates have failed: {record.reason}"
