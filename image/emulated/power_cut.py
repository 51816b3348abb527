"""A machine whose power can be cut as it is cut in life: with it goes a part of what the card had not yet flushed.

Killing QEMU alone loses nothing, for its writes are in the host's cache. Here each write goes to a log as well
QEMU killed alone loses nothing: its writes are in the cache of the host. Here a log gets each write as well
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
from .power_cut_replay import Outcome

LAST_REQUESTS = 40
Judge = Callable[[Path, str], None]
"""Looks at a card, told how it came to be."""


class PowerCutMachine(Machine):
    """A machine of which `card` is what a card reader would find while it is off; it runs on a copy."""

    @property
    def _running_card(self) -> Path:
        return self._folder / "running.img"

    @property
    def _log(self) -> Path:
        return self._folder / "writes.log"

    def start(self) -> None:
        """Switch it on, with a new log."""
        self._settle(None)
        copy_sparse(self.card, self._running_card)
        self._log.touch(mode=0o600)
        super().start()

    def has_written(self) -> bool:
        """Whether anything was written to the card since it was switched on."""
        return any(
            entry.size and not entry.flags & power_cut_replay.DISCARD for entry in power_cut_replay.entries(self._log)
        )

    def requests(self) -> int:
        """How many requests the card has had since the machine was switched on."""
        return sum(1 for _ in power_cut_replay.entries(self._log))

    def cut_power(
        self, chance: random.Random, judge: Judge | None = None, rehearsals: int = 0, since: int = 0
    ) -> Outcome:
        """Cut the power now; the card is then what `chance` left of the writes that were not flushed.

        Writes come in bursts with a flush behind, so a machine is mostly stopped between two: the cut is laid at one
        of the last requests, but after the first `since` of all. Before that, `judge` is shown what the card would have
        been after as many cuts at other moments of this boot.
        """
        process = self._process
        if process is None or not process.running:
            said = self._qemu_says()
            raise ActionableError(f"The machine was off before its power was cut: {said}", self.console.last_words())
        # stopped first: a write to the log is then either whole or not begun
        process.freeze()
        _wait_until_stopped(process.pid)
        super().stop(grace=0)
        total = self.requests()
        if judge is not None and total:
            for _ in range(rehearsals):
                self._rehearse(chance, judge, total)
        return self._settle(chance, total - chance.randrange(max(1, min(total - since, LAST_REQUESTS))))

    def stop(self, grace: float = 30) -> None:
        """Shut down; what was written is on the card."""
        super().stop(grace)
        self._settle(None)

    def _card_drive(self) -> list[str]:
        # Flushes are told to the log and to nobody else: no host disk has to follow them. The card writes no zeroes by
        # itself, so that every write is in the log with its data.
        return [
            *("-blockdev", f"driver=file,node-name=card-file,filename={self._running_card},cache.no-flush=on"),
            *("-blockdev", f"driver=file,node-name=card-log,filename={self._log},cache.no-flush=on"),
            *("-blockdev", "driver=blklogwrites,node-name=card,file=card-file,log=card-log"),
            *("-device", "virtio-blk-pci,drive=card,write-cache=on,write-zeroes=off"),
        ]

    def _rehearse(self, chance: random.Random, judge: Judge, total: int) -> None:
        copy_sparse(self.card, self._running_card)
        count = chance.randrange(total) + 1
        outcome = power_cut_replay.replay(self._log, self._running_card, chance, count)
        judge(self._running_card, f"after {count} of {total} requests: {outcome}")

    def _settle(self, chance: random.Random | None, count: int | None = None) -> Outcome:
        """Bring the card up to date with the log of the last boot, or `count` requests of it, and forget that boot."""
        outcome = Outcome(0, 0, 0, False)
        if self._log.exists():
            outcome = power_cut_replay.replay(self._log, self.card, chance, count)
            self._log.unlink()
        self._running_card.unlink(missing_ok=True)
        return outcome


def _wait_until_stopped(pid: int, seconds: float = 10) -> None:
    """Wait until no thread of a process is in a system call any more."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        states = [stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
        if all(state in "TtZ" for state in states):
            return
        time.sleep(0.01)
    raise ActionableError("QEMU could not be stopped for a power cut.")
