"""The limits of what strangers may hold of the public API: connections, and the time and size of a request.

uvicorn itself waits for ever for a request that has begun, and accepts connections until no descriptor is left. See
docs/decisions/0148-http-limits.md.
"""

import asyncio
import logging
import sys
from asyncio import Transport
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES
from uvicorn.server import ServerState

from soniquebay.api.open_requests import HANG_UP
from soniquebay.api.peers import PeerProtocol
from soniquebay.quota import Held, Limits, Quota
from soniquebay.reach import REFUSED, Reach

log = logging.getLogger(__name__)

# In all: below the unit's LimitNOFILE, with room for files, databases and pipes. A browser opens 6, and a player that
# downloads some more.
CONNECTION_LIMITS = Limits(in_all=256, of_client=48, of_network=128)
MAX_HEAD_BYTES = 64 << 10  # clients of OpenSubsonic name hundreds of tracks in an address
HEAD_TIMEOUT_SECONDS = 10.0  # from the connection, or the answer before, until the head of a request is complete
BODY_TIMEOUT_SECONDS = 30.0  # from the head until the body is complete
RETRY_AFTER_SECONDS = 10
# What is parsed at a time. h11 looks at the size of a head only where the head is not complete yet.
_PIECE_BYTES = 16 << 10
_TEXTS = {
    400: "Invalid HTTP request received.",
    403: "This machine answers its own network only.",
    408: "The request did not arrive in time.",
    431: f"The head of a request has at most {MAX_HEAD_BYTES} bytes.",
    503: "Too many connections are open. Try again soon.",
}


class GuardedProtocol(PeerProtocol):
    """HTTP within the limits of this module. What goes beyond them is answered 403, 408, 431 or 503, and closed."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        quota: Quota | None,
        reach: Reach | None,
    ) -> None:
        """`quota`, `reach`: None when the connection is counted and allowed already."""
        super().__init__(config, server_state, app_state, _loop)
        self._quota = quota
        self._reach = reach
        self._held: Held = ()
        self._awaited: object = None  # the head or body of which request has to arrive
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Count the connection, or refuse it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, HANG_UP: transport.abort}
        if self._reach and not self._reach.allows(self.client, transport.get_extra_info("sockname")):
            log.warning(REFUSED, self.client and self.client[0])
            self._refuse(403)
            return
        held = self._quota.take(self.client) if self._quota else ()
        if held is None:
            log.warning("a connection is refused: too many are open, or too many by %s", self.client and self.client[0])
            self._refuse(503)
            return
        self._held = held
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no longer."""
        super().connection_lost(exc)
        if self._quota:
            self._quota.give_back(self._held)
        self._held = ()
        self._cancel_deadline()

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived."""
        for begin in range(0, len(data), _PIECE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[begin : begin + _PIECE_BYTES])
        self._set_deadline()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._set_deadline()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; uvicorn calls this while it handles h11's error."""
        hint = getattr(sys.exception(), "error_status_hint", 400)
        self._refuse(hint if hint in _TEXTS else 400)

    def _set_deadline(self) -> None:
        state = self.conn.their_state
        awaited = (self.cycle, state) if state in {h11.IDLE, h11.SEND_BODY} else None
        if awaited == self._awaited:
            return
        self._cancel_deadline()
        self._awaited = awaited
        if awaited and not self.transport.is_closing():
            seconds = HEAD_TIMEOUT_SECONDS if state is h11.IDLE else BODY_TIMEOUT_SECONDS
            self._deadline = self.loop.call_later(seconds, self._refuse, 408)

    def _cancel_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int) -> None:
        """Close the connection, with an answer where none has begun."""
        if self.transport.is_closing():
            return
        if self.cycle and not self.cycle.response_complete:
            # The application is not to answer any more, and to stop waiting for the rest.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.write(_answer(status))
            self.transport.close()
        else:
            self.transport.abort()


def _answer(status: int) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {STATUS_PHRASES[status].decode()}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(_TEXTS[status])}",
        "Connection: close",
        *([f"Retry-After: {RETRY_AFTER_SECONDS}"] if status == 503 else []),
    ]
    return "\r\n".join([*lines, "", _TEXTS[status]]).encode("ascii")
