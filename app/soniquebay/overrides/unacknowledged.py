"""Where a worker's taken messages stand in Redis, from when it got them until they are acknowledged."""

import json
from typing import TYPE_CHECKING, cast

from soniquebay.settings import KEY_PREFIX

if TYPE_CHECKING:
    import redis

# The messages, their tags by time, a lock; followed by the name of the owner, see `recovery.owner`.
TAKEN, INDEX, MUTEX = "taken.", "taken_index.", "taken_mutex."


def queues_with_unacknowledged(broker: "redis.Redis") -> set[str]:
    """Return the queues of which a worker has a message in hand, or had when it was killed.

    Raises ``redis.RedisError``.
    """
    queues: set[str] = set()
    for key in broker.scan_iter(f"{KEY_PREFIX}{TAKEN}*", 1000):
        for value in cast("list[bytes]", broker.hvals(key)):
            queues.add(json.loads(value)[2])  # kombu's: message, exchange, routing key, which is the queue's name
    return queues
