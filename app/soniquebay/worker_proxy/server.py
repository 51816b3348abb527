"""`soniquebay worker-proxy`: the one port for remote workers, with TLS and a certificate of the machine's authority.

Redis has no port. Who has no certificate gets no further than the handshake. Who has one is looked up in the allow
list of workers.
"""

import asyncio
import contextlib
import functools
import logging
import os
import signal
import socket
from pathlib import Path

from soniquebay import allowed_workers, logs
from soniquebay.authority import HTTP_PROTOCOL, ProxyContext, canonical_serial, proxy_context
from soniquebay.quota import Held, Limits, Quota
from soniquebay.reach import REFUSED, Reach, reach_of
from soniquebay.settings import Settings
from soniquebay.systemd import notify
from soniquebay.worker_proxy.relay import IDLE_SECONDS, Broker, BrokerError, Budgets, forward, relay

log = logging.getLogger(__name__)

# A worker has up to 8 connections for each of its two channels, and one for each request.
CONNECTION_LIMITS = Limits(in_all=256, of_client=64, of_network=128)
HANDSHAKE_SECONDS = 10.0
KEEPALIVE_SECONDS = 60  # a machine that has gone is noticed within `IDLE_SECONDS`, also by what it does not acknowledge
ALLOW_LIST_INTERVAL_SECONDS = 1.0
BACKLOG = 64
_MAX_LINE_BYTES = 4096
_REVOKED_TEXT = b'{"detail": "this worker was revoked or suspended: join again"}'
_REVOKED = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_REVOKED_TEXT), _REVOKED_TEXT)
)


def certificate_folder(settings: Settings) -> Path:
    """Return the folder with the certificates of proxy and authority; on the appliance systemd hands them over."""
    handed = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(handed) if handed else settings.worker_proxy_certificates


class WorkerProxy:
    """The connections of remote workers."""

    def __init__(
        self, context: ProxyContext, broker: Broker, api: Path, allowed_workers_folder: Path, reach: Reach
    ) -> None:
        self._context = context
        self._broker = broker
        self._api = api
        self._allowed_workers_folder = allowed_workers_folder
        self._reach = reach
        self._quota = Quota(CONNECTION_LIMITS)
        self._open: dict[asyncio.Task[None], tuple[str, str]] = {}
        self._budgets: dict[str, Budgets] = {}

    async def serve(self, listening: socket.socket) -> None:
        """Accept connections until the task is cancelled, or nobody may connect any more."""
        async with asyncio.TaskGroup() as tasks:
            accepting = tasks.create_task(self._accept(listening, tasks))
            await self._end_revoked()
            accepting.cancel()

    async def _accept(self, listening: socket.socket, tasks: asyncio.TaskGroup) -> None:
        listening.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(listening)
            except OSError as error:
                log.warning("a connection cannot be accepted: %s", error)
                await asyncio.sleep(1)
                continue
            # Before the handshake, which costs time and memory.
            if not self._reach.allows(address, sock.getsockname()):
                log.warning(REFUSED, address[0])
                sock.close()
            elif (held := self._quota.take(address)) is None:
                log.warning("a connection is refused: too many are open, or too many by %s", address[0])
                sock.close()
            else:
                task = tasks.create_task(self._handle(sock, str(address[0])))
                task.add_done_callback(functools.partial(self._give_back, held))

    def _give_back(self, held: Held, _: object) -> None:
        self._quota.give_back(held)

    async def _handle(self, sock: socket.socket, address: str) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * IDLE_SECONDS))
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_MAX_LINE_BYTES, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, sock, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
        except OSError as error:
            log.warning("no TLS with %s: %s", address, error)
            sock.close()
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this runs in one
        is_http = transport.get_extra_info("ssl_object").selected_alpn_protocol() == HTTP_PROTOCOL
        try:
            worker, serial = self._worker_of(transport)
            self._open[task] = (worker, serial)
            if is_http:
                await forward(reader, writer, self._api)
            else:
                await relay(worker, reader, writer, self._broker, self._budgets.setdefault(worker, Budgets()))
        except PermissionError as error:
            log.warning("a connection of %s ends: %s", address, error)
            if is_http:
                await self._refuse(reader, writer)
        except BrokerError as error:
            log.warning("a connection of %s ends: %s", address, error)
        except Exception:
            log.exception("a connection of %s ends", address)  # the others go on
        finally:
            self._open.pop(task, None)
            transport.abort()

    @staticmethod
    async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell a worker that was revoked, so that it ends. Its request is not looked at."""
        with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError):
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_REVOKED)
                await writer.drain()
                await reader.read(_MAX_LINE_BYTES)  # the worker closes first, else the answer may be lost

    def _worker_of(self, transport: asyncio.Transport) -> tuple[str, str]:
        certificate = transport.get_extra_info("peercert") or {}
        serial = canonical_serial(str(certificate.get("serialNumber", "0")))
        for worker, known in self._allowed().items():
            if known == serial:
                return worker, serial
        raise PermissionError("its certificate is that of no worker, or of one that was revoked or suspended")

    def _allowed(self) -> dict[str, str]:
        try:
            return allowed_workers.read(self._allowed_workers_folder)
        except (OSError, ValueError) as error:
            log.warning("the allow list cannot be read, so nobody is let in: %s", error)
            return {}

    async def _end_revoked(self) -> None:
        """End the connections of those who were revoked; return when nobody may connect any more."""
        while _somebody_may_connect(self._allowed_workers_folder):
            await asyncio.sleep(ALLOW_LIST_INTERVAL_SECONDS)
            known = self._allowed()
            for task, (worker, serial) in list(self._open.items()):
                if known.get(worker) != serial:
                    log.warning("a connection of remote worker %s ends: it was revoked or suspended", worker)
                    task.cancel()


def _somebody_may_connect(allowed_workers_folder: Path) -> bool:
    return (allowed_workers_folder / allowed_workers.FILE_NAME).exists()


def run(settings: Settings, *, waits: bool) -> None:
    """Serve until SIGTERM or SIGINT, or nobody may connect any more. Raises ``SystemExit`` with what is wrong.

    `waits`: wait until somebody may connect, and again when nobody may any more.
    """
    logs.configure("soniquebay-worker-proxy", settings.log)
    logs.limit_repeats("asyncio", "soniquebay.worker_proxy.server", "soniquebay.worker_proxy.relay")
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_serve(settings, waits=waits))


async def _serve(settings: Settings, *, waits: bool) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - this runs in one
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    if not waits:
        await _serve_until_nobody_may_connect(settings)
        return
    while True:
        log.info("nobody listens until a worker has joined")
        while not _somebody_may_connect(settings.allowed_workers_folder):
            await asyncio.sleep(ALLOW_LIST_INTERVAL_SECONDS)
        await _serve_until_nobody_may_connect(settings)


async def _serve_until_nobody_may_connect(settings: Settings) -> None:
    proxy = WorkerProxy(
        _context(settings),
        Broker(broker_socket(settings)),
        settings.remote_socket,
        settings.allowed_workers_folder,
        reach_of(settings),
    )
    with _listening(settings.worker_proxy_host, settings.worker_proxy_port) as listening:
        log.info("remote workers on %s", listening.getsockname())
        notify("READY=1")
        await proxy.serve(listening)


def _context(settings: Settings) -> ProxyContext:
    try:
        return proxy_context(certificate_folder(settings))
    except OSError as error:
        raise SystemExit(
            f"soniquebay: the worker proxy has no certificate ({error}): it is made when the first worker joins, see "
            "soniquebay join-code"
        ) from error


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=host == "::")
    except OSError as error:
        raise SystemExit(
            f"soniquebay: cannot listen on {host}:{port} ({error.strerror}); choose another with "
            "SONIQUEBAY_WORKER_PROXY_PORT"
        ) from error


def broker_socket(settings: Settings) -> Path:
    """Return the Unix socket of Redis. Raises ``SystemExit`` where it has none."""
    scheme, _, path = settings.redis.partition("://")
    if scheme != "unix":
        raise SystemExit("soniquebay: remote workers need a Redis that this machine reaches by a Unix socket")
    return Path(path.partition("?")[0])
