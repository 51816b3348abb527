"""The requests that are being answered, with who sent them: an answer without an end ends with the right to it.

Who may have a stream of events or of music is checked when it begins. When a session, an app password or a user is gone
later, or has another role, the connections of its requests are closed.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from soniquebay.listeners.accounts import Accounts, Visitor

log = logging.getLogger(__name__)

# In the state of a request: what closes its connection at once, and who has sent it, once that is known. Requests that
# came by no connection of ours, as in tests, have no `HANG_UP`.
HANG_UP, VISITOR = "hang_up", "visitor"
# An ordinary answer has its end by then, also the one to the request that made the change.
GRACE_SECONDS = 1.0


class OpenRequests:
    """Closes the connections of requests whose visitor has lost the right to them."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._states: dict[int, dict[str, Any]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._check: asyncio.Task[None] | None = None
        accounts.changed = self._changed

    @contextmanager
    def watched(self, state: dict[str, Any]) -> Iterator[None]:
        """Have the request with this state end when its visitor loses the right to it, while the body runs."""
        if HANG_UP not in state:
            yield
            return
        self._loop = asyncio.get_running_loop()
        self._states[id(state)] = state
        try:
            yield
        finally:
            del self._states[id(state)]

    def _changed(self) -> None:
        """Check what is open, soon. Safe from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._start_check)

    def _start_check(self) -> None:
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(self._check_all())

    async def _check_all(self) -> None:
        await asyncio.sleep(GRACE_SECONDS)
        self._check = None  # what changes from here on is checked again
        users = {visitor for state in self._states.values() if (visitor := _user_in(state))}
        if not users:
            return
        try:
            gone = await asyncio.to_thread(lambda: {user for user in users if not self._accounts.is_still(user)})
        except sqlite3.Error as error:
            log.warning("it is not known yet whose streams have to end: %s", error)
            self._start_check()
            return
        for state in list(self._states.values()):
            if _user_in(state) in gone:
                state[HANG_UP]()


def _user_in(state: dict[str, Any]) -> Visitor | None:
    visitor: Visitor | None = state.get(VISITOR)
    return visitor if visitor and visitor.user else None
