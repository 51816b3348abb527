"""Run the API: one process with two applications, two sockets and one event loop."""

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable

import anyio.to_thread
import redis
import redis.asyncio
import uvicorn
from starlette.types import ASGIApp

from soniquebay import log_stream, logs
from soniquebay.api import console, rebuilds
from soniquebay.api.background_jobs import background_jobs
from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.events import ProgressFeed
from soniquebay.api.fault_answers import open_or_answer
from soniquebay.api.http_server import (
    BACKLOG,
    allow_descriptors,
    internal_server,
    open_sockets,
    public_quota,
    public_server,
    tls_server,
)
from soniquebay.api.internal import internal_app
from soniquebay.api.lookups import Lookups
from soniquebay.api.public import public_app
from soniquebay.api.remote import remote_app
from soniquebay.api.served_certificate import ServedCertificate
from soniquebay.api.services import Services
from soniquebay.api.storage import Storage
from soniquebay.backup import restoring
from soniquebay.certificates import CertificateError
from soniquebay.library.database import Database
from soniquebay.listeners import device_key, reattach
from soniquebay.listeners.accounts import Accounts
from soniquebay.listeners.claim_code import ClaimCode
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.overrides.versions import warn_about_untested_versions
from soniquebay.reach import reach_of
from soniquebay.sentences import as_sentence
from soniquebay.settings import Settings
from soniquebay.sockets import bind_unix_socket
from soniquebay.storage_faults import StorageFaultError, faults_of
from soniquebay.systemd import notify

log = logging.getLogger(__name__)

# Requests of the public API handled at the same time; each thread keeps a database connection with its own cache. The
# internal API has threads of its own, see `internal/routes.py`.
MAX_THREADS = 8
# They log what strangers cause, and what goes on as long as a disk is full or a database damaged.
_REPEATING_LOGGERS = (
    "asyncio",
    "uvicorn.error",
    "soniquebay.api.background_jobs",
    "soniquebay.api.connections",
    "soniquebay.api.dispatcher",
    "soniquebay.api.errors",
    "soniquebay.api.events",
    "soniquebay.api.file_answer",
    "soniquebay.api.open_requests",
    "soniquebay.api.opensubsonic.routes",
    "soniquebay.api.rebuilds",
    "soniquebay.api.scrobbler",
    "soniquebay.api.tls",
    "soniquebay.api.transcoded_answer",
    "soniquebay.api.transcoded_cache",
)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    logs.configure("soniquebay-api", settings.log)
    log_stream.attach("api", settings.redis)
    logs.limit_repeats(*_REPEATING_LOGGERS)
    allow_descriptors()
    warn_about_untested_versions()
    os.umask(0o027)  # the worker reads the database by its group
    asyncio.run(_serve(settings))


def make_services(settings: Settings) -> Services:
    """Open the databases, bring them to the newest schema, and make what the applications share.

    Raises ``StorageFaultError`` when a database cannot be used.
    """
    with faults_of(settings.database):
        restoring.finish(settings.data)  # that a loss of power has interrupted
    database = Database(settings.database)
    listeners = ListenersDatabase(settings.listeners_database, settings.database)
    storage = Storage(database, listeners)
    storage.open()
    with storage.guard():
        rebuilds.begin(database, settings)
    broker = redis.Redis.from_url(settings.redis, socket_timeout=5, socket_connect_timeout=5)
    # The time-out is longer than a read of the stream blocks.
    stream = redis.asyncio.Redis.from_url(settings.redis, socket_timeout=10, socket_connect_timeout=5)
    dispatcher = Dispatcher(database, broker, settings.measured_tracks)
    lookups = Lookups(settings, database, dispatcher.send, dispatcher.queue_length)
    accounts = Accounts(
        listeners,
        device_key.read_or_make(settings.device_key),
        ClaimCode(settings.claim_folder, f"{console.own_url(settings)}/claim"),
    )
    with storage.guard():
        accounts.open(offer_claim=settings.login)
        reattach.detach(accounts.database)  # the library may be another one than at the last start
    services = Services(settings, database, dispatcher, ProgressFeed(database, stream), lookups, accounts, storage)
    with storage.guard():
        services.remote_workers.open()
    return services


def _certificate(settings: Settings) -> ServedCertificate | None:
    """Return the certificate, None without TLS. Raises ``SystemExit`` with what is wrong with it."""
    try:
        return ServedCertificate(settings) if settings.has_tls else None
    except CertificateError as error:
        raise SystemExit(f"soniquebay: {error}") from error


async def _serve(settings: Settings) -> None:
    certificate = _certificate(settings)
    sockets = open_sockets(settings)
    quota, reach = public_quota(settings), reach_of(settings)

    def servers_of(public: ASGIApp, internal: ASGIApp) -> list[tuple[uvicorn.Server, list[socket.socket]]]:
        found = [(public_server(public, quota, reach), sockets.public), (internal_server(internal), sockets.internal)]
        if certificate:
            found.append((tls_server(public, quota, reach, certificate.context), sockets.tls))
        return found

    stopped = asyncio.Event()
    _call_at_signals(stopped.set)
    services = await open_or_answer(
        lambda: make_services(settings),
        lambda answers: servers_of(answers.public_app(settings), answers),
        lambda fault: _tell_of_fault(settings, fault),
        stopped,
    )
    if services is None:
        return
    services.vectors.load_in_background()
    services.sound_tags.load_in_background()
    services.certificate = certificate
    servers = servers_of(public_app(services), internal_app(services)) + _remote_servers(services)

    def stop() -> None:
        services.progress.close()
        for server, _ in servers:
            server.should_exit = True

    _call_at_signals(stop)
    if stopped.is_set():
        stop()
    anyio.to_thread.current_default_thread_limiter().total_tokens = MAX_THREADS
    async with background_jobs(services, stop):
        for sock in sockets.public + sockets.tls:
            # Each connection inherits it. Without it an answer on a kept-alive connection is 40 ms late. asyncio sets
            # it only on sockets whose protocol number is TCP's, and the number of these is 0.
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            log.info("public API on %s", sock.getsockname())
        # What is there now stays, so the garbage collector need not look at it again and again during a scan.
        gc.collect()
        gc.freeze()
        notify("READY=1")
        await asyncio.gather(*(server.serve(sockets) for server, sockets in servers))
    services.storage.close()


def _remote_servers(services: Services) -> list[tuple[uvicorn.Server, list[socket.socket]]]:
    """Return the server for workers on other machines; none where its socket cannot be made."""
    path = services.settings.remote_socket
    try:
        # Everybody may connect, because the worker proxy is another user. Each request has the token of a worker.
        return [(internal_server(remote_app(services)), [bind_unix_socket(path, BACKLOG, 0o666)])]
    except OSError as error:
        log.warning("workers on other machines cannot bring anything, %s cannot be made: %s", path, error)
        return []


def _tell_of_fault(settings: Settings, fault: StorageFaultError) -> None:
    try:
        console.show(settings, as_sentence(fault.public_text))
    except OSError as error:  # its folder may be on the disk that is full
        log.warning("the screen does not show the fault: %s", error)
    notify("READY=1")  # it will answer, and say what is wrong


def _call_at_signals(function: Callable[[], None]) -> None:
    """Have a function called when this process is to stop, and no other."""
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, function)
