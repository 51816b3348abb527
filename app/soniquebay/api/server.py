"""The API's process: two applications, two sockets, one event loop."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import anyio.to_thread
import redis
import redis.asyncio
import uvicorn
from starlette.types import ASGIApp

from soniquebay.api.dispatcher import WARN_EVERY, Dispatcher
from soniquebay.api.events import ProgressFeed
from soniquebay.api.internal import internal_app
from soniquebay.api.lookups import Lookups
from soniquebay.api.public import public_app
from soniquebay.api.services import Services
from soniquebay.api.watch import Watcher
from soniquebay.library import covers
from soniquebay.library.database import Database
from soniquebay.library.similarity import vectors
from soniquebay.settings import Settings
from soniquebay.sockets import bind_unix_socket
from soniquebay.systemd import listen_sockets, notify
from soniquebay.worker.app import describe_broker_error

log = logging.getLogger(__name__)

THREADS = 8  # requests at work at once; each thread keeps a connection with its own cache
REFILL_INTERVAL_SECONDS = 5.0  # seconds between two looks at the queues when nobody asks for one
RESUME_INTERVAL = 2.0  # seconds between two looks for what a scan lost on its way; without a scan a look is one query
ONLINE_INTERVAL = 60.0  # seconds between two looks for what to ask the internet
REDIS_PAUSE = 0.2  # seconds between two looks for a Redis that is not there yet
REDIS_LATE = 10.0  # seconds that it may take to start before a log has to say so
_BACKLOG = 128


class _Server(uvicorn.Server):
    """A server that leaves signals to `serve`, which has two of them to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    os.umask(0o027)  # the worker reads the database by its group
    asyncio.run(_serve(settings))


def make_services(settings: Settings) -> Services:
    """Open the database, bring it to the newest schema, and make what the applications share."""
    database = Database(settings.database)
    database.migrate()
    with database.transaction() as db:
        vectors.mark_outdated_for_analysis(db)
    broker = redis.Redis.from_url(settings.redis, socket_timeout=5, socket_connect_timeout=5)
    # Longer than the block of a reader of the stream.
    stream = redis.asyncio.Redis.from_url(settings.redis, socket_timeout=10, socket_connect_timeout=5)
    dispatcher = Dispatcher(database, broker)
    lookups = Lookups(settings, database, dispatcher.send, dispatcher.waiting)
    return Services(settings, database, dispatcher, ProgressFeed(database, stream), lookups)


async def _serve(settings: Settings) -> None:
    services = make_services(settings)
    services.vectors.load_in_background()
    public_sockets, local_sockets = _sockets(settings)
    servers = [
        (_Server(_config(public_app(services))), public_sockets),
        (_Server(_config(internal_app(services))), local_sockets),
    ]

    def stop() -> None:
        services.progress.close()
        for server, _ in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    async with _background(services, stop):
        for port in public_sockets:
            # Inherited by each connection: without it a kept one waits 40 ms for an answer. asyncio sets it only
            # on sockets whose protocol number is that of TCP, and ours reads 0.
            port.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            log.info("public API on %s", port.getsockname())
        notify("READY=1")
        await asyncio.gather(*(server.serve(sockets) for server, sockets in servers))


def _config(app: ASGIApp) -> uvicorn.Config:
    # Access lines of every poll would wear the card; failures are logged all the same.
    return uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=5, server_header=False
    )


@asynccontextmanager
async def _background(services: Services, stop: Callable[[], None]) -> AsyncIterator[None]:
    """Have the work done beside what is inside; when it cannot be, that is stopped and the reason raised."""
    work = asyncio.create_task(_work(services))
    work.add_done_callback(lambda _: stop())
    try:
        yield
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


async def _work(services: Services) -> None:
    """Do what goes on beside the answers, until cancelled: once Redis is there, for what it finds becomes messages.

    A part of it that ends by an error ends all of it.
    """
    await _redis_answers(services)
    jobs = (
        services.progress.publish_changes(),
        _sweep(services),
        _repeat("nothing resumed", services.dispatcher.send_lost, RESUME_INTERVAL),
        _repeat("nothing is looked up", services.lookups.refill, ONLINE_INTERVAL),
        _refill_queues_forever(services),
    )
    watcher = None
    if services.settings.watch != "off":
        watcher = Watcher(services)
        services.watch_state = watcher.state
        watcher.start()
    try:
        async with asyncio.TaskGroup() as together:
            for job in jobs:
                together.create_task(job)
    finally:
        if watcher:
            await asyncio.to_thread(watcher.stop)


async def _redis_answers(services: Services) -> None:
    """Wait for Redis: at a boot the API starts before it."""
    tell_at = time.monotonic() + REDIS_LATE
    while True:
        try:
            await asyncio.to_thread(services.dispatcher.waiting, "scan")
        except redis.RedisError as error:
            if time.monotonic() >= tell_at:
                log.warning("nothing is sent yet. %s", describe_broker_error(error))
                tell_at = time.monotonic() + WARN_EVERY
        else:
            return
        await asyncio.sleep(REDIS_PAUSE)


async def _repeat(what: str, job: Callable[[], object], seconds: float) -> None:
    """Do a job in a thread for ever; what goes wrong once is told, and tried again."""
    while True:
        try:
            await asyncio.to_thread(job)
        except Exception as error:  # a job that ends for good would lose what it watches over
            log.warning("%s: %s: %s", what, type(error).__name__, error, exc_info=not isinstance(error, sqlite3.Error))
        await asyncio.sleep(seconds)


async def _sweep(services: Services) -> None:
    def sweep() -> int:
        return covers.sweep(services.database.reader(), services.settings.covers)  # a connection of this thread's own

    try:
        if swept := await asyncio.to_thread(sweep):
            log.info("%d files of covers that no album shows are deleted", swept)
    except (sqlite3.Error, OSError) as error:
        log.warning("covers that no album shows are not deleted: %s", error)


async def _refill_queues_forever(services: Services) -> None:
    wanted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wake() -> None:
        loop.call_soon_threadsafe(wanted.set)

    services.request_refill = wake
    while True:
        try:
            await asyncio.to_thread(services.dispatcher.refill)
        except Exception as error:  # as in `_repeat`
            log.warning("nothing sent: %s", error, exc_info=not isinstance(error, sqlite3.Error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFILL_INTERVAL_SECONDS):
                await wanted.wait()
        wanted.clear()


def _sockets(settings: Settings) -> tuple[list[socket.socket], list[socket.socket]]:
    """Return the public and the local sockets: systemd's if it handed some over, else our own."""
    given = listen_sockets()
    if not given:
        return [_tcp(settings)], [bind_unix_socket(settings.api_socket, _BACKLOG)]
    local = [s for s in given if s.family == socket.AF_UNIX]
    return [s for s in given if s.family != socket.AF_UNIX], local


def _tcp(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.http_host, settings.http_port), backlog=_BACKLOG)
    except OSError as error:
        raise SystemExit(
            f"soniquebay: cannot listen on {settings.http_host}:{settings.http_port} ({error.strerror}); "
            "choose another with --port or SONIQUEBAY_HTTP_PORT"
        ) from error
