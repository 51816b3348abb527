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
# Seconds. The worker's main process answers at once, a Pi that boots does not; and one that only just comes back to
# Redis has not heard the first question.
WORKER_ANSWER = (1.0, 1.0, 3.0)


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
    try:
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(_inspect, what) for what in ("stats", "active")]
            stats, active = (answer.result() for answer in asked)
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


# Both on a connection of their own: one of the pool is not tried before kombu waits for an answer on it, so after a
# restart of Redis each would fail once.


def _inspect(what: str) -> dict[str, Any]:
    with celery.connection_for_write() as connection:
        return getattr(celery.control.inspect(timeout=WORKER_ROUND, connection=connection), what)() or {}


def _worker(_: Services) -> str:
    try:
        with celery.connection_for_write() as connection:
            for seconds in WORKER_ANSWER:
                # The first answer is enough; waiting for more would take the whole time-out.
                if celery.control.ping(timeout=seconds, limit=1, connection=connection):
                    return "ok"
    except (OperationalError, redis.RedisError, OSError) as error:
        return f"cannot be asked: {error}"
    return f"no answer within {sum(WORKER_ANSWER):.0f} s"


_PARTS = {"database": _database, "redis": _redis, "worker": _worker}
