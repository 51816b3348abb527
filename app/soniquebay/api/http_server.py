"""The two HTTP servers: their sockets, and what they accept."""

import asyncio
import contextlib
import functools
import resource
import socket
from collections.abc import Callable, Iterator
from typing import NamedTuple

import uvicorn
from starlette.types import ASGIApp

from soniquebay import addresses
from soniquebay.api.connections import CONNECTION_LIMITS, MAX_HEAD_BYTES, GuardedProtocol
from soniquebay.api.peers import PeerProtocol
from soniquebay.api.tls import GuardedTls
from soniquebay.certificates import ServerContext
from soniquebay.quota import Quota
from soniquebay.reach import Reach
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


def public_quota(settings: Settings) -> Quota:
    """Return the count of the public application's connections, those with and those without TLS together."""
    return Quota(CONNECTION_LIMITS, settings.trusted_proxies)


def public_server(app: ASGIApp, quota: Quota, reach: Reach) -> uvicorn.Server:
    """Return the server of the public application, with limits for strangers."""
    return _Server(_config(app, functools.partial(GuardedProtocol, quota=quota, reach=reach)))


def tls_server(app: ASGIApp, quota: Quota, reach: Reach, context: ServerContext) -> uvicorn.Server:
    """Return the server of the public application with TLS, with the same limits."""
    return _Server(_config(app, functools.partial(GuardedTls, quota=quota, reach=reach, context=context)))


def internal_server(app: ASGIApp) -> uvicorn.Server:
    """Return the server of the internal application."""
    return _Server(_config(app, PeerProtocol))


def _config(app: ASGIApp, protocol: Callable[..., asyncio.BaseProtocol]) -> uvicorn.Config:
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


class Sockets(NamedTuple):
    """The listening sockets of the servers."""

    public: list[socket.socket]
    tls: list[socket.socket]
    internal: list[socket.socket]


def open_sockets(settings: Settings) -> Sockets:
    """Return systemd's sockets if it has passed some, else our own. Raises ``SystemExit`` with what to do."""
    sockets = listen_sockets() or [
        _tcp_socket(settings.http_host, settings.http_port, "--port or SONIQUEBAY_HTTP_PORT"),
        *([_tcp_socket(settings.http_host, settings.https_port, "SONIQUEBAY_HTTPS_PORT")] if settings.has_tls else []),
        # Everybody may connect: `peers.is_administrator` decides who is answered.
        bind_unix_socket(settings.control_socket, BACKLOG, 0o666),
        bind_unix_socket(settings.api_socket, BACKLOG),
    ]
    tcp = [sock for sock in sockets if sock.family != socket.AF_UNIX]
    if not settings.login:
        for sock in tcp:
            _require_loopback(sock)
    tls = [sock for sock in tcp if settings.has_tls and sock.getsockname()[1] == settings.https_port]
    if settings.has_tls and not tls:
        raise SystemExit(
            f"soniquebay: SONIQUEBAY_TLS is {settings.tls}, but systemd has passed no socket of port "
            f"{settings.https_port}. Set services_tls of the role services, and play playbooks/site.yml"
        )
    internal = [s for s in sockets if s.family == socket.AF_UNIX and s.getsockname() != str(settings.control_socket)]
    return Sockets([sock for sock in sockets if sock not in tls and sock not in internal], tls, internal)


def _require_loopback(sock: socket.socket) -> None:
    if not addresses.is_loopback(sock.getsockname()[0]):
        raise SystemExit(
            f"soniquebay: without login everybody may do everything, and {sock.getsockname()[0]} can be reached from "
            "other machines. Listen on 127.0.0.1, or leave SONIQUEBAY_LOGIN on"
        )


def _tcp_socket(host: str, port: int, setting: str) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=host == "::")
    except OSError as error:
        raise SystemExit(
            f"soniquebay: cannot listen on {host}:{port} ({error.strerror}); choose another with {setting}"
        ) from error
