"""The check of a release by its canary: the worker reads it, the API inserts it for a moment, and plays it."""

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, Literal

from kombu.exceptions import OperationalError
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.file_answer import FileAnswerError, Reader
from soniquebay.api.inspection import active_tasks
from soniquebay.api.models.health import Check
from soniquebay.api.transcoders import Transcoders
from soniquebay.api.trial_insert import NotInsertedError, try_insert
from soniquebay.api.trial_playing import NotPlayedError, read_range, transcode
from soniquebay.library.database import Database

log = logging.getLogger(__name__)

TASK = "maintenance.check_release"
_Name = Literal["insert", "file", "transcode"]


class WorkerReport(BaseModel):
    """What the worker has found, and what it makes of the canary: None where it could not."""

    checks: list[Check]
    entities: dict[str, Any] | None = None
    analysis: dict[str, Any] | None = None


class ReleaseCheckJob:
    """Makes the checks, and takes the reports of the worker."""

    def __init__(self, database: Database, dispatcher: Dispatcher, reader: Reader, transcoders: Transcoders) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._reader = reader
        self._transcoders = transcoders
        self._waiting: dict[str, Future[WorkerReport]] = {}

    async def run(self, seconds: float) -> list[Check]:
        """Make all checks, of which each has so many seconds."""
        by_worker, *played = await asyncio.gather(
            self._by_worker(seconds),
            _made("file", read_range(self._reader), "send a range of a file", seconds),
            _made("transcode", transcode(self._reader, self._transcoders), "transcode a FLAC file to MP3", seconds),
        )
        return [*by_worker, *played]

    def report(self, check_id: str, report: WorkerReport) -> bool:
        """Take the report of the worker; return whether anybody waits for it. Safe from any thread."""
        waiting = self._waiting.get(check_id)
        if waiting is None:
            return False
        with suppress(InvalidStateError):  # its time has ended just now, or the task has run twice
            waiting.set_result(report)
        return True

    async def _by_worker(self, seconds: float) -> list[Check]:
        check_id = secrets.token_hex(8)
        waiting: Future[WorkerReport] = Future()
        self._waiting[check_id] = waiting
        try:
            if not await run_in_threadpool(self._dispatcher.send, TASK, check_id=check_id):
                sentence = "Redis does not take the task of the worker; the log of the API says why."
                return [Check(name="worker", state="failed", sentence=sentence)]
            report = await asyncio.wait_for(asyncio.wrap_future(waiting), seconds)
        except TimeoutError:
            return [await run_in_threadpool(_late, seconds)]
        finally:
            del self._waiting[check_id]
        if report.entities is None or report.analysis is None:
            return report.checks  # there is nothing to insert
        insertion = run_in_threadpool(try_insert, self._database, report.entities, report.analysis)
        return [*report.checks, await _made("insert", insertion, "insert a file into the library", seconds)]


def _late(seconds: float) -> Check:
    """Tell a worker whose processes are all busy, as with the discovery of a large library, from one that is stuck."""
    try:
        busy_with = ", ".join(sorted({name for name in active_tasks() if name != TASK}))
    except (OperationalError, OSError) as error:
        busy_with = ""
        log.debug("the workers do not say what they run: %s", error)
    if busy_with:
        sentence = f"The worker has not made the check within {seconds:.0f} s, because it is busy with {busy_with}."
        return Check(name="worker", state="busy", sentence=sentence)
    sentence = f"The worker has not made the check within {seconds:.0f} s: it runs no task at all."
    return Check(name="worker", state="late", sentence=sentence)


async def _made(name: _Name, work: Coroutine[Any, Any, None], what: str, seconds: float) -> Check:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return Check(name=name, state="late", sentence=f"The API could not {what} within {seconds:.0f} s.")
    except Exception as error:  # whatever is broken in this release
        is_known = isinstance(error, NotInsertedError | NotPlayedError | FileAnswerError)
        reason = str(error) if is_known else f"{type(error).__name__}: {error}"
        log.warning("the check of this release has failed: %s", name, exc_info=error)
        return Check(name=name, state="failed", sentence=f"The API cannot {what}: {reason}.")
    return Check(name=name, state="ok", sentence=f"The API can {what}.")
