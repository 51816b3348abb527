"""The two HTTP servers: their sockets, and what they accept."""

import asyncio
import contextlib
import functools
import ipaddress
import resource
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from soniquebay.api.connections import CONNECTION_LIMITS, MAX_HEAD_BYTES, GuardedProtocol
from soniquebay.api.peers import PeerProtocol
from soniquebay.api.quota import Quota
from soniquebay.settings import Settings
from soniquebay.sockets import bind_unix_socket
from soniquebay.systemd import listen_sockets

BACKLOG = 128  # also how many connections are accepted at once, before any of them can be refused
MIN_DESCRIPTORS = 4 * CONNECTION_LIMITS.in_all  # of connections, files of music, pipes of transcoders, databases


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller, who has two servers to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def allow_descriptors() -> None:
    """Raise the limit of open files where a shell has set it lower. On the appliance the unit sets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MIN_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(MIN_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def public_server(app: ASGIApp, settings: Settings) -> uvicorn.Server:
    """Return the server of the public application, with limits for strangers."""
    quota = Quota(CONNECTION_LIMITS, settings.trusted_proxies)
    return _Server(_config(app, functools.partial(GuardedProtocol, quota=quota)))


def internal_server(app: ASGIApp) -> uvicorn.Server:
    """Return the server of the internal application."""
    return _Server(_config(app, PeerProtocol))


def _config(app: ASGIApp, protocol: Callable[..., asyncio.Protocol]) -> uvicorn.Config:
    # A line for every request would wear the card. Failures are logged all the same.
    return uvicorn.Config(
        app,
        http=protocol,  # type: ignore[arg-type]  # whatever makes a protocol
        ws="none",
        backlog=BACKLOG,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        proxy_headers=False,  # whoever sent such a header would be whom it names
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
        server_header=False,
    )


def open_sockets(settings: Settings) -> tuple[list[socket.socket], list[socket.socket]]:
    """Return the sockets of the public and the internal application: systemd's if it has passed some, else our own."""
    sockets = listen_sockets() or [
        _tcp_socket(settings),
        # Everybody may connect: `peers.is_administrator` decides who is answered.
        bind_unix_socket(settings.control_socket, BACKLOG, 0o666),
        bind_unix_socket(settings.api_socket, BACKLOG),
    ]
    public = [s for s in sockets if s.family != socket.AF_UNIX or s.getsockname() == str(settings.control_socket)]
    if not settings.login:
        for sock in public:
            _require_loopback(sock)
    return public, [sock for sock in sockets if sock not in public]


def _require_loopback(sock: socket.socket) -> None:
    if sock.family != socket.AF_UNIX and not ipaddress.ip_address(sock.getsockname()[0]).is_loopback:
        raise SystemExit(
            f"soniquebay: without login everybody may do everything, and {sock.getsockname()[0]} can be reached from "
            "other machines. Listen on 127.0.0.1, or leave SONIQUEBAY_LOGIN on"
        )


def _tcp_socket(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.http_host, settings.http_port), backlog=BACKLOG)
    except OSError as error:
        raise SystemExit(
            f"soniquebay: cannot listen on {settings.http_host}:{settings.http_port} ({error.strerror}); "
            "choose another with --port or SONIQUEBAY_HTTP_PORT"
        ) from error
