"""The state of the machine, measured for those who ask or listen."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import redis

from soniquebay import __version__, addresses, board, card, memory, process_history, procfs, update_record
from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.drives import Drives
from soniquebay.api.shared_run import SharedRun
from soniquebay.log_stream import LogReader
from soniquebay.settings import Settings

INTERVAL_SECONDS = 5.0  # between two events
HISTORY_SECONDS = 3600.0
MAX_CHANGES = 100


class MachineFeed:
    """Measures the machine for those who ask or listen, once for all of them, and never while nobody does."""

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher,
        log_lines: LogReader,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._log_lines = log_lines
        self._clock = clock
        self._drives = Drives()
        self._run: SharedRun[dict[str, Any]] = SharedRun("machine")

    async def state(self) -> dict[str, Any]:
        """Return the fields of `models.machine.Machine`."""
        return await self._run.result(self._measure)

    async def follow(self) -> AsyncIterator[bytes]:
        """Yield the state every `INTERVAL_SECONDS`, encoded as an event of an event stream."""
        while True:
            yield f"event: machine\ndata: {json.dumps(await self.state())}\n\n".encode()
            await asyncio.sleep(INTERVAL_SECONDS)

    def _measure(self) -> dict[str, Any]:
        throttling = board.throttling()
        parts, budget_mb = memory.parts()
        processes, queues, log_version = self._known_to_redis()
        return {
            "version": __version__,
            "time": self._clock(),
            "uptime_seconds": procfs.uptime_seconds(),
            "load": procfs.load_averages(),
            "processors": os.cpu_count() or 1,
            "board": {
                "temperature_celsius": board.temperature_celsius(),
                "slowed": throttling and throttling.now,
                "slowed_before": throttling and throttling.since_start,
            },
            "card": _card(),
            "memory": {
                "total_mb": procfs.total_memory_mb(),
                "available_mb": procfs.available_memory_mb(),
                "budget_mb": budget_mb,
                "parts": [part._asdict() for part in parts],
            },
            "processes": processes,
            "queues": queues,
            "log_version": log_version,
            "flower": {
                "scheme": "https" if self._settings.has_tls else "http",
                "port": self._settings.flower_port,
                "is_local": addresses.is_loopback(self._settings.flower_host),
            },
            "drives": self._drives.states(self._settings),
            "system_updates": _system_updates(),
        }

    def _known_to_redis(self) -> tuple[dict[str, Any] | None, dict[str, int] | None, str | None]:
        start = self._clock() - HISTORY_SECONDS
        try:
            reports = self._dispatcher.process_reports(start)
            queues = self._dispatcher.queue_lengths()
            log_version = self._log_lines.version()
        except redis.RedisError:
            return None, None, None
        changes = process_history.changes(reports, start, self._clock())
        current = process_history.current(reports, self._clock())
        return (
            {
                "now": sum(report.processes for report in current),
                "limit": sum(report.limit for report in current),
                "highest": self._settings.processes,
                "changes": [change._asdict() for change in changes[-MAX_CHANGES:]],
            },
            queues,
            log_version,
        )


def _card() -> dict[str, Any] | None:
    found = card.health()
    if found is None:
        return None
    return {"worn_percent": found.worn_percent, "reserve": found.reserve, "written_bytes": found.written_bytes}


def _system_updates() -> dict[str, Any] | None:
    found = update_record.read()
    if found is None:
        return None
    shown = {name: getattr(found, name) for name in ("began_at", "ended_at", "succeeded_at", "result", "reason")}
    return {**shown, "packages": list(found.packages), "waits_for_reboot": found.waits_for_reboot}
