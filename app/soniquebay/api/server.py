"""Run the API: one process with two applications, two sockets and one event loop."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio.to_thread
import redis
import redis.asyncio

from soniquebay import logs
from soniquebay.api.dispatcher import WARNING_INTERVAL_SECONDS, Dispatcher
from soniquebay.api.events import ProgressFeed
from soniquebay.api.http_server import (
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
from soniquebay.api.served_certificate import ServedCertificate
from soniquebay.api.services import Services
from soniquebay.api.watch import Watcher
from soniquebay.certificates import CertificateError
from soniquebay.library import covers
from soniquebay.library.catalogue import rebuild
from soniquebay.library.database import Database
from soniquebay.library.search import index
from soniquebay.library.similarity import vectors
from soniquebay.listeners import device_key, reattach
from soniquebay.listeners.accounts import Accounts
from soniquebay.listeners.claim_code import ClaimCode
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.overrides.versions import warn_about_untested_versions
from soniquebay.settings import Settings
from soniquebay.systemd import notify
from soniquebay.worker.app import describe_broker_error

log = logging.getLogger(__name__)

MAX_THREADS = 8  # requests handled at the same time; each thread keeps a database connection with its own cache
REFILL_INTERVAL_SECONDS = 5.0  # of the queue feeders, when nothing asks for a refill
RESEND_INTERVAL_SECONDS = 2.0  # of the check for lost tasks of a scan; without a scan the check is one query
PLAYLIST_INTERVAL_SECONDS = 2.0  # of the check whether playlists have to follow their files: three short queries
UPKEEP_INTERVAL_SECONDS = 60.0  # of the check whether a scan has changed what users' items are found by
LOOKUP_INTERVAL_SECONDS = 60.0  # of the check for lookups that are due
MAP_INTERVAL_SECONDS = 2.0  # of the check whether tracks are to be placed on the map: most often a comparison
INDEX_RETRY_INTERVAL_SECONDS = 30.0
REDIS_RETRY_INTERVAL_SECONDS = 0.2
REDIS_START_SECONDS = 10.0  # that Redis may take to start before a warning is logged
# They log what strangers cause.
_REPEATING_LOGGERS = (
    "asyncio",
    "uvicorn.error",
    "soniquebay.api.connections",
    "soniquebay.api.events",
    "soniquebay.api.file_answer",
    "soniquebay.api.open_requests",
    "soniquebay.api.tls",
    "soniquebay.api.transcoded_answer",
)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    logs.configure("soniquebay-api", settings.log)
    logs.limit_repeats(*_REPEATING_LOGGERS)
    allow_descriptors()
    warn_about_untested_versions()
    os.umask(0o027)  # the worker reads the database by its group
    asyncio.run(_serve(settings))


def make_services(settings: Settings) -> Services:
    """Open the database, bring it to the newest schema, and make what the applications share."""
    database = Database(settings.database)
    database.migrate()
    with database.transaction() as db:
        vectors.mark_outdated_for_analysis(db)
        rebuild.begin(db, settings.artist_joins)
        index.begin_rebuild(db)
    broker = redis.Redis.from_url(settings.redis, socket_timeout=5, socket_connect_timeout=5)
    # The time-out is longer than a read of the stream blocks.
    stream = redis.asyncio.Redis.from_url(settings.redis, socket_timeout=10, socket_connect_timeout=5)
    dispatcher = Dispatcher(database, broker)
    lookups = Lookups(settings, database, dispatcher.send, dispatcher.queue_length)
    accounts = Accounts(
        ListenersDatabase(settings.listeners_database, settings.database),
        device_key.read_or_make(settings.device_key),
        ClaimCode(settings.claim_folder, _claim_page(settings)),
    )
    accounts.open(offer_claim=settings.login)
    reattach.detach(accounts.database)  # the library may be another one than at the last start
    return Services(settings, database, dispatcher, ProgressFeed(database, stream), lookups, accounts)


def _claim_page(settings: Settings) -> str:
    """Return the address at which browsers of the local network reach the page for the claim."""
    return f"{settings.url_at(f'{socket.gethostname()}.local')}/claim"


def _certificate(settings: Settings) -> ServedCertificate | None:
    """Return the certificate, None without TLS. Raises ``SystemExit`` with what is wrong with it."""
    try:
        return ServedCertificate(settings) if settings.has_tls else None
    except CertificateError as error:
        raise SystemExit(f"soniquebay: {error}") from error


async def _serve(settings: Settings) -> None:
    services = make_services(settings)
    services.vectors.load_in_background()
    services.certificate = _certificate(settings)
    sockets = open_sockets(settings)
    app, quota = public_app(services), public_quota(settings)
    servers = [
        (public_server(app, quota), sockets.public),
        (internal_server(internal_app(services)), sockets.internal),
    ]
    if services.certificate:
        servers.append((tls_server(app, quota, services.certificate.context), sockets.tls))

    def stop() -> None:
        services.progress.close()
        for server, _ in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop)
    anyio.to_thread.current_default_thread_limiter().total_tokens = MAX_THREADS
    async with _background_jobs(services, stop):
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


@asynccontextmanager
async def _background_jobs(services: Services, stop: Callable[[], None]) -> AsyncIterator[None]:
    """Run the background jobs beside the body. When one of them fails, call `stop`, and raise its error at the end."""
    jobs = asyncio.create_task(_run_jobs(services))
    jobs.add_done_callback(lambda _: stop())
    try:
        yield
    finally:
        jobs.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await jobs


async def _run_jobs(services: Services) -> None:
    """Run the background jobs until cancelled. They start when Redis answers, because most of them send messages.

    When one job raises an error, all are cancelled.
    """
    await _wait_for_redis(services)
    jobs = (
        services.progress.publish_changes(),
        _delete_unused_covers(services),
        _rebuild_catalogue(services),
        _rebuild_search_index(services),
        _repeat("nothing sent again", services.dispatcher.resend_lost_scan_tasks, RESEND_INTERVAL_SECONDS),
        _repeat("playlists do not follow", services.library_playlists.run, PLAYLIST_INTERVAL_SECONDS),
        _repeat("items not kept up", services.upkeep.run, UPKEEP_INTERVAL_SECONDS),
        _repeat("the map is not brought up to date", services.map_upkeep.run, MAP_INTERVAL_SECONDS),
        _repeat("no lookups sent", services.lookups.refill, LOOKUP_INTERVAL_SECONDS),
        _refill_queues_forever(services),
        services.scrobbler.run(),
        *([services.certificate.run()] if services.certificate else []),
    )
    watcher = None
    if services.settings.watch != "off":
        watcher = Watcher(services)
        services.watch_state = watcher.state
        watcher.start()
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    finally:
        if watcher:
            await asyncio.to_thread(watcher.stop)


async def _wait_for_redis(services: Services) -> None:
    """Wait until Redis answers: at a boot the API starts before it."""
    warn_at = time.monotonic() + REDIS_START_SECONDS
    while True:
        try:
            await asyncio.to_thread(services.dispatcher.queue_length, "scan")
        except redis.RedisError as error:
            if time.monotonic() >= warn_at:
                log.warning("nothing is sent yet. %s", describe_broker_error(error))
                warn_at = time.monotonic() + WARNING_INTERVAL_SECONDS
        else:
            return
        await asyncio.sleep(REDIS_RETRY_INTERVAL_SECONDS)


async def _repeat(what: str, job: Callable[[], object], seconds: float) -> None:
    """Run a job in a thread again and again. An error is logged, with `what` in front of it, and not raised."""
    while True:
        try:
            await asyncio.to_thread(job)
        except Exception as error:  # whatever it is, the next run may succeed
            log.warning("%s: %s: %s", what, type(error).__name__, error, exc_info=not isinstance(error, sqlite3.Error))
        await asyncio.sleep(seconds)


async def _delete_unused_covers(services: Services) -> None:
    def delete() -> int:
        # In this thread: each thread has a connection of its own.
        return covers.delete_unused(services.database.reader(), services.settings.covers)

    try:
        if deleted := await asyncio.to_thread(delete):
            log.info("%d files of covers that no album has are deleted", deleted)
    except (sqlite3.Error, OSError) as error:
        log.warning("covers that no album has are not deleted: %s", error)


async def _rebuild_catalogue(services: Services) -> None:
    """Make the catalogue anew from what the files said, if the rules of another release made it."""

    def group_some() -> int:
        with services.database.transaction() as db:
            return rebuild.go_on(db)

    def count() -> int:
        # In this thread: each thread has a connection of its own.
        return rebuild.titles_left(services.database.reader())

    total = left = await asyncio.to_thread(count)
    if not total:
        return
    log.info("the catalogue is made anew from the stored tags: %d album titles", total)
    log_at = time.monotonic() + WARNING_INTERVAL_SECONDS
    while left:
        left = await asyncio.to_thread(group_some)
        if left and time.monotonic() >= log_at:
            log.info("%d of %d album titles are made anew", total - left, total)
            log_at = time.monotonic() + WARNING_INTERVAL_SECONDS
    log.info("the catalogue is made anew")


async def _rebuild_search_index(services: Services) -> None:
    """Index the tracks that an upgrade has left unindexed, in steps, so that other writers get their turn."""

    def step() -> bool:
        with services.database.transaction() as db:
            return index.rebuild_step(db)

    waiting = index.tracks_to_rebuild(services.database.reader())
    if waiting:
        log.info("the search index is made anew for %d tracks; until then some are not found", waiting)
    more = waiting > 0
    while more:
        try:
            more = await asyncio.to_thread(step)
        except sqlite3.Error as error:
            log.warning("the search index is not complete yet: %s", error)
            await asyncio.sleep(INDEX_RETRY_INTERVAL_SECONDS)
    if waiting:
        log.info("the search index is complete")


async def _refill_queues_forever(services: Services) -> None:
    requested = asyncio.Event()
    loop = asyncio.get_running_loop()

    def request_refill() -> None:
        loop.call_soon_threadsafe(requested.set)

    services.request_refill = request_refill
    while True:
        try:
            await asyncio.to_thread(services.dispatcher.refill)
        except Exception as error:  # as in `_repeat`
            log.warning("nothing sent: %s", error, exc_info=not isinstance(error, sqlite3.Error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFILL_INTERVAL_SECONDS):
                await requested.wait()
        requested.clear()
