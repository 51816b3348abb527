"""Report whether everything that a scan needs is there."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal

import redis
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse
from kombu.exceptions import OperationalError
from pydantic import ValidationError

from soniquebay import __version__, disk_state, redis_files
from soniquebay.api.access import REFUSALS, Manager, may_manage
from soniquebay.api.daemon_thread import in_daemon_thread
from soniquebay.api.inspection import inspect
from soniquebay.api.models.health import Health, WorkerProcesses, WorkerState
from soniquebay.api.models.problems import Problem
from soniquebay.api.services import Services, Shared
from soniquebay.audio.learned import model_file
from soniquebay.library.database import open_read_only
from soniquebay.worker.app import app as celery
from soniquebay.worker.config import NODES_OF_THIS_MACHINE

router = APIRouter(prefix="/api", tags=["health"], responses=REFUSALS)
_NO_REDIS: dict[int | str, dict[str, Any]] = {503: {"model": Problem}}

# Every worker has to answer within this time: nobody knows how many there are.
# One attempt after another. The worker's main process answers at once, but not on a Pi that boots. A worker that has
# just reconnected to Redis has missed the first ping.
PING_TIMEOUTS_SECONDS = (1.0, 1.0, 3.0)


@router.get("/health", response_model=Health, responses={503: {"model": Health}})
async def health(request: Request, services: Shared) -> Any:
    """Ask the database, Redis and the workers; 200 only when all three answered. This needs no login.

    Only visitors who may manage the appliance are told why a part is not ok, and get warnings.
    """
    # Anybody may ask: those who do at once must not take the threads that answer all other requests.
    parts = await services.health_checks.result(lambda: check_parts(services))
    healthy = all(state == "ok" for state in parts.values())
    warnings = _warnings(services)
    if not may_manage(request):
        warnings = []
        parts = {name: state if state == "ok" else "not ok" for name, state in parts.items()}
    faults = services.storage.faults()
    fault = "; ".join(fault.public_text for fault in faults) or None
    kind = faults[0].kind if faults else None
    status: Literal["ok", "unhealthy"] = "ok" if healthy else "unhealthy"
    answer = Health(status=status, version=__version__, fault=fault, fault_kind=kind, warnings=warnings, **parts)
    return JSONResponse(answer.model_dump(), status_code=200 if healthy else 503)


def _warnings(services: Services) -> list[str]:
    folder = services.settings.data
    problem = disk_state.problem_of(folder)
    certificate = services.certificate and services.certificate.warning(time.time())
    notices = redis_files.notices_folder(services.settings.redis)
    texts = (
        problem and disk_state.sentence(problem, folder),
        *services.storage.warnings,
        *(redis_files.read_notices(notices) if notices else ()),
        certificate,
        model_file.problem(),
        *services.backups.warnings(),
    )
    return [text for text in texts if text]


def check_parts(services: Services) -> dict[str, str]:
    """Return `ok`, or what is wrong, of each part of the appliance; it takes seconds while one does not answer."""
    checks = {name: in_daemon_thread(partial(check, services)) for name, check in _CHECKS.items()}
    return {name: check.result() for name, check in checks.items()}


@router.get("/worker", dependencies=[Manager], response_model=WorkerState, responses=_NO_REDIS)
async def worker_state(services: Shared) -> Any:
    """Return the workers that answer, with their child processes."""
    try:
        # It takes seconds: those who ask at once must not take the threads that answer all other requests.
        return await services.worker_states.result(_worker_state)
    except (OperationalError, redis.RedisError, OSError) as error:
        raise HTTPException(503, f"Redis does not answer: {error}") from error


def _worker_state() -> dict[str, Any]:
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(inspect, method) for method in ("stats", "active")]
        stats, active = (answer.result() for answer in answers)
    states = {name: _processes(facts, active.get(name, [])) for name, facts in stats.items()}
    return {"workers": {name: state for name, state in states.items() if state is not None}}


def _processes(facts: Any, tasks: Any) -> WorkerProcesses | None:
    """Return what a worker has answered; None for nonsense, which one on another machine may say."""
    try:
        return WorkerProcesses(processes=facts["pool"]["processes"], active=len(tasks))
    except (KeyError, TypeError, ValidationError):
        return None


@router.get("/queues", dependencies=[Manager], response_model=dict[str, int], responses=_NO_REDIS)
async def queues(services: Shared) -> Any:
    """Return how many tasks wait in each queue."""
    try:
        return await services.queue_lengths.result(services.dispatcher.queue_lengths)
    except redis.RedisError as error:
        raise HTTPException(503, f"Redis does not answer: {error}") from error


def _check_database(services: Services) -> str:
    if faults := services.storage.faults():
        return "; ".join(map(str, faults))
    try:
        with open_read_only(services.settings.database) as db:
            db.execute("SELECT count(*) FROM scan_sessions").fetchone()
    except sqlite3.Error as error:
        services.storage.report(error)
        return f"does not answer: {error}"
    return "ok"


def _check_redis(services: Services) -> str:
    try:
        services.dispatcher.queue_length("scan")
    except redis.RedisError as error:
        return f"does not answer: {error}"
    return "ok"


def _check_worker(_: Services) -> str:
    try:
        with celery.connection_for_write() as connection:
            for seconds in PING_TIMEOUTS_SECONDS:
                # The first answer is enough; waiting for more would take the whole time-out.
                if celery.control.ping(timeout=seconds, limit=1, connection=connection, **NODES_OF_THIS_MACHINE):
                    return "ok"
    except (OperationalError, redis.RedisError, OSError) as error:
        return f"cannot be asked: {error}"
    return f"no answer within {sum(PING_TIMEOUTS_SECONDS):.0f} s"


_CHECKS = {"database": _check_database, "redis": _check_redis, "worker": _check_worker}
