"""Flower's HTTP server with limits of what strangers may hold: connections, and the time and size of a request.

See docs/decisions/0148-http-limits.md.

Replaces: ``flower.app.Flower.start_http_server`` makes a server without any limit: 100 MB a request, an hour for
its head, and any number of connections.
Upstream: https://github.com/mher/flower (``flower/app.py``) has no options for them.
Remove when: Flower passes such limits to its server, and tornado's ``HTTPServer`` counts connections.
"""

import logging
from collections.abc import Iterable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application

from soniquebay.quota import Held, Limits, Quota
from soniquebay.reach import REFUSED, Reach

log = logging.getLogger(__name__)

# In all: far below the 1,024 files that systemd lets a program open. A browser opens 6.
CONNECTION_LIMITS = Limits(in_all=128, of_client=24, of_network=64)
MAX_HEAD_BYTES = 64 << 10  # as the API
MAX_BODY_BYTES = 1 << 20  # the arguments of a task that is started by hand
HEAD_TIMEOUT_SECONDS = 10.0  # from the connection, or the answer before, until the head of a request is complete
BODY_TIMEOUT_SECONDS = 30.0  # from the head until the body is complete
_TOO_MANY = b"Too many connections are open. Try again soon."
_NOT_LOCAL = b"This machine answers its own network only."


class GuardedServer(HTTPServer):
    """tornado's server within the limits of this module."""

    def initialize(  # type: ignore[override]
        self, app: Application, reach: Reach, trusted_proxies: Iterable[str] = (), ssl_options: Any = None
    ) -> None:
        """`trusted_proxies`: as `Quota` has them. `ssl_options`: as tornado has them; None without TLS."""
        super().initialize(
            app,
            ssl_options=ssl_options,
            max_header_size=MAX_HEAD_BYTES,
            max_body_size=MAX_BODY_BYTES,
            idle_connection_timeout=HEAD_TIMEOUT_SECONDS,
            body_timeout=BODY_TIMEOUT_SECONDS,
        )
        self._reach = reach
        self._quota = Quota(CONNECTION_LIMITS, trusted_proxies)
        self._held: dict[IOStream, Held] = {}

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Serve a connection, or refuse it."""
        if not self._reach.allows(address, stream.socket.getsockname()):
            log.warning(REFUSED, address[0])
            self._refuse(stream, b"403 Forbidden", _NOT_LOCAL)
            return
        held = self._quota.take(address)
        if held is None:
            log.warning("a connection is refused: too many are open, or too many by %s", address[0])
            self._refuse(stream, b"503 Service Unavailable\r\nRetry-After: 10", _TOO_MANY)
            return
        self._held[stream] = held
        super().handle_stream(stream, address)

    def on_close(self, server_conn: Any) -> None:
        """Count the connection no longer."""
        super().on_close(server_conn)
        self._quota.give_back(self._held.pop(server_conn.stream))

    def _refuse(self, stream: IOStream, status: bytes, text: bytes) -> None:
        if self.ssl_options is None:  # TLS would have to begin first
            stream.write(
                b"HTTP/1.1 %b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%b" % (status, len(text), text)
            )
        stream.close()
