"""The metrics of Redis, the queues and the workers."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import redis
from prometheus_client import Metric

from soniquebay import process_history
from soniquebay.api.dispatcher import Dispatcher, RedisMemory
from soniquebay.api.metrics.families import gauge, gauges
from soniquebay.process_history import Report


class Work(NamedTuple):
    """What Redis tells."""

    memory: RedisMemory
    queues: dict[str, int]
    workers: list[Report]
    """The last report of each worker that still reports."""


def ask(dispatcher: Dispatcher) -> Work | None:
    """Return what Redis tells; None when it does not answer."""
    now = time.time()
    try:
        memory, queues, reports = dispatcher.redis_memory(), dispatcher.queue_lengths(), dispatcher.process_reports(now)
    except redis.RedisError:
        return None
    return Work(memory, queues, process_history.current(reports, now))


def collect(work: Work | None) -> Iterator[Metric]:
    """Yield the metrics; those of Redis and of queues have the names that the exporters of these give them."""
    memory = work.memory if work else None
    yield gauge("redis_up", "1 while Redis answers", float(work is not None))
    yield gauge("redis_memory_used_bytes", "Memory that Redis uses", memory and memory.used_bytes)
    yield gauge("redis_memory_max_bytes", "Memory that Redis may use; 0: no limit", memory and memory.max_bytes)
    yield gauges("celery_queue_length", "Tasks that wait in a queue", "queue_name", work.queues if work else {})
    yield from _collect_workers(work.workers if work else None)


def _collect_workers(workers: list[Report] | None) -> Iterator[Metric]:
    """Yield what they report; `workers`: None when it is not known. All of them count together."""
    known = workers or []
    for name, meaning, value in (
        ("workers", "Workers that report", len(known)),
        ("worker_processes", "Child processes of the workers", sum(one.processes for one in known)),
        ("worker_process_limit", "Child processes that the memory allows", sum(one.limit for one in known)),
        (
            "worker_memory_limited",
            "1 while more tasks wait than the memory lets a worker take",
            any(one.memory_limited for one in known),
        ),
    ):
        yield gauge(f"soniquebay_{name}", meaning, None if workers is None else value)
