"""A set of unacknowledged messages for each worker, named by the worker's process.

Replaces: kombu keeps the unacknowledged messages of all workers in one hash, ``unacked``. Nobody can tell from it which
messages are those of a killed worker, so they come back only after the visibility timeout, hours later. Here the keys
carry the name of a process as `procfs.process_instance` returns it.
Upstream: https://github.com/celery/celery/issues/4976 (open), https://github.com/celery/celery/issues/4984.
Remove when: kombu's Redis transport restores the messages of a worker that has ended without waiting for the timeout.
"""

import json
from typing import TYPE_CHECKING, Any, cast

from soniquebay.settings import REDIS_KEY_PREFIX

if TYPE_CHECKING:
    import redis

# The messages, their tags by time, and a lock; the name of the owning process follows.
UNACKED_PREFIX, UNACKED_INDEX_PREFIX, UNACKED_MUTEX_PREFIX = "unacked.", "unacked_index.", "unacked_mutex."


def transport_options(owner: str) -> dict[str, str]:
    """Return the options by which kombu's Redis transport keeps an owner's unacknowledged messages apart."""
    return {
        "unacked_key": f"{UNACKED_PREFIX}{owner}",
        "unacked_index_key": f"{UNACKED_INDEX_PREFIX}{owner}",
        "unacked_mutex_key": f"{UNACKED_MUTEX_PREFIX}{owner}",
    }


def owners(client: Any) -> list[str]:
    """Return the owners of all sets of unacknowledged messages; `client` is a client of kombu."""
    # The key prefix of kombu's client reaches most commands, but not SCAN.
    start = f"{REDIS_KEY_PREFIX}{UNACKED_INDEX_PREFIX}"
    return [key.decode().removeprefix(start) for key in client.scan_iter(f"{start}*", 1000)]


def queues_with_unacknowledged(broker: "redis.Redis") -> set[str]:
    """Return the queues of which a worker has an unacknowledged message, a killed worker included.

    Raises ``redis.RedisError``.
    """
    queues: set[str] = set()
    for key in broker.scan_iter(f"{REDIS_KEY_PREFIX}{UNACKED_PREFIX}*", 1000):
        for value in cast("list[bytes]", broker.hvals(key)):
            queues.add(json.loads(value)[2])  # kombu's: message, exchange, routing key, which is the queue's name
    return queues
