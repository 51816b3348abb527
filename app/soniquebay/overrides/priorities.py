"""kombu's Redis transport, with priorities that hold and yet starve nobody, and at less cost a message."""

from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as RedisConnectionError

# Polls, of which each takes one message. Over a high class that never runs dry, every 16th poll asks for the others
# first, in turn: 1 of 32 tasks is a medium one, 1 of 32 a low one. Seldom, as somebody waits for the high ones and a
# medium one (a vector) takes as long as several of them. Between medium and low nobody waits: every fourth poll asks
# for low first, or the covers of a large library would come after days of vectors.
POLLS_PER_YIELD = 16
POLLS_PER_LOW_FIRST = 4


def poll_order(number: int, steps: Sequence[int]) -> list[int]:
    """Return the priority steps of one poll in the order in which they are asked; `steps` has the highest first."""
    high, *rest = steps
    if number % POLLS_PER_YIELD == 0:
        turn = number // POLLS_PER_YIELD % len(rest)
        return [*rest[turn:], *rest[:turn], high]
    if number % POLLS_PER_LOW_FIRST == 0:
        return [high, *reversed(rest)]
    return list(steps)


class PriorityChannel(redis.Channel):
    """Asks Redis for the classes of messages in the order of `poll_order`.

    One BRPOP names every queue at every priority, and Redis serves the first key that has something; kombu puts all
    keys of the highest priority first, so no order among queues reaches the lower ones.
    """

    _shared_client: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._classes = tuple(self.priority_steps)
        self._polls = 0

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        """Lend a client: one a channel, as it takes a connection of the pool for each command anyway.

        The parent makes a new client for each message sent, taken or acknowledged, at some 0.1 ms.
        """
        if client is None:
            if self.connection is None:
                # Closed when Redis went away. Named so, the sender takes a new one; else it fails on an attribute.
                raise RedisConnectionError("the channel was closed, Redis went away")
            client = self._shared_client
            if client is None or client.connection_pool is not self.pool:
                client = self._shared_client = self._create_client()
        yield client

    def stop_polling(self) -> None:
        """Take no more messages; those that were taken can still be acknowledged."""
        if self._in_poll:
            # Redis may have handed one over: read, it stands in the worker's set of taken ones and is not lost.
            with suppress(Empty, self.ResponseError, *self.connection_errors):
                self._brpop_read()
        self.connection.cycle.close()
        self._close_clients()

    def priority(self, n: int) -> int:
        """Return the class of a message's priority; the parent's own way needs the steps in ascending order."""
        return int(self._classes[bisect(self._classes, n) - 1])

    def _brpop_start(self, timeout: float | None = None) -> None:
        # The parent takes the order of the keys from this attribute.
        self._polls += 1
        self.priority_steps = poll_order(self._polls, self._classes)
        try:
            super()._brpop_start(timeout)
        finally:
            self.priority_steps = list(self._classes)


class PriorityTransport(redis.Transport):
    """The Redis transport of every program."""

    Channel = PriorityChannel


def install() -> None:
    """Have kombu use this transport for ``redis`` addresses in this process."""
    TRANSPORT_ALIASES["redis"] = f"{__name__}:{PriorityTransport.__name__}"
