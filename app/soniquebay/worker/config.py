"""The worker's settings as a table, the reason beside each. Units as Celery takes them."""

from typing import Any

from kombu import Exchange, Queue

from soniquebay.settings import KEY_PREFIX, Settings
from soniquebay.worker.compression import COMPRESSION

HIGH, MEDIUM, LOW = 0, 5, 9  # on Redis 0 comes first

# task: (queue, priority). Routed by each task's own name: metadata.extract_batch goes to `extract`.
TASKS = {
    "scan.discovery": ("scan", HIGH),
    "metadata.extract_batch": ("extract", HIGH),
    "batch.process_entities": ("batch", HIGH),
    "insert.direct_batch": ("insert", HIGH),
    "vector.calculate": ("vector", MEDIUM),
    "enrich.genres": ("deferred", LOW),
    "enrich.musicbrainz": ("deferred", LOW),
    "covers.extract": ("covers", LOW),
    "covers.fetch": ("covers", LOW),
    "maintenance.resume_sessions": ("maintenance", LOW),
    "maintenance.purge": ("maintenance", LOW),
}
QUEUES = tuple(dict.fromkeys(queue for queue, _ in TASKS.values()))
PRIORITY_STEPS = (HIGH, MEDIUM, LOW)

MIN_PROCESSES = 1  # the most is a setting, 4 on a Pi
HEARTBEAT_INTERVAL = 300  # s; spares the Pi, so Flower believes a dead worker for twice that long
EXTRACT_THREADS = 2
TASK_TIME_LIMIT = 7200  # s
# s for running tasks at a warm stop, then they go back to their queue. Celery sleeps it out even when they end sooner,
# so it is what an upgrade or a restart waits, and only a vector takes longer.
SOFT_SHUTDOWN = 5
# Connections to Redis, opened as needed. One control message holds two at once, so a pool smaller than twice the
# threads that ask can lock itself up: the API has 8 threads, Flower 6. A worker's process asks from one thread.
THREADED_POOL, WORKER_POOL = 20, 3
CHANNEL_POOL = 8  # within one of these: a poll, pub/sub and what is restored or sent meanwhile take up to 5
# Over the longest task and its retry: a shorter time makes Redis hand a running task to a second process.
VISIBILITY_TIMEOUT = 6 * TASK_TIME_LIMIT

PIPELINE = tuple(
    f"soniquebay.pipeline.{stage}"
    for stage in ("discovery", "extract", "batch", "insert", "vector", "enrich", "covers", "maintenance")
)


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return the configuration of the Celery application."""
    exchange = Exchange("jobs", "direct")
    return {
        "broker_url": settings.broker_url,
        # Queues: each with a routing key of its own, else the default exchange hands all to all.
        "task_queues": [Queue(name, exchange, routing_key=name) for name in QUEUES],
        "task_default_queue": "maintenance",
        "task_default_exchange": exchange.name,
        "task_default_routing_key": "maintenance",
        "task_routes": {task: {"queue": queue, "priority": priority} for task, (queue, priority) in TASKS.items()},
        "task_create_missing_queues": False,  # a misspelt queue is an error, not a place nobody reads
        # Nothing lost: a task is acknowledged when done, and comes back when its process dies, but not for ever.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_retry_on_worker_lost": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # True acknowledges what it cancels
        "worker_soft_shutdown_timeout": SOFT_SHUTDOWN,
        # Limits of a process.
        "task_time_limit": TASK_TIME_LIMIT,
        "task_soft_time_limit": TASK_TIME_LIMIT - 300,
        "worker_max_tasks_per_child": 500,
        "worker_max_memory_per_child": 512_000,  # KiB: 500 MB, looked at after each task
        "worker_proc_alive_timeout": 60.0,  # s for a new process to begin; Celery's 4 are short on a Pi that boots
        # One task a process, none hoarded: with late tasks of minutes a prefetched one would wait behind them.
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        # Results: every stage sends the next one, nobody asks for them.
        "task_ignore_result": True,
        # Messages.
        "task_compression": COMPRESSION,  # gzip where the message is large
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_send_task_events": True,  # Flower's list of tasks
        "event_queue_expires": 60,  # s; a Flower that is gone leaves no queue behind
        # Redis: few connections, and one that is dead is found so soon.
        "broker_pool_limit": THREADED_POOL,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # wait for Redis as long as it takes
        # In all three places that Celery documents; without a result backend the broker's is the one that counts.
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "result_backend_transport_options": {"visibility_timeout": VISIBILITY_TIMEOUT},
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT,
            "max_connections": CHANNEL_POOL,
            "priority_steps": list(PRIORITY_STEPS),
            "global_keyprefix": KEY_PREFIX,
            "health_check_interval": 25,
            "socket_connect_timeout": 5,
            "socket_timeout": 30,
        },
        "task_publish_retry_policy": {"max_retries": 3, "interval_start": 0.2, "interval_step": 0.5, "interval_max": 2},
        # How this worker differs from Celery's own, each in its module.
        "worker_consumer": "soniquebay.overrides.recovery:RecoveringConsumer",
        "worker_autoscaler": "soniquebay.overrides.autoscaler:MemoryAutoscaler",
        "worker_hijack_root_logger": False,
    }
