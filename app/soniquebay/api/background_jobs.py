"""The background jobs of the API: what it does without being asked."""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import redis

from soniquebay.api import console, rebuilds, scans
from soniquebay.api.daemon_thread import in_daemon_thread
from soniquebay.api.dispatcher import MAX_QUEUED_VECTORS, WARNING_INTERVAL_SECONDS
from soniquebay.api.services import Services
from soniquebay.api.watch import Watcher
from soniquebay.library import covers, history, sessions
from soniquebay.worker.app import describe_broker_error

log = logging.getLogger(__name__)

# While other machines analyse too, this one gets few tracks at a time: at the end they would wait for what it has.
MAX_QUEUED_VECTORS_SHARED = 8
REFILL_INTERVAL_SECONDS = 5.0  # of the queue feeders, when nothing asks for a refill
RESEND_INTERVAL_SECONDS = 2.0  # of the check for lost tasks of a scan; without a scan the check is one query
PLAYLIST_INTERVAL_SECONDS = 2.0  # of the check whether playlists have to follow their files: three short queries
UPKEEP_INTERVAL_SECONDS = 60.0  # of the check whether a scan has changed what users' items are found by
LOOKUP_INTERVAL_SECONDS = 60.0  # of the check for lookups that are due
MAP_INTERVAL_SECONDS = 2.0  # of the check whether tracks are to be placed on the map: most often a comparison
DUPLICATES_INTERVAL_SECONDS = 2.0  # of the check whether the library is to be compared: as that of the map
UPLOAD_INTERVAL_SECONDS = 60.0  # between two looks whether the browser of an upload is gone
HISTORY_INTERVAL_SECONDS = 3600.0  # between two looks at what is kept of old scans
REDIS_RETRY_INTERVAL_SECONDS = 0.2
_KNOWN_ERRORS = (sqlite3.Error, OSError)  # as of a disk that is full: where in the program they came up says nothing
REDIS_START_SECONDS = 10.0  # that Redis may take to start before a warning is logged


@asynccontextmanager
async def background_jobs(services: Services, stop: Callable[[], None]) -> AsyncIterator[None]:
    """Run the background jobs beside the body. When one of them fails, call `stop`, and raise its error at the end."""
    jobs = asyncio.create_task(_run_jobs(services))
    jobs.add_done_callback(lambda _: stop())
    screen = asyncio.create_task(show_state(services))  # the others wait for Redis, and the screen says so
    try:
        yield
    finally:
        screen.cancel()
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
        rebuilds.run(services),
        _scan_after_loss(services),
        services.storage.run(),
        _repeat(services, "nothing sent again", services.dispatcher.resend_lost_scan_tasks, RESEND_INTERVAL_SECONDS),
        _repeat(services, "playlists do not follow", services.library_playlists.run, PLAYLIST_INTERVAL_SECONDS),
        _repeat(services, "items not kept up", services.upkeep.run, UPKEEP_INTERVAL_SECONDS),
        _repeat(services, "the map is not brought up to date", services.map_upkeep.run, MAP_INTERVAL_SECONDS),
        _repeat(services, "duplicates are not searched", services.duplicate_upkeep.run, DUPLICATES_INTERVAL_SECONDS),
        _repeat(services, "old scans are not forgotten", lambda: _forget_old_scans(services), HISTORY_INTERVAL_SECONDS),
        _repeat(services, "no lookups sent", services.lookups.refill, LOOKUP_INTERVAL_SECONDS),
        _repeat(services, "no upload given up", services.releases.upload.tidy, UPLOAD_INTERVAL_SECONDS),
        _refill_queues_forever(services),
        services.scrobbler.run(),
        services.backups.run(),
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


async def _repeat(
    services: Services,
    what: str,
    job: Callable[[], object],
    seconds: float,
    in_thread: Callable[[Callable[[], object]], Awaitable[object]] = asyncio.to_thread,
) -> None:
    """Run a job in a thread again and again. An error is logged, with `what` in front of it, and not raised."""
    message = f"{what}: %s: %s"  # a text of its own for each job: the same one is logged once a minute
    while True:
        try:
            await in_thread(job)
        except Exception as error:  # whatever it is, the next run may succeed
            services.storage.report(error)
            log.warning(message, type(error).__name__, error, exc_info=not isinstance(error, _KNOWN_ERRORS))
        await asyncio.sleep(seconds)


async def show_state(services: Services, seconds: float = console.INTERVAL_SECONDS) -> None:
    """Have the screens of the machine show its state until cancelled. `seconds`: between two looks at it."""
    # A look may wait for a program that is dead, and the end of the API does not wait for it.
    look = console.Console(services).run
    await _repeat(services, "the screen shows no state", look, seconds, _in_daemon_thread)


async def _in_daemon_thread(job: Callable[[], object]) -> object:
    return await asyncio.wrap_future(in_daemon_thread(job))


async def _delete_unused_covers(services: Services) -> None:
    def delete() -> int:
        # In this thread: each thread has a connection of its own.
        return covers.delete_unused(services.database.reader(), services.settings.covers)

    def search_lost() -> int:
        if lost := covers.lost(services.database.reader(), services.settings.covers):
            with services.database.transaction() as db:
                covers.search_again(db, lost)
        return len(lost)

    try:
        if deleted := await asyncio.to_thread(delete):
            log.info("%d files of covers that no album has are deleted", deleted)
        if lost := await asyncio.to_thread(search_lost):
            log.info("%d covers whose files are not there are searched again", lost)
    except (sqlite3.Error, OSError) as error:
        log.warning("the files of covers are not compared with the library: %s", error)


def _forget_old_scans(services: Services) -> None:
    more = 1
    while more:
        with services.database.transaction() as db:
            more = history.forget(db)


async def _scan_after_loss(services: Services) -> None:
    """Scan if transactions were lost: the library follows from the files."""

    def scan() -> None:
        with contextlib.suppress(sessions.ScanRunningError):
            scans.start(services)

    if services.storage.warnings:
        await rebuilds.repeat_until_done("the scan of everything has not begun", scan)


def _refill(services: Services) -> None:
    is_delayed = services.dispatcher.analysis_is_delayed(services.database.reader())
    # Other machines first: they get what is not sent to this one's workers yet.
    try:
        services.remote_feeder.refill(is_delayed=is_delayed)
    except redis.RedisError as error:
        log.warning("nothing sent to workers on other machines. %s", describe_broker_error(error))
    shared = bool(services.remote_workers.present())
    services.dispatcher.vector_feeder.resize(MAX_QUEUED_VECTORS_SHARED if shared else MAX_QUEUED_VECTORS)
    services.dispatcher.refill()


async def _refill_queues_forever(services: Services) -> None:
    requested = asyncio.Event()
    loop = asyncio.get_running_loop()

    def request_refill() -> None:
        loop.call_soon_threadsafe(requested.set)

    services.request_refill = request_refill
    while True:
        try:
            await asyncio.to_thread(_refill, services)
        except Exception as error:  # as in `_repeat`
            services.storage.report(error)
            log.warning("nothing sent: %s", error, exc_info=not isinstance(error, sqlite3.Error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFILL_INTERVAL_SECONDS):
                await requested.wait()
        requested.clear()
