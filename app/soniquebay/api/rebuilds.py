"""What another release made is made anew: the catalogue, the search index, and the marks of what is to be analysed."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from soniquebay.api.dispatcher import WARNING_INTERVAL_SECONDS
from soniquebay.api.services import Services
from soniquebay.library.catalogue import rebuild
from soniquebay.library.database import Database
from soniquebay.library.search import index
from soniquebay.library.similarity import vectors
from soniquebay.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY_INTERVAL_SECONDS = 30.0


def begin(database: Database, settings: Settings) -> None:
    """Mark what another release made, so that `run` makes it anew. Raises ``sqlite3.Error``."""
    with database.transaction() as db:
        vectors.mark_outdated_for_analysis(db)
        rebuild.begin(db, settings.artist_joins)
        index.begin_rebuild(db)


async def run(services: Services) -> None:
    """Make the catalogue and the search index anew, where another release made them."""
    await asyncio.gather(rebuild_catalogue(services), rebuild_search_index(services))


async def rebuild_catalogue(services: Services) -> None:
    """Make the catalogue anew from what the files said, if the rules of another release made it."""

    def group_some() -> int:
        with services.database.transaction() as db:
            return rebuild.go_on(db)

    def count() -> int:
        # In this thread: each thread has a connection of its own.
        return rebuild.titles_left(services.database.reader())

    total = left = await repeat_until_done("the catalogue is not complete yet", count)
    if not total:
        return
    log.info("the catalogue is made anew from the stored tags: %d album titles", total)
    log_at = time.monotonic() + WARNING_INTERVAL_SECONDS
    while left:
        left = await repeat_until_done("the catalogue is not complete yet", group_some)
        if left and time.monotonic() >= log_at:
            log.info("%d of %d album titles are made anew", total - left, total)
            log_at = time.monotonic() + WARNING_INTERVAL_SECONDS
    log.info("the catalogue is made anew")


async def rebuild_search_index(services: Services) -> None:
    """Index the tracks that an upgrade has left unindexed, in steps, so that other writers get their turn."""

    def step() -> bool:
        with services.database.transaction() as db:
            return index.rebuild_step(db)

    def count() -> int:
        return index.tracks_to_rebuild(services.database.reader())

    what = "the search index is not complete yet"
    waiting = await repeat_until_done(what, count)
    if not waiting:
        return
    log.info("the search index is made anew for %d tracks; until then some are not found", waiting)
    while await repeat_until_done(what, step):
        pass
    log.info("the search index is complete")


async def repeat_until_done(what: str, job: Callable[[], T]) -> T:
    """Run a job in a thread until it raises no error of the database, and return what it returns."""
    while True:
        try:
            return await asyncio.to_thread(job)
        except sqlite3.Error as error:
            log.warning("%s: %s", what, error)
            await asyncio.sleep(RETRY_INTERVAL_SECONDS)
