"""One child process when idle, four under load, fewer when memory is short; `grep autoscale` in the log says why.

Replaces: ``celery.worker.autoscale.Autoscaler``, which looks at the number of tasks alone, and only for a message or
every 30 s. It also uses the pool's private list of processes.
Upstream: none; others have written the same, see https://github.com/ansible/awx/pull/1620.
Remove when: Celery's autoscaler takes a limit from a callback, and can be asked more often.
"""

import logging
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

from celery.worker.autoscale import Autoscaler

from soniquebay import procfs
from soniquebay.memory import Memory
from soniquebay.overrides.event_state import EVENT
from soniquebay.process_history import Reason, Report, Reporter
from soniquebay.settings import settings

log = logging.getLogger(__name__)

RESERVED_MB = 200  # of the machine's memory, left to the system
CHILD_MB = 150  # what a busy child may take beyond what it shares with its parent: twice the most that music took
MAX_PRESSURE_PERCENT = 10.0  # of the time in which some task waited for memory
CHECK_INTERVAL_SECONDS = 2.0  # between two checks when no message comes
MEMORY_CHECK_INTERVAL_SECONDS = 1.0
IDLE_SECONDS = 10.0  # without need before processes end
MAX_IDLE_GROWTH_MB = 8  # memory that idle children may keep of their work; with more, fresh ones replace them
REPORT_INTERVAL_SECONDS = 60.0  # between two events to Flower and two reports to the API when nothing changes


@dataclass(frozen=True, slots=True)
class ProcessLimit:
    """How many child processes the memory allows, and why not more."""

    processes: int
    reason: str


def process_limit(processes: int, free_mb: int, reserved_mb: int, pressure: float) -> ProcessLimit:
    """Return how many child processes the memory allows; at least one.

    `free_mb` is the memory that may still be taken. The `processes` that run are going to take `reserved_mb` of it, as
    they have not reached their full size. `pressure` is in percent.
    """
    count = processes + (free_mb - reserved_mb) // CHILD_MB
    if pressure > MAX_PRESSURE_PERCENT and count >= processes:
        return ProcessLimit(max(1, processes - 1), f"memory pressure {pressure:.0f} %")
    return ProcessLimit(max(1, count), f"{free_mb} MB free, {reserved_mb} MB of them reserved")


def wanted_processes(processes: int, tasks: int, idle_seconds: float, lowest: int, highest: int) -> int:
    """Return how many child processes there should be.

    `tasks` run or wait in the worker, which takes at most `highest`. `idle_seconds` counts since all processes were
    needed.
    """
    wanted = max(lowest, min(tasks, highest))
    if wanted < processes <= highest and idle_seconds < IDLE_SECONDS:
        return processes
    return wanted if wanted > processes or idle_seconds >= IDLE_SECONDS else min(processes, highest)


def changes_to_report(
    before: int, after: int, highest: int, *, is_first: bool, newly_limited: bool
) -> list[tuple[Reason, int]]:
    """Return the reasons to report, each with the number of processes then: `before` and `after` one check.

    `newly_limited`: more tasks wait from now on, but the memory allows no more processes. The first check of a worker
    may be a change already, as tasks wait when it starts.
    """
    reports: list[tuple[Reason, int]] = [("start", before)] if is_first else []
    if after > before:
        reports.append(("tasks", after))
    elif after < before:
        reports.append(("memory" if before > highest else "idle", after))
    elif newly_limited:
        reports.append(("memory", after))
    return reports or [("none", after)]


class MemoryAutoscaler(Autoscaler):
    """Celery's autoscaler with a process limit that depends on the memory.

    Celery asks it for each message, before the task is given to a process, and every `CHECK_INTERVAL_SECONDS`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "keepalive": CHECK_INTERVAL_SECONDS})
        self._memory = Memory()
        self._needed_at = self._reported_at = monotonic()
        self._limit = ProcessLimit(self.max_concurrency, "not checked yet")
        self._checked_at = 0.0
        self._idle_growth_mb = 0
        self._has_worked = False  # since the processes were renewed
        self._memory_limited = False
        self._reporter = Reporter(settings().redis)
        self._has_reported = False

    def _maybe_scale(self, req: Any = None) -> bool | None:
        now, before, tasks = monotonic(), self.processes, self.qty
        if tasks >= before:
            self._needed_at = now
        self._has_worked |= tasks > 0
        if req is not None and tasks <= before:
            return None  # a process is free for the task: it need not wait for a check of the memory
        highest = self._highest(now, before)
        # The worker takes as many tasks as this says. With a fixed number it would hoard tasks that others could run.
        self.worker.max_concurrency = highest
        wanted = wanted_processes(before, tasks, now - self._needed_at, self.min_concurrency, highest)
        if wanted > before:
            self._grow(wanted - before)
        elif wanted < before:
            self._shrink(before - wanted)
        elif self._should_renew(now, tasks):
            self._renew(before)
        self._log_and_report(now, before, tasks, highest)
        if req is None:
            self._reporter.send()  # not while a task waits for its process
        # True has the pool start missing processes, one that was replaced for its memory included.
        return bool(self.processes != before or len(self._children()) < self.processes)

    def _highest(self, now: float, processes: int) -> int:
        # A check reads some files. One a second is enough: the memory of newer children is reserved.
        if now - self._checked_at >= MEMORY_CHECK_INTERVAL_SECONDS:
            self._checked_at = now
            free = self._memory.available_mb() - RESERVED_MB
            headroom = self._memory.headroom_mb()
            if headroom is not None:
                free = min(free, headroom)
            children = self._children()
            self._idle_growth_mb = procfs.growth_since_fork_mb(children)
            reserved = sum(max(0, CHILD_MB - procfs.private_dirty_mb(pid)) for pid in children)
            reserved += CHILD_MB * (processes - len(children))
            self._limit = process_limit(processes, free, reserved, self._memory.pressure())
        return int(min(self.max_concurrency, max(self.min_concurrency, self._limit.processes)))

    def _children(self) -> list[int]:
        pool = self.pool._pool
        return [process.pid for process in pool._pool] if pool else []

    def _grow(self, n: int) -> None:
        self.pool.grow(n)

    def _shrink(self, n: int) -> None:
        try:
            self.pool.shrink(n)
        except ValueError:
            log.debug("all processes are busy; the first to finish its task ends")

    def _should_renew(self, now: float, tasks: int) -> bool:
        is_idle = not tasks and now - self._needed_at >= IDLE_SECONDS
        return self._has_worked and is_idle and self._idle_growth_mb >= MAX_IDLE_GROWTH_MB

    def _renew(self, processes: int) -> None:
        """Start fresh processes, which share their memory with their parent; the next check ends the oldest ones."""
        log.info("autoscale renews %d idle: they keep %d MB of earlier tasks", processes, self._idle_growth_mb)
        self._has_worked = False
        self._grow(processes)

    def _log_and_report(self, now: float, before: int, tasks: int, highest: int) -> None:
        memory_limited = tasks >= highest and highest < self.max_concurrency
        why = f"memory allows {min(self._limit.processes, self.max_concurrency)} ({self._limit.reason})"
        after = self.processes
        if after > before:
            log.info("autoscale %d -> %d: %d tasks, %s", before, after, tasks, why)
        elif after < before and before > highest:
            log.warning("autoscale %d -> %d: %s", before, after, why)
        elif after < before:
            log.info("autoscale %d -> %d: %d tasks, not needed for %.0f s", before, after, tasks, IDLE_SECONDS)
        if memory_limited and not self._memory_limited:
            log.warning("autoscale limited to %d: more tasks wait, but %s", after, why)
        is_due = now - self._reported_at >= REPORT_INTERVAL_SECONDS or not self._has_reported
        if after != before or memory_limited != self._memory_limited or is_due:
            self._reported_at = now
            self._send_event(tasks, highest, memory_limited)
            newly_limited = memory_limited and not self._memory_limited
            name, why = self.worker.hostname, self._limit.reason
            for reason, processes in changes_to_report(
                before, after, highest, is_first=not self._has_reported, newly_limited=newly_limited
            ):
                self._reporter.add(Report(time(), name, processes, highest, reason, why, memory_limited))
            self._has_reported = True
        self._memory_limited = memory_limited

    def _send_event(self, tasks: int, highest: int, memory_limited: bool) -> None:
        """Send an event with the figures that `AutoscaleCollector` reads."""
        dispatcher = getattr(getattr(self.worker, "consumer", None), "event_dispatcher", None)
        if dispatcher is not None:
            figures = {"processes": self.processes, "process_limit": highest, "memory_limited": memory_limited}
            # Not `active`: Celery's own state of the worker has a field of that name, which this would overwrite.
            dispatcher.send(EVENT, **figures, tasks=tasks, retry=False)

    def info(self) -> dict[str, Any]:
        """Return what `inspect stats`, and so Flower's page of the worker, shows."""
        return {**super().info(), "process_limit": self.worker.max_concurrency, "reason": self._limit.reason}
