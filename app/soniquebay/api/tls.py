"""TLS of the public API, within the limits of `connections`.

asyncio tells uvicorn's protocol of a connection once its handshake is complete. Half-open handshakes would not count,
and wait for a minute. So the limits are kept here, from the first moment of a connection.
"""

import asyncio
import logging
from asyncio import Transport
from asyncio.sslproto import SSLProtocol
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from soniquebay.api import connections
from soniquebay.api.peers import client_of
from soniquebay.certificates import ServerContext
from soniquebay.quota import Held, Quota
from soniquebay.reach import REFUSED, Reach

log = logging.getLogger(__name__)

MAX_READ_BYTES = 32 << 10  # asyncio takes 256 KiB for each connection, which 256 connections would make 64 MiB
CLOSE_TIMEOUT_SECONDS = 5.0  # for the other side to close a connection, when all was sent


class GuardedTls(SSLProtocol):
    """TLS around `GuardedProtocol`. It closes a connection beyond the limits without a handshake, which takes long."""

    max_size = MAX_READ_BYTES

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        quota: Quota,
        reach: Reach,
        context: ServerContext,
    ) -> None:
        super().__init__(
            _loop or asyncio.get_running_loop(),
            connections.GuardedProtocol(config, server_state, app_state, _loop, quota=None, reach=None),
            context,
            None,  # type: ignore[arg-type]  # nobody waits for the handshake
            server_side=True,
            ssl_handshake_timeout=connections.HEAD_TIMEOUT_SECONDS,  # type: ignore[arg-type]  # typeshed has int
            ssl_shutdown_timeout=CLOSE_TIMEOUT_SECONDS,
        )
        self._quota = quota
        self._reach = reach
        self._held: Held = ()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Count the connection and begin its handshake, or close it."""
        client = client_of(transport)
        if not self._reach.allows(client, transport.get_extra_info("sockname")):
            log.warning(REFUSED, client and client[0])
            transport.abort()
            return
        held = self._quota.take(client)
        if held is None:
            log.warning("a connection is closed: too many are open, or too many by %s", client and client[0])
            transport.abort()
            return
        self._held = held
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count the connection no longer."""
        super().connection_lost(exc)
        self._quota.give_back(self._held)
        self._held = ()

    def _check_shutdown_timeout(self) -> None:
        # A player that pauses gets the end of its file later; asyncio would cut it off.
        transport: Any = self._transport
        if transport is not None and transport.get_write_buffer_size():
            self._shutdown_timeout_handle = self._loop.call_later(CLOSE_TIMEOUT_SECONDS, self._check_shutdown_timeout)
        else:
            super()._check_shutdown_timeout()  # type: ignore[misc]  # not in typeshed
