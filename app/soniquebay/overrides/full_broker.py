"""A worker that waits while Redis refuses writes, because its memory or its disk is full, and keeps what it received.

Replaces: kombu's `QoS.append` and `QoS.ack`, which raise what Redis answers. Celery takes it for an unrecoverable
error, and the worker ends: a message that it has just received is lost to Redis, and under `soniquebay serve` all
programs end. A message is lost, too, when Redis ends between its delivery and the note that it is unacknowledged:
kombu forgets it with the connection.
Upstream: none found.
Remove when: a worker survives `MISCONF` and `OOM` in the answers to its transport, and
`test_a_message_that_redis_could_not_note_comes_back` passes with kombu's own `QoS`.
"""

import json
import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar

from celery.worker import state
from kombu.transport import redis as transport
from redis.exceptions import ExecAbortError, ResponseError

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


def is_refusal(error: ResponseError) -> bool:
    """Tell whether Redis refuses writes for now: its memory is full (OOM), or it cannot write its file (MISCONF)."""
    # The first error of a transaction names the cause; of a pipeline that is retried, only that it was discarded.
    return isinstance(error, ExecAbortError) or "MISCONF" in str(error) or "maxmemory" in str(error)


def wait_for_room(write: Callable[[], Any]) -> Any:
    """Return what a write to Redis returns, as soon as Redis accepts it, unless the worker is to stop."""
    is_told = False
    while True:
        try:
            return write()
        except ResponseError as error:
            if not is_refusal(error) or state.should_stop is not None or state.should_terminate is not None:
                raise
            if not is_told:
                log.warning("waiting, because Redis takes nothing: %s", error)
                is_told = True
            time.sleep(RETRY_SECONDS)


class PatientQoS(transport.QoS):
    """Notes unacknowledged messages, waits where Redis does not take the note, and keeps them where Redis is gone."""

    _without_note: ClassVar[dict[str, Any]] = {}  # messages by delivery tag; connections come and go in a process

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message that was received."""
        try:
            wait_for_room(lambda: super(PatientQoS, self).append(message, delivery_tag))
        except self.channel.connection_errors:
            self._without_note[delivery_tag] = message
            raise

    def note_kept(self) -> None:
        """Note the messages that Redis could not note before; raises the errors of a connection.

        Redis may have noted one of them and ended before it answered. The note is the same then.
        """
        while self._without_note:
            tag, message = next(iter(self._without_note.items()))
            delivery = message.delivery_info
            note = json.dumps([message._raw, delivery["exchange"], delivery["routing_key"]])
            with self.pipe_or_acquire() as pipe:
                pipe.zadd(self.unacked_index_key, {tag: time.time()}).hset(self.unacked_key, tag, note).execute()
            del self._without_note[tag]

    def ack(self, delivery_tag: str) -> None:
        """Remove the note on a message that was acknowledged."""
        wait_for_room(lambda: super(PatientQoS, self).ack(delivery_tag))
