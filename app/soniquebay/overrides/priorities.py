"""Message priorities that do not starve the lower classes, and fewer Redis connections a message.

Replaces: the order of keys in ``kombu.transport.redis.Channel._brpop_start``. One BRPOP names every queue at every
priority, and Redis serves the first key that has a message. kombu puts all keys of the highest priority first, so a
high class that never runs empty starves the others; no order of queues changes that. Here the order of the classes
changes from poll to poll. `PriorityChannel` also keeps one Redis client a channel: kombu makes a new one for each
message that is sent, received or acknowledged, which costs some 0.1 ms.
Upstream: https://github.com/celery/kombu/issues/1178 (priorities by sorted sets, open);
https://github.com/celery/celery/issues/324. There is no issue on starvation.
Remove when: kombu's Redis transport has a `queue_order_strategy` that applies to priorities.
"""

import time
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as RedisConnectionError

from soniquebay.overrides.full_broker import RETRY_SECONDS, PatientQoS, is_refusal

# A poll takes one message. Every 16th poll asks for the lower classes first, in turn: under constant high load 1 of 32
# messages is a medium one and 1 of 32 a low one. It is that seldom because somebody waits for the high ones, and a
# medium one (a vector) takes as long as several of them.
POLLS_PER_YIELD = 16
# Nobody waits for medium or low tasks, so every fourth poll asks for low before medium. Otherwise the covers of a large
# library would come after days of vectors.
POLLS_PER_LOW_FIRST = 4


def poll_order(number: int, steps: Sequence[int]) -> list[int]:
    """Return the priority steps in the order in which poll `number` asks for them; `steps` has the highest first."""
    high, *rest = steps
    if number % POLLS_PER_YIELD == 0:
        turn = number // POLLS_PER_YIELD % len(rest)
        return [*rest[turn:], *rest[:turn], high]
    if number % POLLS_PER_LOW_FIRST == 0:
        return [high, *reversed(rest)]
    return list(steps)


class PriorityChannel(redis.Channel):
    """A channel of kombu's Redis transport that asks for the priorities in the order of `poll_order`."""

    QoS = PatientQoS
    _shared_client: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._steps = tuple(self.priority_steps)
        self._polls = 0

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        """Yield a Redis client: one a channel, as it takes a connection of the pool for each command anyway."""
        if client is None:
            if self.connection is None:
                # The channel was closed when Redis was lost. This error makes the sender take a new channel; kombu's
                # own code would fail on an attribute.
                raise RedisConnectionError("the channel was closed, the connection to Redis was lost")
            client = self._shared_client
            if client is None or client.connection_pool is not self.pool:
                client = self._shared_client = self._create_client()
        yield client

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)
        except self.ResponseError as error:
            if not is_refusal(error):
                raise
            time.sleep(RETRY_SECONDS)  # the next poll would be refused at once
            raise Empty from error

    def stop_polling(self) -> None:
        """Receive no more messages; the ones that were received can still be acknowledged."""
        if self._in_poll:
            # Redis may have sent a message already. Reading it enters it in the set of unacknowledged ones.
            with suppress(Empty, self.ResponseError, *self.connection_errors):
                self._brpop_read()
        self.connection.cycle.close()
        self._close_clients()

    def priority(self, n: int) -> int:
        """Return the step that a message's priority belongs to; kombu's own way needs the steps in ascending order."""
        return int(self._steps[bisect(self._steps, n) - 1])

    def _brpop_start(self, timeout: float | None = None) -> None:
        # kombu takes the order of the keys from this attribute.
        self._polls += 1
        self.priority_steps = poll_order(self._polls, self._steps)
        try:
            super()._brpop_start(timeout)
        finally:
            self.priority_steps = list(self._steps)


class PriorityTransport(redis.Transport):
    """The Redis transport of every program."""

    Channel = PriorityChannel


def install() -> None:
    """Have kombu use this transport for ``redis`` URLs in this process."""
    TRANSPORT_ALIASES["redis"] = f"{__name__}:{PriorityTransport.__name__}"
