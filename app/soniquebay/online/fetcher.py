"""`soniquebay online`, the fetcher: the one program that reaches the internet.

There it reaches only what `routes` and `exchanges` allow. It serves HTTP on a Unix socket, one request at a time, which
also limits the rate of requests. So the worker, which reads untrusted files, needs no network. systemd starts the
fetcher with the first request, and it ends when it is idle.
"""

import json
import logging
import os
import pwd
import socket
import time
from collections.abc import Callable
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, UnixStreamServer
from typing import TypeVar

from soniquebay import logs
from soniquebay.online import exchanges
from soniquebay.online.errors import UpstreamError
from soniquebay.online.exchanges import Answer, Exchange
from soniquebay.online.http import get, send
from soniquebay.online.routes import Target, resolve
from soniquebay.settings import Settings
from soniquebay.sockets import bind_unix_socket, peer_uid
from soniquebay.systemd import listen_sockets

log = logging.getLogger(__name__)
T = TypeVar("T")

API_USER = "soniquebay-api"
MIN_REQUEST_INTERVAL_SECONDS = 1.0  # to one service, from the end of a request to the next one: MusicBrainz's limit
COOL_DOWN_SECONDS = 5.0  # without requests to a service after an error, whatever the clients want
IDLE_TIMEOUT_SECONDS = 60.0  # without a request before it ends, if systemd starts it
MAX_LIFETIME_SECONDS = 300.0  # before it ends between two requests, so that an upgrade takes effect
_BACKLOG = 16
_CLIENT_TIMEOUT_SECONDS = 10.0  # for the bytes of a request


class RateLimiter:
    """Limits the requests to each service, and makes none while the service is down."""

    def __init__(self) -> None:
        # A fetcher that ran before this one may have made a request just now.
        self._first_request_at = time.monotonic() + MIN_REQUEST_INTERVAL_SECONDS
        self._next_request_at: dict[str, float] = {}  # by service, monotonic seconds
        self._down: dict[str, tuple[float, str]] = {}  # by service: until when, and why

    def fetch(self, target: Target, settings: Settings) -> bytes | None:
        """Fetch a target as soon as the rate limit allows; None if the service has nothing there.

        Raises `UpstreamError`: at once while the service is down.
        """
        return self._limited(target.service, lambda: get(target, settings.contact))

    def exchange(self, exchange: Exchange, settings: Settings) -> Answer:
        """Send a request as soon as the rate limit allows. Raises `UpstreamError` as `fetch` does."""
        answer = self._limited(exchange.service, lambda: send(exchange, settings.contact))
        if answer.wait_seconds > 0:
            reason = f"{exchange.service} allows no further request for now"
            self._down[exchange.service] = (time.monotonic() + answer.wait_seconds, reason)
        return answer

    def _limited(self, service: str, request: Callable[[], T]) -> T:
        down_until, reason = self._down.get(service, (0.0, ""))
        if time.monotonic() < down_until:
            raise UpstreamError(reason, down_until - time.monotonic())
        request_at = self._next_request_at.get(service, self._first_request_at)
        time.sleep(max(request_at - time.monotonic(), 0.0))
        try:
            return request()
        except UpstreamError as error:
            down_until = time.monotonic() + max(error.retry_after, COOL_DOWN_SECONDS)
            self._down[service] = (down_until, error.reason)
            raise
        finally:
            self._next_request_at[service] = time.monotonic() + MIN_REQUEST_INTERVAL_SECONDS


def may_send(uid: int) -> bool:
    """Tell whether a user of this machine may send something to a service: the API's, or the fetcher's own.

    They are one where `soniquebay serve` runs both.
    """
    try:
        return uid in {os.geteuid(), pwd.getpwnam(API_USER).pw_uid}
    except KeyError:
        return uid == os.geteuid()


class _Handler(BaseHTTPRequestHandler):
    timeout = _CLIENT_TIMEOUT_SECONDS
    server: "Fetcher"

    def do_GET(self) -> None:
        settings = self.server.settings
        target = resolve(self.path, settings) if settings.online else None
        if target is None:
            self._refuse()
            return
        try:
            body = self.server.rate_limiter.fetch(target, settings)
        except UpstreamError as error:
            self._send_failure(error)
            return
        if body is None:
            self._send_problem(404, {"reason": "not found"})
        else:
            self._send(200, body)

    def do_POST(self) -> None:
        settings = self.server.settings
        length = self.headers.get("Content-Length", "")
        # The worker reads files of unknown origin. It may look something up, and tell nobody anything.
        if not may_send(peer_uid(self.connection)):
            self._send_problem(403, {"reason": "only the API may send something"})
            return
        if not length.isdecimal() or len(length) > 9 or int(length) > exchanges.MAX_BODY_BYTES:
            self._send_problem(413, {"reason": f"more than {exchanges.MAX_BODY_BYTES} bytes, or of unknown length"})
            return
        body = self.rfile.read(int(length))
        authorization = self.headers.get("Authorization", "")
        exchange = exchanges.resolve(self.path, authorization, body, settings) if settings.online else None
        if exchange is None:
            self._refuse()
            return
        try:
            answer = self.server.rate_limiter.exchange(exchange, settings)
        except UpstreamError as error:
            self._send_failure(error)
            return
        self._send(200, json.dumps(asdict(answer)).encode())

    def _refuse(self) -> None:
        online = self.server.settings.online
        self._send_problem(403, {"reason": "not an allowed request" if online else "SONIQUEBAY_ONLINE is off"})

    def _send_failure(self, error: UpstreamError) -> None:
        self._send_problem(502, {"reason": error.reason, "retry_after": error.retry_after, "answered": error.answered})

    def _send_problem(self, status: int, problem: dict[str, object]) -> None:
        self._send(status, json.dumps(problem).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing of a request: the API logs what matters."""

    def address_string(self) -> str:
        return "unix"


class Fetcher(UnixStreamServer):
    """A server that handles one request at a time."""

    def __init__(self, settings: Settings, sock: socket.socket) -> None:
        BaseServer.__init__(self, "", _Handler)
        self.socket = sock
        self.settings = settings
        self.rate_limiter = RateLimiter()
        self.is_idle = False

    def get_request(self) -> tuple[socket.socket, str]:
        """Accept a connection; a client on a Unix socket has no address."""
        return self.socket.accept()[0], ""

    def handle_timeout(self) -> None:
        """Note that there was no request within the timeout."""
        self.is_idle = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Log that a client has closed its connection before the answer, and go on."""
        log.info("a request was not answered", exc_info=True)


def run(settings: Settings) -> None:
    """Serve on systemd's socket until the fetcher is idle or old; without systemd, on its own socket for good."""
    logs.configure("soniquebay-online", settings.log)
    sockets = listen_sockets()
    with Fetcher(settings, sockets[0] if sockets else bind_unix_socket(settings.online_socket, _BACKLOG)) as server:
        server.timeout = IDLE_TIMEOUT_SECONDS
        end_at = time.monotonic() + MAX_LIFETIME_SECONDS
        while not sockets or (not server.is_idle and time.monotonic() < end_at):
            server.handle_request()
