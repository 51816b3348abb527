"""One process when idle, four under load, fewer when memory is short; `grep autoscale` in the log tells why."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from celery.worker.autoscale import Autoscaler

from soniquebay.memory import MIB, Memory

log = logging.getLogger(__name__)

RESERVE_MB = 200  # of the machine's memory, left to the system
CHILD_MB = 150  # what a busy process may take beyond what it shares with its parent; twice the most that music took
MAX_PRESSURE = 10.0  # percent of the time in which something waited for memory
TICK = 2.0  # s between two looks when no message comes
IDLE = 10.0  # s without need before processes go
KEPT_MB = 8  # what idle processes may keep of their work; with more, fresh ones take their places
REPORT = 60.0  # s between two events to Flower when nothing changes


@dataclass(frozen=True, slots=True)
class ProcessLimit:
    """How many processes memory bears, and why not more."""

    processes: int
    reason: str


def process_limit(processes: int, room_mb: int, promised_mb: int, pressure: float) -> ProcessLimit:
    """Judge the memory.

    `room_mb` is what may still be taken; `promised_mb` of it the running processes are going to take, being young.
    """
    count = processes + (room_mb - promised_mb) // CHILD_MB
    reason = f"{room_mb} MB left, {promised_mb} MB of them promised"
    if pressure > MAX_PRESSURE and count >= processes:
        return ProcessLimit(max(1, processes - 1), f"memory pressure {pressure:.0f} %")
    return ProcessLimit(max(1, count), reason)


def target(processes: int, tasks: int, idle: float, lowest: int, highest: int) -> int:
    """Return how many processes there should be.

    `tasks` run or wait in the worker, which takes no more of them than `highest`; `idle` is the time in seconds since
    all processes were needed.
    """
    wanted = max(lowest, min(tasks, highest))
    if wanted < processes <= highest and idle < IDLE:
        return processes
    return wanted if wanted > processes or idle >= IDLE else min(processes, highest)


class MemoryAutoscaler(Autoscaler):
    """Celery's autoscaler under a ceiling that memory sets.

    It is asked at each message that arrives, before the task is given to a process, and each `TICK`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "keepalive": TICK})
        self._memory = Memory()
        self._needed_at = self._reported_at = monotonic()
        self._bearable = ProcessLimit(self.max_concurrency, "not looked at yet")
        self._looked_at = 0.0
        self._kept_mb = 0
        self._worked = False  # since the processes were renewed last
        self._held = False

    def _maybe_scale(self, req: Any = None) -> bool | None:
        now, before, tasks = monotonic(), self.processes, self.qty
        if tasks >= before:
            self._needed_at = now
        self._worked |= tasks > 0
        if req is not None and tasks <= before:
            return None  # a process is free for it: it shall not wait for a look at the memory
        highest = self._ceiling(now, before)
        # The worker takes as many tasks as this says; without a look ahead it would hoard what others could do.
        self.worker.max_concurrency = highest
        wanted = target(before, tasks, now - self._needed_at, self.min_concurrency, highest)
        if wanted > before:
            self._grow(wanted - before)
        elif wanted < before:
            self._shrink(before - wanted)
        elif self._worked and not tasks and now - self._needed_at >= IDLE and self._kept_mb >= KEPT_MB:
            self._renew(before)
        self._tell(now, before, tasks, highest)
        # True has the pool start what is missing, one that has been replaced for its memory included.
        return bool(self.processes != before or len(self._children()) < self.processes)

    def _ceiling(self, now: float, processes: int) -> int:
        # A look reads some files. One a second is enough: what was forked since has been reckoned with.
        if now - self._looked_at >= 1.0:
            self._looked_at = now
            room = self._memory.available_mb() - RESERVE_MB
            headroom = self._memory.headroom_mb()
            if headroom is not None:
                room = min(room, headroom)
            children = self._children()
            self._kept_mb = _grown_mb(children)
            promised = sum(max(0, CHILD_MB - _private_mb(pid)) for pid in children)
            promised += CHILD_MB * (processes - len(children))
            self._bearable = process_limit(processes, room, promised, self._memory.pressure())
        return int(min(self.max_concurrency, max(self.min_concurrency, self._bearable.processes)))

    def _children(self) -> list[int]:
        pool = self.pool._pool
        return [process.pid for process in pool._pool] if pool else []

    def _grow(self, n: int) -> None:
        self.pool.grow(n)

    def _shrink(self, n: int) -> None:
        try:
            self.pool.shrink(n)
        except ValueError:
            log.debug("all processes are busy; the first that ends its task goes")

    def _renew(self, processes: int) -> None:
        """Add fresh processes, which share their memory with their parent; the next look ends the oldest."""
        log.info("autoscale renews %d idle: %d MB kept of earlier tasks", processes, self._kept_mb)
        self._worked = False
        self._grow(processes)

    def _tell(self, now: float, before: int, tasks: int, highest: int) -> None:
        held = tasks >= highest and highest < self.max_concurrency
        why = f"memory bears {min(self._bearable.processes, self.max_concurrency)} ({self._bearable.reason})"
        after = self.processes
        if after > before:
            log.info("autoscale %d -> %d: %d tasks at hand, %s", before, after, tasks, why)
        elif after < before and before > highest:
            log.warning("autoscale %d -> %d: %s", before, after, why)
        elif after < before:
            log.info("autoscale %d -> %d: %d tasks at hand, no need for %.0f s", before, after, tasks, IDLE)
        if held and not self._held:
            log.warning("autoscale held at %d: more tasks wait, but %s", after, why)
        if after != before or held != self._held or now - self._reported_at >= REPORT:
            self._reported_at = now
            self._report(tasks, highest, held)
        self._held = held

    def _report(self, tasks: int, highest: int, held: bool) -> None:
        """Send an event, which is how Flower's metrics know."""
        dispatcher = getattr(getattr(self.worker, "consumer", None), "event_dispatcher", None)
        if dispatcher is not None:
            dispatcher.send(
                "worker-autoscale",
                processes=self.processes,
                process_limit=highest,
                held=held,
                active=tasks,
                retry=False,
            )

    def info(self) -> dict[str, Any]:
        """Return what `inspect stats`, and by it Flower's page of the worker, shows."""
        return {**super().info(), "process_limit": self.worker.max_concurrency, "reason": self._bearable.reason}


def _private_mb(pid: int) -> int:
    """Return what a process shares with nobody, in MiB: what it wrote, copies of its parent's pages included."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("Private_Dirty:")), 0)


def _grown_mb(pids: Iterable[int]) -> int:
    """Return what processes have taken since they were forked, in MiB: their memory beyond their parent's."""
    parent = _anonymous("self")
    return sum(max(0, _anonymous(str(pid)) - parent) for pid in pids) // MIB


def _anonymous(pid: str) -> int:
    try:
        resident, shared = (int(n) for n in Path(f"/proc/{pid}/statm").read_text().split()[1:3])
    except OSError:
        return 0
    return (resident - shared) * 4096
