"""The Celery application's settings as a table, each with its reason. Units are Celery's."""

from typing import Any

from kombu import Exchange, Queue

from soniquebay.settings import REDIS_KEY_PREFIX, Settings
from soniquebay.worker.compression import COMPRESSION
from soniquebay.worker.serialization import SERIALIZER

HIGH, MEDIUM, LOW = 0, 5, 9  # on Redis 0 is the highest

# task: (queue, priority)
TASKS = {
    "scan.discovery": ("scan", HIGH),
    "metadata.extract_batch": ("extract", HIGH),
    "batch.process_entities": ("batch", HIGH),
    "insert.direct_batch": ("insert", HIGH),
    "vector.calculate": ("vector", MEDIUM),
    "vector.measure_loudness": ("vector", LOW),
    "enrich.musicbrainz": ("deferred", LOW),
    "covers.extract": ("covers", LOW),
    "covers.fetch": ("covers", LOW),
    "maintenance.resume_sessions": ("maintenance", LOW),
    "maintenance.purge": ("maintenance", LOW),
    "maintenance.lay_out_map": ("maintenance", LOW),
    "maintenance.find_duplicates": ("maintenance", LOW),
    "maintenance.check_release": ("maintenance", HIGH),  # an upgrade waits for it
}
QUEUES = tuple(dict.fromkeys(queue for queue, _ in TASKS.values()))
PRIORITY_STEPS = (HIGH, MEDIUM, LOW)

# For remote control: those on other machines, which it reaches as well, are named remote@….
NODES_OF_THIS_MACHINE = {"pattern": "worker*@*", "matcher": "glob"}
MIN_PROCESSES = 1  # the largest number is a setting, 4 on a Pi
HEARTBEAT_INTERVAL_SECONDS = 300  # spares the Pi, so Flower takes a dead worker for a living one for twice that long
EXTRACT_THREADS = 2
TASK_TIME_LIMIT_SECONDS = 7200
SOFT_TIME_LIMIT_SECONDS = TASK_TIME_LIMIT_SECONDS - 300
# Of a task that decodes a track. They include loading the decoder and numpy, which is slow on a busy machine that has
# just booted. The hard limit kills the process: code that hangs in the kernel ignores the soft one. The queue feeder
# takes a task for lost that takes longer.
DECODING_SOFT_TIME_LIMIT_SECONDS, DECODING_TIME_LIMIT_SECONDS = 300, 330
MAX_TASKS_PER_CHILD = 500
MAX_MEMORY_PER_CHILD_KIB = 512_000  # 500 MB; the pool measures it after each task
# Running tasks have this time at a warm shutdown, then they go back to their queue. Celery waits that long even when
# they end sooner, so every restart and upgrade does. Only a vector takes longer.
SOFT_SHUTDOWN_SECONDS = 5
# Celery's 4 seconds are too short for a new child process on a Pi that boots.
CHILD_START_TIMEOUT_SECONDS = 60.0
# Connections to Redis, opened when needed. One control message holds two at once, so a pool smaller than twice the
# number of threads that send can lock itself up. The API has 8 threads, Flower 6, a worker's process sends from one.
THREADED_CONNECTIONS, WORKER_CONNECTIONS = 20, 3
# Within one of these: a poll, pub/sub and what is restored or sent meanwhile take up to 5.
CHANNEL_CONNECTIONS = 8
# Above the longest task and its retry: with a shorter time Redis would hand a running task to a second process.
VISIBILITY_TIMEOUT_SECONDS = 6 * TASK_TIME_LIMIT_SECONDS
EVENT_QUEUE_EXPIRES_SECONDS = 60  # a Flower that has ended leaves no queue behind

_STAGES = (
    "discovery",
    "extract",
    "batch",
    "insert",
    "vector",
    "loudness",
    "enrich",
    "covers",
    "maintenance",
    "release_check",
)
PIPELINE = tuple(f"soniquebay.pipeline.{stage}" for stage in _STAGES)


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return the configuration of the Celery application."""
    exchange = Exchange("jobs", "direct")
    return {
        "broker_url": settings.broker_url,
        # Each queue has its own routing key. Without one the default exchange would send every message to all queues.
        "task_queues": [Queue(name, exchange, routing_key=name) for name in QUEUES],
        "task_default_queue": "maintenance",
        "task_default_exchange": exchange.name,
        "task_default_routing_key": "maintenance",
        "task_routes": {task: {"queue": queue, "priority": priority} for task, (queue, priority) in TASKS.items()},
        "task_create_missing_queues": False,  # a misspelt queue is an error, not a queue that nobody consumes
        # Nothing is lost: a task is acknowledged when it is done, and retried when its process dies, but not for ever.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_retry_on_worker_lost": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # True acknowledges what it cancels
        "worker_soft_shutdown_timeout": SOFT_SHUTDOWN_SECONDS,
        # Limits of a process.
        "task_time_limit": TASK_TIME_LIMIT_SECONDS,
        "task_soft_time_limit": SOFT_TIME_LIMIT_SECONDS,
        "worker_max_tasks_per_child": MAX_TASKS_PER_CHILD,
        "worker_max_memory_per_child": MAX_MEMORY_PER_CHILD_KIB,
        "worker_proc_alive_timeout": CHILD_START_TIMEOUT_SECONDS,
        # One task a process and no prefetching: a prefetched task would wait behind one that takes minutes.
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        # Every stage sends the next one, so nobody reads results.
        "task_ignore_result": True,
        # Messages.
        "task_compression": COMPRESSION,  # gzip where the message is large
        "task_serializer": SERIALIZER,
        "event_serializer": SERIALIZER,
        "accept_content": ["json"],  # by media type, so also what other serializers wrote
        "worker_send_task_events": True,  # Flower's list of tasks
        "event_queue_expires": EVENT_QUEUE_EXPIRES_SECONDS,
        # Few connections to Redis, and a dead one is noticed soon.
        "broker_pool_limit": THREADED_CONNECTIONS,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # wait for Redis as long as it takes
        # Celery documents all three places. Without a result backend the broker's is the one that counts.
        "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
        "result_backend_transport_options": {"visibility_timeout": VISIBILITY_TIMEOUT_SECONDS},
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "max_connections": CHANNEL_CONNECTIONS,
            "priority_steps": list(PRIORITY_STEPS),
            "global_keyprefix": REDIS_KEY_PREFIX,
            "health_check_interval": 25,
            "socket_connect_timeout": 5,
            "socket_timeout": 30,
        },
        "task_publish_retry_policy": {"max_retries": 3, "interval_start": 0.2, "interval_step": 0.5, "interval_max": 2},
        # See soniquebay/overrides for what these replace, and why.
        "worker_consumer": "soniquebay.overrides.recovery:RecoveringConsumer",
        "worker_autoscaler": "soniquebay.overrides.autoscaler:MemoryAutoscaler",
        "worker_hijack_root_logger": False,
    }
