"""How many child processes each worker has and had: a capped Redis stream, which workers write and the API reads."""

import logging
from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Literal, NamedTuple, cast

import redis

from soniquebay.settings import REDIS_KEY_PREFIX

log = logging.getLogger(__name__)

Reason = Literal["start", "tasks", "idle", "memory", "none", "silent"]
STREAM = REDIS_KEY_PREFIX + "processes"
MAX_STREAM_ENTRIES = 500
MAX_UNSENT_ENTRIES = 50  # while Redis does not answer
TIMEOUT_SECONDS = 1.0  # the worker's main process waits for it
SILENT_AFTER_SECONDS = 150.0  # a worker reports once a minute: one that does not has ended


class Report(NamedTuple):
    """What one worker tells of its child processes, at a Unix time."""

    at: float
    worker: str
    processes: int
    limit: int
    """How many processes the memory and the settings allow."""
    reason: Reason
    """Why their number has changed: `start` of the worker, more `tasks`, `idle`, `memory`; `none` without a change."""
    detail: str = ""
    """The limit's reason in words."""
    memory_limited: bool = False
    """Whether more tasks wait than the memory lets the worker take."""


class Reporter:
    """Sends the reports of one worker. What Redis does not take now is sent later."""

    def __init__(self, url: str) -> None:
        """`url`: of Redis."""
        self._redis = redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
        self._unsent: deque[Report] = deque(maxlen=MAX_UNSENT_ENTRIES)

    def add(self, report: Report) -> None:
        """Keep a report until `send`."""
        self._unsent.append(report)

    def send(self) -> None:
        """Send what was added."""
        try:
            while self._unsent:
                report = self._unsent[0]
                fields: dict[Any, Any] = {**report._asdict(), "memory_limited": int(report.memory_limited)}
                self._redis.xadd(STREAM, fields, maxlen=MAX_STREAM_ENTRIES, approximate=True)
                self._unsent.popleft()
        except redis.RedisError as error:
            log.debug("the number of processes is told later: %s", error)


def reports_since(client: "redis.Redis", start: float) -> list[Report]:
    """Return the reports since a Unix time, and those before it that still held then. Raises ``redis.RedisError``."""
    oldest = int(1000 * (start - SILENT_AFTER_SECONDS))
    found = cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange(STREAM, max(0, oldest)))
    return [_report({name.decode(): value.decode() for name, value in fields.items()}) for _, fields in found]


def _report(fields: dict[str, str]) -> Report:
    return Report(
        float(fields["at"]),
        fields["worker"],
        int(fields["processes"]),
        int(fields["limit"]),
        cast("Reason", fields["reason"]),
        fields["detail"],
        fields.get("memory_limited") == "1",  # a worker of an older release does not tell
    )


def current(reports: Iterable[Report], now: float) -> list[Report]:
    """Return the last report of each worker that still reports."""
    last = {report.worker: report for report in sorted(_believable(reports, now))}
    return [report for report in last.values() if now - report.at <= SILENT_AFTER_SECONDS]


def changes(reports: Iterable[Report], start: float, now: float) -> list[Report]:
    """Return the changes of the number of all workers' processes together, the oldest first.

    The first one says what the number was at `start` (Unix time). `worker`: the one that has changed.
    """
    by_worker: dict[str, list[Report]] = {}
    for report in sorted(_believable(reports, now)):
        by_worker.setdefault(report.worker, []).append(report)
    told = [report for one in by_worker.values() for report in _with_silence(one, now)]
    processes: dict[str, int] = {}
    limits: dict[str, int] = {}
    found: list[Report] = []
    for report in sorted(told):
        processes[report.worker], limits[report.worker] = report.processes, report.limit
        total = report._replace(processes=sum(processes.values()), limit=sum(limits.values()))
        if report.at <= start:
            found = [total._replace(at=start, reason="none")]
        elif not found or total.processes != found[-1].processes or report.reason == "memory":
            found.append(total)
    return found


def _believable(reports: Iterable[Report], now: float) -> list[Report]:
    """Return the reports that do not lie in the future, as those from before the clock was set back do."""
    return [report for report in reports if report.at <= now + SILENT_AFTER_SECONDS]


def _with_silence(reports: list[Report], now: float) -> list[Report]:
    """Return one worker's reports, with one more wherever it was silent for too long: it has no processes then."""
    last = reports[-1]
    silent = [
        before._replace(at=before.at + SILENT_AFTER_SECONDS, processes=0, limit=0, reason="silent", detail="")
        for before, after in pairwise([*reports, last._replace(at=now)])
        if after.at - before.at > SILENT_AFTER_SECONDS
    ]
    return reports + silent
