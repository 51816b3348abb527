"""A machine whose power can be cut as on a real Pi, so that some of the writes that the card had not flushed are lost.

Killing QEMU alone loses no write, because all of them are in the host's page cache. So QEMU also logs each write, and
after the kill the card is made from that log (`power_cut_replay`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from ..card import copy_sparse
from ..errors import ActionableError
from . import power_cut_replay
from .machine import Machine
from .power_cut_replay import ReplayResult

CUT_WINDOW_REQUESTS = 40
CardCheck = Callable[[Path, str], None]
"""Checks a card; the text says how the card was made."""


class PowerCutMachine(Machine):
    """A machine that runs on a copy of `card`; `card` is up to date while the machine is off."""

    @property
    def _running_card(self) -> Path:
        return self._folder / "running.img"

    @property
    def _log(self) -> Path:
        return self._folder / "writes.log"

    def start(self) -> None:
        """Switch the machine on, with a new log."""
        self._apply_log(None)
        copy_sparse(self.card, self._running_card)
        self._log.touch(mode=0o600)
        super().start()

    def has_written(self) -> bool:
        """Tell whether the card has received a write since the machine was switched on."""
        return any(
            entry.size and not entry.flags & power_cut_replay.DISCARD for entry in power_cut_replay.entries(self._log)
        )

    def request_count(self) -> int:
        """Return how many requests the card has received since the machine was switched on."""
        return sum(1 for _ in power_cut_replay.entries(self._log))

    def cut_power(
        self,
        rng: random.Random,
        check_card: CardCheck | None = None,
        simulated_cuts: int = 0,
        first_request: int = 0,
    ) -> ReplayResult:
        """Cut the power and bring `card` to the state that the cut leaves; `rng` chooses which writes are lost.

        Writes come in bursts that end with a flush, so most moments are between two bursts. Therefore the cut is placed
        at one of the last `CUT_WINDOW_REQUESTS` requests, but after the first `first_request` requests of the boot.
        Before that, `check_card` gets the cards that `simulated_cuts` cuts at other moments of this boot would leave.
        Raises `ActionableError` when the machine is off.
        """
        process = self._process
        if process is None or not process.running:
            messages = self._qemu_messages()
            raise ActionableError(
                f"The machine was off before its power was cut: {messages}", self.console.last_lines()
            )
        # suspended first, so that each write to the log is either complete or not begun
        process.suspend()
        _wait_until_stopped(process.pid)
        super().stop(grace_seconds=0)
        total = self.request_count()
        if check_card is not None and total:
            for _ in range(simulated_cuts):
                self._simulate_cut(rng, check_card, total)
        window = max(1, min(total - first_request, CUT_WINDOW_REQUESTS))
        return self._apply_log(rng, total - rng.randrange(window))

    def stop(self, grace_seconds: float = 30) -> None:
        """Shut down as `Machine.stop` does; then all writes are on the card."""
        super().stop(grace_seconds)
        self._apply_log(None)

    def _card_drive(self) -> list[str]:
        # Flushes go to the log only, so that the host need not flush its disk. Without write-zeroes, every write is in
        # the log with its data. Merged requests may have as many pieces as one system call takes; the log adds two,
        # and the write would fail.
        return [
            *("-blockdev", f"driver=file,node-name=card-file,filename={self._running_card},cache.no-flush=on"),
            *("-blockdev", f"driver=file,node-name=card-log,filename={self._log},cache.no-flush=on"),
            *("-blockdev", "driver=blklogwrites,node-name=card,file=card-file,log=card-log"),
            *("-device", "virtio-blk-pci,drive=card,write-cache=on,write-zeroes=off,request-merging=off"),
        ]

    def _simulate_cut(self, rng: random.Random, check_card: CardCheck, total: int) -> None:
        copy_sparse(self.card, self._running_card)
        count = rng.randrange(total) + 1
        result = power_cut_replay.replay(self._log, self._running_card, rng, count)
        check_card(self._running_card, f"after {count} of {total} requests: {result}")

    def _apply_log(self, rng: random.Random | None, count: int | None = None) -> ReplayResult:
        """Replay the log of the last boot, or its first `count` requests, on the card, and remove the log."""
        result = ReplayResult(0, 0, 0, False)
        if self._log.exists():
            result = power_cut_replay.replay(self._log, self.card, rng, count)
            self._log.unlink()
        self._running_card.unlink(missing_ok=True)
        return result


def _wait_until_stopped(pid: int, seconds: float = 10) -> None:
    """Wait until every thread of a process is stopped, so that none is in a system call."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        states = [stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
        if all(state in "TtZ" for state in states):
            return
        time.sleep(0.01)
    raise ActionableError("QEMU could not be stopped for a power cut.")
