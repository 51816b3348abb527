"""Live progress: each change of a scan goes to a capped Redis stream, and from there to every listener."""

import asyncio
import contextlib
import json
import logging
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from typing import Any

import redis
from fastapi.sse import ServerSentEvent
from redis.asyncio import Redis

from soniquebay.library import progress
from soniquebay.library.database import Database
from soniquebay.settings import KEY_PREFIX

log = logging.getLogger(__name__)

STREAM = KEY_PREFIX + "progress"
STREAM_LENGTH = 1000  # events kept for a listener that comes back
INTERVAL = 0.25  # seconds between two events at the least
SHARE = 0.005  # of the processor's time that looking may take: a large session is looked at less often
LONGEST_PAUSE = 5.0  # seconds
_EVENT_ID = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)


def is_event_id(text: str) -> bool:
    """Tell whether a text can be the id of an event: that of an entry in a Redis stream, two numbers of 64 bits."""
    match = _EVENT_ID.fullmatch(text)
    return match is not None and all(int(number) < 2**64 for number in match.groups())


class ProgressFeed:
    """Publishes the progress of the session that changed last, and lets listeners follow it."""

    def __init__(self, database: Database, client: "Redis") -> None:
        self._database = database
        self._redis = client
        self._session_id: int | None = None
        self._changed = asyncio.Event()
        self._urgent = asyncio.Event()
        self._pace: float | None = None
        self._analysed_at: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = asyncio.Event()

    def changed(self, session_id: int | None, *, urgent: bool = False) -> None:
        """Say, from any thread, that a session moved; None if only the vectors of the last one did.

        `urgent`: somebody waits for just this, as for the end of a scan.
        """
        if session_id is not None:
            self._session_id = session_id
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._changed.set)
            if urgent:
                self._loop.call_soon_threadsafe(self._urgent.set)

    def analysed(self) -> None:
        """Say that one more track was analysed."""
        now = time.monotonic()
        if self._analysed_at is not None:
            since = min(now - self._analysed_at, 60.0)
            self._pace = since if self._pace is None else 0.95 * self._pace + 0.05 * since
        self._analysed_at = now
        self.changed(None)

    def close(self) -> None:
        """End every listener's stream, so that the server can stop."""
        self._closing.set()

    async def publish_changes(self) -> None:
        """Publish until cancelled: not too often, and always the last state."""
        self._loop = asyncio.get_running_loop()
        last: dict[str, Any] | None = None
        # What a server before this one had no time to publish.
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            cost = 0.0
            try:
                event, cost = await asyncio.to_thread(self._timed_snapshot)
                if event is not None and event != last:
                    data = json.dumps(event)
                    await self._redis.xadd(STREAM, {"data": data}, maxlen=STREAM_LENGTH, approximate=True)
                last = event
            except (redis.RedisError, sqlite3.Error) as error:
                log.warning("progress not published: %s", error)
                await asyncio.sleep(2)
                self._changed.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(INTERVAL, cost / SHARE), LONGEST_PAUSE)):
                    await self._urgent.wait()
            self._urgent.clear()

    def _timed_snapshot(self) -> tuple[dict[str, Any] | None, float]:
        began = time.thread_time()
        return self._snapshot(), time.thread_time() - began

    def _snapshot(self) -> dict[str, Any] | None:
        db = self._database.reader()
        session_id = self._session_id
        if session_id is None:
            (session_id,) = db.execute("SELECT max(id) FROM scan_sessions").fetchone()
        return self.snapshot(db, session_id) if session_id is not None else None

    def snapshot(self, db: sqlite3.Connection, session_id: int) -> dict[str, Any] | None:
        """Return a session's progress, or None if there is no such one."""
        return progress.snapshot(db, session_id, self._pace)

    async def follow(self, last_id: str | None) -> AsyncIterator[ServerSentEvent]:
        """Yield the events after `last_id`; without one, the current state first and then what follows."""
        if last_id is None:
            newest: Any = await self._redis.xrevrange(STREAM, count=1)
            last_id = newest[0][0].decode() if newest else "0-0"
            state = await asyncio.to_thread(self._snapshot)
            if state is not None:
                yield _event(last_id, json.dumps(state))
        while not self._closing.is_set():
            # A short block: a listener that left, or a server that stops, is noticed within a second.
            for event_id, data in await self._after(last_id):
                last_id = event_id
                yield _event(event_id, data)

    async def _after(self, last_id: str) -> list[tuple[str, str]]:
        answer: Any = await self._redis.xread({STREAM: last_id}, count=100, block=1000) or []
        entries = [entry for _, found in answer for entry in found]
        return [(entry_id.decode(), fields[b"data"].decode()) for entry_id, fields in entries]


def _event(event_id: str, data: str) -> ServerSentEvent:
    return ServerSentEvent(event="scan", id=event_id, raw_data=data)
