"""Is everything there that a scan needs?"""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse
from kombu.exceptions import OperationalError

from soniquebay import __version__
from soniquebay.api import models
from soniquebay.api.services import Services, Shared
from soniquebay.library.database import open_read_only
from soniquebay.worker.app import app as celery
from soniquebay.worker.config import QUEUES

router = APIRouter(prefix="/api", tags=["health"])

WORKER_ROUND = 2.0  # seconds in which every worker has to answer: there is no telling how many will
WORKER_ANSWER = 5.0  # seconds; the worker's main process answers at once, a Pi that boots does not


@router.get("/health", response_model=models.Health, responses={503: {"model": models.Health}})
def health(services: Shared) -> Any:
    """Ask database, Redis and worker; 200 only if all three answered."""
    with ThreadPoolExecutor(3) as pool:
        asked = {name: pool.submit(ask, services) for name, ask in _PARTS.items()}
        parts = {name: answer.result() for name, answer in asked.items()}
    healthy = all(state == "ok" for state in parts.values())
    answer = models.Health(status="ok" if healthy else "unhealthy", version=__version__, **parts)
    return JSONResponse(answer.model_dump(), status_code=200 if healthy else 503)


@router.get("/worker", response_model=models.WorkerState, responses={503: {"model": models.Problem}})
def worker_state() -> Any:
    """Return the workers that answer, with their processes."""
    inspect = celery.control.inspect(timeout=WORKER_ROUND)
    try:
        with ThreadPoolExecutor(2) as pool:
            asked = pool.submit(inspect.stats), pool.submit(inspect.active)
            stats, active = (answer.result() or {} for answer in asked)
    except (OperationalError, redis.RedisError, OSError) as error:
        raise HTTPException(503, f"Redis does not answer: {error}") from error
    return {
        "workers": {
            name: {"processes": facts["pool"]["processes"], "active": len(active.get(name, []))}
            for name, facts in stats.items()
        }
    }


@router.get("/queues", response_model=dict[str, int], responses={503: {"model": models.Problem}})
def queues(services: Shared) -> Any:
    """Return how many tasks wait in each queue."""
    try:
        return {queue: services.dispatcher.waiting(queue) for queue in QUEUES}
    except redis.RedisError as error:
        raise HTTPException(503, f"Redis does not answer: {error}") from error


def _database(services: Services) -> str:
    try:
        with open_read_only(services.settings.database) as db:
            db.execute("SELECT count(*) FROM scan_sessions").fetchone()
    except sqlite3.Error as error:
        return f"does not answer: {error}"
    return "ok"


def _redis(services: Services) -> str:
    try:
        services.dispatcher.waiting("scan")
    except redis.RedisError as error:
        return f"does not answer: {error}"
    return "ok"


def _worker(_: Services) -> str:
    try:
        # The first answer is enough; waiting for more would take the whole time-out.
        answers = celery.control.ping(timeout=WORKER_ANSWER, limit=1)
    except (OperationalError, redis.RedisError, OSError) as error:
        return f"cannot be asked: {error}"
    return "ok" if answers else f"no answer within {WORKER_ANSWER:.0f} s"


_PARTS = {"database": _database, "redis": _redis, "worker": _worker}
