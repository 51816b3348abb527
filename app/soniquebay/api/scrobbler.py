"""The background job that tells other services what users hear, by the fetcher."""

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from soniquebay.listeners import scrobble_accounts, scrobbles
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.device_key import DeviceKey
from soniquebay.listeners.heard import Heard
from soniquebay.listeners.scrobble_accounts import Account
from soniquebay.listeners.scrobbles import RULES, Service, Waiting
from soniquebay.online import lastfm, listenbrainz
from soniquebay.online.errors import CredentialsError, NotAcceptedError, UpstreamError
from soniquebay.online.scrobble_result import Result
from soniquebay.settings import Settings

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 15.0  # of the look for plays whose back-off has passed; a new play is sent at once
ANNOUNCEMENT_SECONDS = 30.0  # what is heard now is of no use later
_UNREADABLE = "this machine cannot decrypt the token: its key is another one than when it was stored"
_SERVICES: dict[Service, Any] = {"listenbrainz": listenbrainz, "lastfm": lastfm}


class Scrobbler:
    """Sends the plays that wait, the oldest first, and deletes them after the answer."""

    def __init__(self, settings: Settings, database: ListenersDatabase, key: DeviceKey) -> None:
        self._settings, self._database, self._key = settings, database, key
        self._lock = threading.Lock()
        self._announcements: dict[int, tuple[float, Heard]] = {}  # by user: monotonic seconds, and what is heard
        self.wake: Callable[[], None] = lambda: None
        """Have what waits sent soon. Safe from any thread."""

    def announce(self, user_id: int, heard: Heard | None) -> None:
        """Tell the services of a user what is heard now, if they can be told at once. Safe from any thread."""
        if heard is not None and self._settings.online:
            with self._lock:
                self._announcements[user_id] = (time.monotonic(), heard)
            self.wake()

    async def run(self) -> None:
        """Send until cancelled; end at once where nobody on the internet may be asked."""
        if not self._settings.online:
            return
        wake, loop = asyncio.Event(), asyncio.get_running_loop()

        def request() -> None:
            loop.call_soon_threadsafe(wake.set)

        self.wake = request
        while True:
            wake.clear()
            more = False
            try:
                await self._send_announcements()
                more = await self.send_waiting()
            except Exception as error:  # whatever it is, the next run may succeed
                is_known = isinstance(error, sqlite3.Error)
                log.warning("no plays sent: %s: %s", type(error).__name__, error, exc_info=not is_known)
            if not more:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(INTERVAL_SECONDS):
                        await wake.wait()

    async def send_waiting(self) -> bool:
        """Send one batch of each account that is due. Return whether more may wait."""
        more = False
        down: set[Service] = set()
        for account in await asyncio.to_thread(self._due):
            if account.service in down:
                continue
            try:
                more |= await self._send_batch(account)
            except UpstreamError as error:
                down.add(account.service)
                await asyncio.to_thread(self._note_failure, account, error)
            except CredentialsError as error:
                await asyncio.to_thread(self._note_renewal, account, str(error))
        return more

    async def _send_batch(self, account: Account) -> bool:
        if not account.secrets:
            raise CredentialsError(_UNREADABLE)
        plays = await asyncio.to_thread(self._next_batch, account)
        if plays:
            await self._send(account, plays)
        return len(plays) == RULES[account.service].batch

    async def _send(self, account: Account, plays: Sequence[Waiting]) -> None:
        """Send plays, and delete them. What the service refuses is sent in halves, until it is a single play."""
        try:
            result = await _SERVICES[account.service].submit(self._settings.online_socket, account.secrets, plays)
        except NotAcceptedError as error:
            if len(plays) > 1:
                half = len(plays) // 2
                await self._send(account, plays[:half])
                await self._send(account, plays[half:])
                return
            result = Result(ignored={0: str(error)})
        await asyncio.to_thread(self._note_result, account, plays, result)
        if result.postponed:
            raise UpstreamError(next(iter(result.postponed.values())), answered=True)

    async def _send_announcements(self) -> None:
        with self._lock:
            announcements, self._announcements = self._announcements, {}
        for user_id, (since, heard) in announcements.items():
            if time.monotonic() - since > ANNOUNCEMENT_SECONDS:
                continue
            for account in await asyncio.to_thread(self._ready_of_user, user_id):
                await self._announce(account, heard)

    async def _announce(self, account: Account, heard: Heard) -> None:
        """Tell what is heard now. A failure changes nothing: the plays find it out, too."""
        service, socket = _SERVICES[account.service], self._settings.online_socket
        if account.secrets:
            with contextlib.suppress(UpstreamError, CredentialsError, NotAcceptedError):
                await service.announce(socket, account.secrets, heard, ANNOUNCEMENT_SECONDS)

    def _due(self) -> list[Account]:
        return scrobble_accounts.due(self._database.reader(), self._key, time.time())

    def _ready_of_user(self, user_id: int) -> list[Account]:
        return scrobble_accounts.ready_of_user(self._database.reader(), self._key, user_id, time.time())

    def _next_batch(self, account: Account) -> list[Waiting]:
        user_id, service = account.user_id, account.service
        plays = scrobbles.next_batch(self._database.reader(), user_id, service)
        if plays and plays[0].played_at < RULES[service].earliest(time.time()):
            with self._database.transaction() as db:
                scrobbles.drop_old(db, user_id, service, time.time())
            plays = scrobbles.next_batch(self._database.reader(), user_id, service)
        return plays

    def _note_result(self, account: Account, plays: Sequence[Waiting], result: Result) -> None:
        with self._database.transaction() as db:
            scrobbles.delete(db, [play for number, play in enumerate(plays) if number not in result.postponed])
            for reason in result.ignored.values():
                scrobble_accounts.note_dropped(db, account, 1, reason)
            if len(result.ignored) + len(result.postponed) < len(plays):
                scrobble_accounts.note_sent(db, account, time.time())

    def _note_failure(self, account: Account, error: UpstreamError) -> None:
        with self._database.transaction() as db:
            scrobble_accounts.note_failure(db, account, error.reason, error.retry_after, time.time())
        if not account.failures:  # a line for each attempt would wear the card
            reason = scrobble_accounts.hidden(error.reason, account.secrets)
            log.warning("%s takes no plays now: %s; they are kept", RULES[account.service].label, reason)

    def _note_renewal(self, account: Account, reason: str) -> None:
        with self._database.transaction() as db:
            scrobble_accounts.note_renewal(db, account, reason)
        reason = scrobble_accounts.hidden(reason, account.secrets)
        log.warning("a user has to connect %s anew: %s", RULES[account.service].label, reason)
