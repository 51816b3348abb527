"""What Redis tells for the metrics: queues, workers, its memory."""

import time
from collections.abc import Iterator

import redis
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.metrics import work
from soniquebay.library.database import Database
from soniquebay.process_history import SILENT_AFTER_SECONDS, STREAM, Report, Reporter
from soniquebay.settings import REDIS_KEY_PREFIX
from soniquebay.worker.config import PRIORITY_STEPS, QUEUES
from tests.support.workers import Bench


def values(bench: Bench) -> CollectorRegistry:
    """Return the metrics, in a registry that answers for single values."""
    client = redis.Redis(unix_socket_path=str(bench.socket), socket_timeout=5)
    told = work.ask(Dispatcher(Database(bench.folder / "library.db"), client))

    class Told(Collector):
        def collect(self) -> Iterator[Metric]:
            return work.collect(told)

    registry = CollectorRegistry()
    registry.register(Told())
    return registry


def test_messages_of_all_priorities_wait_in_a_queue(bench: Bench) -> None:
    for step in PRIORITY_STEPS:
        key = f"{REDIS_KEY_PREFIX}vector\x06\x16{step}" if step else f"{REDIS_KEY_PREFIX}vector"
        bench.redis.rpush(key, "x", "y")
    found = values(bench)
    lengths = {queue: found.get_sample_value("celery_queue_length", {"queue_name": queue}) for queue in QUEUES}
    assert lengths == {**dict.fromkeys(QUEUES, 0), "vector": 2 * len(PRIORITY_STEPS)}


def test_all_workers_that_report_count_together(bench: Bench) -> None:
    reporter, now = Reporter(f"unix://{bench.socket}"), time.time()
    for report in (
        Report(now - 20, "worker@pi", 1, 4, "start"),
        Report(now - 10, "worker@pi", 2, 2, "memory", "300 MB free", memory_limited=True),
        Report(now - 10, "worker2@pi", 1, 3, "none"),
        Report(now - SILENT_AFTER_SECONDS - 9, "worker3@pi", 4, 4, "none", memory_limited=True),
    ):
        reporter.add(report)
    reporter.send()
    found = values(bench)
    names = ("workers", "worker_processes", "worker_process_limit", "worker_memory_limited")
    assert [found.get_sample_value(f"soniquebay_{name}") for name in names] == [2, 3, 5, 1]


def test_a_worker_of_an_older_release_does_not_tell_whether_memory_limits_it(bench: Bench) -> None:
    fields = {"at": time.time(), "worker": "worker@pi", "processes": 1, "limit": 1, "reason": "memory", "detail": ""}
    bench.redis.xadd(STREAM, fields)
    found = values(bench)
    assert found.get_sample_value("soniquebay_workers") == 1
    assert found.get_sample_value("soniquebay_worker_memory_limited") == 0


def test_redis_tells_its_memory_and_its_end(bench: Bench) -> None:
    bench.redis.config_set("maxmemory", "64mb")
    found = values(bench)
    assert found.get_sample_value("redis_up") == 1
    assert found.get_sample_value("redis_memory_max_bytes") == 64 << 20
    assert 1e5 < (found.get_sample_value("redis_memory_used_bytes") or 0) < 64 << 20
    bench.kill_redis()
    found = values(bench)
    assert found.get_sample_value("redis_up") == 0
    for name in ("redis_memory_used_bytes", "soniquebay_workers", "soniquebay_worker_processes"):
        assert found.get_sample_value(name) is None
