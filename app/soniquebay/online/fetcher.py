"""`soniquebay online`: the one program that reaches the internet, and only what `routes` knows.

It answers HTTP on a Unix socket, one request after another, which is also what keeps its pace: the worker, which reads
files of unknown origin, stays without a network. systemd starts it with the first request; it ends when nobody asks.
"""

import json
import logging
import socket
import time
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, UnixStreamServer

from soniquebay import logs
from soniquebay.online.errors import UpstreamError
from soniquebay.online.http import get
from soniquebay.online.routes import Target, target
from soniquebay.settings import Settings
from soniquebay.sockets import bind_unix_socket
from soniquebay.systemd import listen_sockets

log = logging.getLogger(__name__)

INTERVAL = 1.0  # seconds from the end of a request to the next one to the same service, as MusicBrainz asks
REST = 5.0  # seconds without a request after trouble, whatever who asks thinks
IDLE = 60.0  # seconds after which it ends, if systemd starts it again
LIFE = 300.0  # seconds after which it ends between two requests: a newer release takes over
_BACKLOG = 16
_ASKER_TIMEOUT = 10.0  # seconds that one who asks has for his words


class RateLimiter:
    """When each service may be asked next (monotonic seconds)."""

    def __init__(self) -> None:
        # One that ran before may have asked this very moment.
        self._first = time.monotonic() + INTERVAL
        self._next: dict[str, float] = {}
        self._trouble: dict[str, tuple[float, str]] = {}

    def fetch(self, wanted: Target, settings: Settings) -> bytes | None:
        """Fetch when it is time; raises `UpstreamError`, at once while the last one is fresh."""
        until, reason = self._trouble.get(wanted.service, (0.0, ""))
        if time.monotonic() < until:
            raise UpstreamError(reason, until - time.monotonic())
        time.sleep(max(self._next.get(wanted.service, self._first) - time.monotonic(), 0.0))
        try:
            return get(wanted, settings.contact)
        except UpstreamError as error:
            self._trouble[wanted.service] = (time.monotonic() + max(error.retry_after, REST), error.reason)
            raise
        finally:
            self._next[wanted.service] = time.monotonic() + INTERVAL


class _Handler(BaseHTTPRequestHandler):
    timeout = _ASKER_TIMEOUT
    server: "Fetcher"

    def do_GET(self) -> None:
        settings = self.server.settings
        wanted = target(self.path, settings) if settings.online else None
        if wanted is None:
            self._answer(403, {"reason": "not fetched here" if settings.online else "SONIQUEBAY_ONLINE is off"})
            return
        try:
            body = self.server.pace.fetch(wanted, settings)
        except UpstreamError as error:
            self._answer(502, {"reason": error.reason, "retry_after": error.retry_after, "answered": error.answered})
            return
        if body is None:
            self._answer(404, {"reason": "no such thing"})
        else:
            self._send(200, body)

    def _answer(self, status: int, words: dict[str, object]) -> None:
        self._send(status, json.dumps(words).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request: the library's API logs what matters."""

    def address_string(self) -> str:
        return "unix"


class Fetcher(UnixStreamServer):
    """A server of one request at a time."""

    def __init__(self, settings: Settings, sock: socket.socket) -> None:
        BaseServer.__init__(self, "", _Handler)
        self.socket = sock
        self.settings = settings
        self.pace = RateLimiter()
        self.idle = False

    def get_request(self) -> tuple[socket.socket, str]:
        """Accept; a Unix socket has no address of who asks."""
        return self.socket.accept()[0], ""

    def handle_timeout(self) -> None:
        """Note that nobody asked."""
        self.idle = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Log one who went away before the answer, and go on."""
        log.info("a request was not answered", exc_info=True)


def run(settings: Settings) -> None:
    """Serve on systemd's socket until nobody asks, or on our own for good."""
    logs.configure("soniquebay-online", settings.log)
    given = listen_sockets()
    with Fetcher(settings, given[0] if given else bind_unix_socket(settings.online_socket, _BACKLOG)) as server:
        server.timeout = IDLE
        end = time.monotonic() + LIFE
        while not given or (not server.idle and time.monotonic() < end):
            server.handle_request()
