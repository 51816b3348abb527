"""Live progress: each change of a scan goes to a capped Redis stream, and from there to every listener."""

import asyncio
import json
import logging
import re
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import redis
from fastapi.sse import ServerSentEvent
from redis.asyncio import Redis

from soniquebay.library import progress
from soniquebay.library.database import Database
from soniquebay.worker.config import KEY_PREFIX

log = logging.getLogger(__name__)

STREAM = KEY_PREFIX + "progress"
STREAM_LENGTH = 1000  # events kept for a listener that comes back
INTERVAL = 0.25  # seconds between two events at the least
EVENT_ID = re.compile(r"\d{1,20}-\d{1,20}")  # the ids of a Redis stream


class ProgressFeed:
    """Publishes the progress of the session that changed last, and lets listeners follow it."""

    def __init__(self, database: Database, client: "Redis") -> None:
        self._database = database
        self._redis = client
        self._session_id: int | None = None
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = asyncio.Event()

    def changed(self, session_id: int | None) -> None:
        """Say, from any thread, that a session moved; None if only the vectors of the last one did."""
        if session_id is not None:
            self._session_id = session_id
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._changed.set)

    def close(self) -> None:
        """End every listener's stream, so that the server can stop."""
        self._closing.set()

    async def publish_changes(self) -> None:
        """Publish until cancelled: at most one event every `INTERVAL`, and always the last state."""
        self._loop = asyncio.get_running_loop()
        last: dict[str, Any] | None = None
        # What a server before this one had no time to publish.
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                last = await self._publish(last)
            except (redis.RedisError, sqlite3.Error) as error:
                log.warning("progress not published: %s", error)
                await asyncio.sleep(2)
                self._changed.set()
            await asyncio.sleep(INTERVAL)

    async def _publish(self, last: dict[str, Any] | None) -> dict[str, Any] | None:
        event = await asyncio.to_thread(self._snapshot)
        if event is not None and event != last:
            await self._redis.xadd(STREAM, {"data": json.dumps(event)}, maxlen=STREAM_LENGTH, approximate=True)
        return event

    def _snapshot(self) -> dict[str, Any] | None:
        db = self._database.reader()
        session_id = self._session_id
        if session_id is None:
            (session_id,) = db.execute("SELECT max(id) FROM scan_sessions").fetchone()
        return progress.snapshot(db, session_id) if session_id is not None else None

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
