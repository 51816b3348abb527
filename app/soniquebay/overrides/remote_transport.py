"""kombu's Redis transport for a worker on another machine: it asks Redis for as little as possible.

Replaces: parts of ``kombu.transport.redis.Channel`` that write to Redis. A remote worker has no unacknowledged messages
there (`ack_emulation` of kombu is off), because the lease in the database tells what it has. Nor does it bind queues:
the API sends straight to the queue of the worker, and events and remote control are channels, which need no binding.
What remains are the commands of `worker_proxy.commands`.
Upstream: https://github.com/celery/celery/issues/8724 (which commands Celery needs, open).
Remove when: kombu's Redis transport has an option for a consumer that only receives.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES

from soniquebay.overrides.priorities import PriorityChannel, PriorityTransport

_REPLIES = "reply.celery.pidbox"  # the exchange of answers to remote control


class RemoteChannel(PriorityChannel):
    """A channel that receives from one queue, and sends events and answers only."""

    do_restore = False  # a message that is not done is sent again by the API

    def _connparams(self, asynchronous: bool = False) -> Any:
        # The client's name and version would be one more command.
        return {**super()._connparams(asynchronous), "driver_info": None}

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        if self.typeof(exchange).type == "fanout":
            self._fanout_queues[queue] = (exchange, routing_key.replace("#", "*"))

    def _new_queue(self, queue: str, auto_delete: bool = False, **_: Any) -> None:
        """Do nothing: the queue has no expiry that this side would have to renew."""

    def _lookup(self, exchange: str, routing_key: str, default: str | None = None) -> list[str]:
        # The queue of answers has the name that the asker has given it; kombu would read the binding.
        return [f"{routing_key}.{_REPLIES}"] if exchange == _REPLIES else []

    def _has_queue(self, queue: str, **_: Any) -> bool:
        return True

    def _size(self, queue: str) -> int:
        return 0

    def _delete(self, queue: str, *_: Any, **__: Any) -> None:
        """Do nothing: there is nothing of this worker in Redis."""


class RemoteTransport(PriorityTransport):
    """The transport of a worker on another machine."""

    Channel = RemoteChannel


def install() -> None:
    """Have kombu use this transport for ``rediss`` URLs in this process."""
    TRANSPORT_ALIASES["rediss"] = f"{__name__}:{RemoteTransport.__name__}"
