"""Publish the progress of scans: each change goes to a capped Redis stream, and from there to every listener."""

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
from redis.asyncio import Redis

from soniquebay.library import progress
from soniquebay.library.database import Database
from soniquebay.settings import REDIS_KEY_PREFIX

log = logging.getLogger(__name__)

STREAM = REDIS_KEY_PREFIX + "progress"
MAX_STREAM_EVENTS = 1000  # kept for a listener that reconnects
COMMENT_INTERVAL_SECONDS = 15.0  # proxies and listeners take longer silence for a broken stream
MIN_INTERVAL_SECONDS = 0.25  # between two events
MAX_INTERVAL_SECONDS = 5.0
MAX_CPU_SHARE = 0.005  # of one processor, for making snapshots: those of a large session are made less often
_EVENT_ID = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)


def is_event_id(text: str) -> bool:
    """Tell whether a text can be the id of an entry in a Redis stream: two unsigned 64-bit numbers, as "1-0"."""
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
        self._seconds_per_track: float | None = None
        self._analysed_at: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = asyncio.Event()

    def changed(self, session_id: int | None, *, urgent: bool = False) -> None:
        """Note that a session has changed; None when only the number of vectors has. Safe from any thread.

        `urgent`: publish it without the usual pause, for example the end of a scan.
        """
        if session_id is not None:
            self._session_id = session_id
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._changed.set)
            if urgent:
                self._loop.call_soon_threadsafe(self._urgent.set)

    def analysed(self) -> None:
        """Note that one more track was analysed, and average the seconds that a track takes."""
        now = time.monotonic()
        if self._analysed_at is not None:
            seconds = min(now - self._analysed_at, 60.0)
            average = self._seconds_per_track
            self._seconds_per_track = seconds if average is None else 0.95 * average + 0.05 * seconds
        self._analysed_at = now
        self.changed(None)

    def close(self) -> None:
        """End every listener's stream, so that the server can stop."""
        self._closing.set()

    async def publish_changes(self) -> None:
        """Publish changes until cancelled: not too often, and always the last state."""
        self._loop = asyncio.get_running_loop()
        last: dict[str, Any] | None = None
        # The process before this one may have ended before it published its last change.
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            cpu_seconds = 0.0
            try:
                event, cpu_seconds = await asyncio.to_thread(self._timed_snapshot)
                if event is not None and event != last:
                    data = json.dumps(event)
                    await self._redis.xadd(STREAM, {"data": data}, maxlen=MAX_STREAM_EVENTS, approximate=True)
                last = event
            except (redis.RedisError, sqlite3.Error) as error:
                log.warning("progress not published: %s", error)
                await asyncio.sleep(2)
                self._changed.set()
            pause = min(max(MIN_INTERVAL_SECONDS, cpu_seconds / MAX_CPU_SHARE), MAX_INTERVAL_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._urgent.wait()
            self._urgent.clear()

    def _timed_snapshot(self) -> tuple[dict[str, Any] | None, float]:
        started = time.thread_time()
        return self._snapshot(), time.thread_time() - started

    def _snapshot(self) -> dict[str, Any] | None:
        db = self._database.reader()
        session_id = self._session_id
        if session_id is None:
            (session_id,) = db.execute("SELECT max(id) FROM scan_sessions").fetchone()
        return self.snapshot(db, session_id) if session_id is not None else None

    def snapshot(self, db: sqlite3.Connection, session_id: int) -> dict[str, Any] | None:
        """Return a session's progress as `models.scans.Progress` has it, or None when there is no such session."""
        return progress.snapshot(db, session_id, self._seconds_per_track)

    async def follow(self, last_id: str | None) -> AsyncIterator[bytes]:
        """Yield the events after `last_id`; without one, the current state first and then the events after it.

        They are encoded as the body of an event stream. It ends when Redis does not answer; a listener connects again.
        """
        try:
            async for chunk in self._follow(last_id):
                yield chunk
        except redis.RedisError as error:
            log.warning("a listener's stream of events ends: %s", error)

    async def _follow(self, last_id: str | None) -> AsyncIterator[bytes]:
        if last_id is None:
            newest: Any = await self._redis.xrevrange(STREAM, count=1)
            last_id = newest[0][0].decode() if newest else "0-0"
            state = await asyncio.to_thread(self._snapshot)
            if state is not None:
                yield _event(last_id, json.dumps(state))
        sent_at = time.monotonic()
        while not self._closing.is_set():
            # Blocks for a second at most, so that a listener that left, or a stop of the server, is noticed soon.
            for event_id, data in await self._after(last_id):
                last_id, sent_at = event_id, time.monotonic()
                yield _event(event_id, data)
            if time.monotonic() - sent_at > COMMENT_INTERVAL_SECONDS:
                sent_at = time.monotonic()
                yield b": nothing new\n\n"

    async def _after(self, last_id: str) -> list[tuple[str, str]]:
        streams: Any = await self._redis.xread({STREAM: last_id}, count=100, block=1000) or []
        entries = [entry for _, stream_entries in streams for entry in stream_entries]
        return [(entry_id.decode(), fields[b"data"].decode()) for entry_id, fields in entries]


def _event(event_id: str, data: str) -> bytes:
    return f"id: {event_id}\nevent: scan\ndata: {data}\n\n".encode()
