"""Publish the progress of scans to every listener, and to a capped Redis stream for those that connect again.

This process makes the events, so its listeners read them from its memory. Redis is asked only by a listener that has
missed some.
"""

import asyncio
import contextlib
import json
import logging
import re
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import redis
from redis.asyncio import Redis

from soniquebay.library import progress
from soniquebay.library.database import Database
from soniquebay.settings import REDIS_KEY_PREFIX

log = logging.getLogger(__name__)

STREAM = REDIS_KEY_PREFIX + "progress"
MAX_STREAM_EVENTS = 1000  # kept in Redis for a listener that reconnects
MAX_RECENT_EVENTS = 50  # kept in memory; a listener that is slower reads what it has missed from Redis
PAGE_EVENTS = 100
COMMENT_INTERVAL_SECONDS = 15.0  # proxies and listeners take longer silence for a broken stream
MIN_INTERVAL_SECONDS = 0.25  # between two events
MAX_INTERVAL_SECONDS = 5.0
MAX_CPU_SHARE = 0.005  # of one processor, for making snapshots: those of a large session are made less often
_EVENT_ID = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)


def is_event_id(text: str) -> bool:
    """Tell whether a text can be the id of an entry in a Redis stream that others follow: two numbers, as "1-0"."""
    match = _EVENT_ID.fullmatch(text)
    return match is not None and all(int(number) < 2**64 - 1 for number in match.groups())


class ProgressFeed:
    """Publishes the progress of the session that changed last, and lets listeners follow it."""

    def __init__(self, database: Database, client: "Redis") -> None:
        self._database = database
        self._redis = client
        self._session_id: int | None = None
        self._inserted: tuple[int | None, str | None] = (None, None)  # a session, and the folder that it has inserted
        self._changed = asyncio.Event()
        self._urgent = asyncio.Event()
        self._seconds_per_track: float | None = None
        self._analysed_at: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._recent: deque[tuple[str, str]] = deque(maxlen=MAX_RECENT_EVENTS)
        self._forgotten = (0, 0)  # the newest event that `_recent` has no more
        self._published = asyncio.Event()  # another one after each event

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

    def inserted(self, session_id: int, folder: str | None, *, urgent: bool = False) -> None:
        """Note that a session has inserted files, and the folder of the last of them, as listeners may see it."""
        self._inserted = (session_id, folder)
        self.changed(session_id, urgent=urgent)

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
        self._closing = True
        self._wake_listeners()

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
                    added = await self._redis.xadd(STREAM, {"data": data}, maxlen=MAX_STREAM_EVENTS, approximate=True)
                    self._publish(added.decode(), data)
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
        state = progress.snapshot(db, session_id, self._seconds_per_track)
        of_session, folder = self._inserted
        return state and {**state, "folder": folder if of_session == session_id else None}

    async def follow(self, last_id: str | None) -> AsyncIterator[bytes]:
        """Yield the events after `last_id`; without one, the current state first and then the events after it.

        They are encoded as the body of an event stream. It ends when Redis does not answer; a listener connects again.
        """
        try:
            async for chunk in self._follow(last_id):
                yield chunk
        except redis.RedisError as error:
            log.warning("a listener's stream of events ends: %s", error)

    def _publish(self, event_id: str, data: str) -> None:
        if len(self._recent) == MAX_RECENT_EVENTS:
            self._forgotten = _numbers(self._recent[0][0])
        self._recent.append((event_id, data))
        self._wake_listeners()

    def _wake_listeners(self) -> None:
        self._published.set()
        self._published = asyncio.Event()

    async def _follow(self, last_id: str | None) -> AsyncIterator[bytes]:
        newest_id = await self._newest_id()
        # A Redis that began anew after the clock was set back gives smaller ids: nothing would come after the old one.
        if last_id is None or _numbers(last_id) > _numbers(newest_id):
            last_id = newest_id
            state = await asyncio.to_thread(self._snapshot)
            if state is not None:
                yield _event(last_id, json.dumps(state))
        may_have_missed = True
        while not self._closing:
            if may_have_missed:
                events = await self._stored(last_id)
                may_have_missed = bool(events)
            else:
                may_have_missed = _numbers(last_id) < self._forgotten
                events = [] if may_have_missed else self._after(last_id)
            for event_id, data in events:
                last_id = event_id
                yield _event(event_id, data)
            if not events and not may_have_missed and not await self._wait():
                yield b": nothing new\n\n"

    async def _wait(self) -> bool:
        """Wait for the next event. Tell whether it came within `COMMENT_INTERVAL_SECONDS`."""
        try:
            async with asyncio.timeout(COMMENT_INTERVAL_SECONDS):
                await self._published.wait()
        except TimeoutError:
            return False
        return True

    def _after(self, last_id: str) -> list[tuple[str, str]]:
        return [event for event in self._recent if _numbers(event[0]) > _numbers(last_id)]

    async def _newest_id(self) -> str:
        if self._recent:
            return self._recent[-1][0]
        newest: Any = await self._redis.xrevrange(STREAM, count=1)
        return newest[0][0].decode() if newest else "0-0"

    async def _stored(self, last_id: str) -> list[tuple[str, str]]:
        entries: Any = await self._redis.xrange(STREAM, f"({last_id}", count=PAGE_EVENTS)
        return [(entry_id.decode(), fields[b"data"].decode()) for entry_id, fields in entries]


def _numbers(event_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds), int(sequence)


def _event(event_id: str, data: str) -> bytes:
    return f"id: {event_id}\nevent: scan\ndata: {data}\n\n".encode()
