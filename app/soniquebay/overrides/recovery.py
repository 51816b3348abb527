"""No task is lost or runs twice when the connection to Redis breaks or a worker is killed.

Replaces: `RecoveringConsumer` replaces what ``celery.worker.consumer.Consumer`` does when its connection breaks. Celery
5.7 closes that connection, on which the running tasks are going to be acknowledged: the main process crashed
(``AttributeError`` on the connection), or tasks ran twice. `RestoreUnacknowledged` is a bootstep that puts the messages
of ended workers back into their queues; kombu does so only after the visibility timeout.
Upstream: https://github.com/celery/celery/issues/9054 and https://github.com/celery/kombu/pull/2007 (earlier faults of
the same kind), https://github.com/celery/celery/issues/4976 (open). There is no issue on the fault of 5.7.0.
Remove when: tests/pipeline/test_worker_recovery.py passes with Celery's own consumer.
"""

import logging
import os
from time import monotonic
from typing import Any

from celery import bootsteps
from celery.worker.consumer import Consumer
from celery.worker.state import active_requests, maybe_shutdown

from soniquebay import procfs
from soniquebay.overrides.unacknowledged import owners, transport_options

log = logging.getLogger(__name__)

# Events are sent together, and after the tasks that they report were handed to a child process.
EVENT_DELAY_SECONDS = 0.02
RECONNECT_INTERVAL_SECONDS = 1  # the whole appliance waits for Redis
RECONNECT_LOG_INTERVAL_SECONDS = 60.0
RESTORE_INTERVAL_SECONDS = 30.0  # a worker also looks at its start


class RecoveringConsumer(Consumer):
    """A consumer with its own set of unacknowledged messages, which survives a restart of Redis."""

    _events_are_due = False

    def connection_for_read(self, heartbeat: Any = None) -> Any:
        """Return the connection on which messages are received."""
        self._events_are_due = False  # the timers of a lost connection are gone
        connection = self.app.connection_for_read(heartbeat=heartbeat)
        owner = procfs.process_instance(os.getpid())
        connection.transport_options = {**connection.transport_options, **transport_options(str(owner))}
        return self.ensure_connected(connection)

    def ensure_connected(self, conn: Any) -> Any:
        """Wait for Redis as long as it takes; Celery tries at growing intervals, at last every 30 s."""
        logged_at = float("-inf")

        def log_error(error: Exception, _: float) -> None:
            nonlocal logged_at
            if monotonic() - logged_at >= RECONNECT_LOG_INTERVAL_SECONDS:
                logged_at = monotonic()
                log.error("Redis is unreachable, retrying every %d s: %s", RECONNECT_INTERVAL_SECONDS, error)

        connection = conn.ensure_connection(
            log_error,
            None,
            interval_start=RECONNECT_INTERVAL_SECONDS,
            interval_step=0,
            interval_max=RECONNECT_INTERVAL_SECONDS,
            callback=maybe_shutdown,
        )
        self.first_connection_attempt = False
        return connection

    def on_send_event_buffered(self) -> None:
        """Send buffered events soon; Celery sends them before the task itself is on its way to a child process."""
        if self.hub and not self._events_are_due:
            self._events_are_due = True
            self.hub.call_later(EVENT_DELAY_SECONDS, self._send_events)

    def _send_events(self) -> None:
        self._events_are_due = False
        self._flush_events()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Keep the broken connection for late acknowledgements, then reconnect as Celery does."""
        self._broken_connection: Any = self.connection
        self.connection: Any = None
        # Otherwise the event loop goes on reading from it, and takes its end for that of the next connection.
        for channel in list(self._broken_connection.transport.channels):
            channel.stop_polling()
        super().on_connection_error_after_connected(exc)


class RestoreUnacknowledged(bootsteps.StartStopStep):
    """Puts the messages of ended workers back into their queues: at start, and every `RESTORE_INTERVAL_SECONDS`.

    A killed worker may never start again, so every worker looks. Two may do so at once: a message is restored in a
    transaction that watches the set.
    """

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._timer: Any = None

    def start(self, parent: Any) -> None:
        """Restore now, and again and again; Celery also calls this after each new connection to Redis."""
        channel = parent.connection.default_channel
        restore_not_started(channel)
        restore_of_ended_workers(channel)
        self._timer = parent.timer.call_repeatedly(RESTORE_INTERVAL_SECONDS, _restore_later, (channel,))

    def stop(self, parent: Any) -> None:
        """Stop looking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _restore_later(channel: Any) -> None:
    try:
        restore_of_ended_workers(channel)
    except channel.connection_errors as error:
        log.debug("cannot look for unacknowledged tasks of ended workers, Redis is unreachable: %s", error)


def restore_not_started(channel: Any) -> int:
    """Restore the messages that this worker had received but not started when it lost Redis; return their number.

    The consumer forgot them with its connection.
    """
    channel.qos.note_kept()
    started = {request.message.delivery_tag for request in active_requests}
    with channel.conn_or_acquire() as client:
        received = [tag.decode() for tag in client.zrange(channel.unacked_index_key, 0, -1)]
    forgotten = [tag for tag in received if tag not in started]
    for tag in forgotten:
        channel.qos.restore_by_tag(tag)
    if forgotten:
        log.warning("restored %d tasks that had not started when the connection to Redis was lost", len(forgotten))
    return len(forgotten)


def restore_of_ended_workers(channel: Any) -> int:
    """Restore the messages of owners that no longer run, each once; return their number."""
    count = 0
    with channel.conn_or_acquire() as client:
        for owner in owners(client):
            if procfs.is_running(owner):
                continue
            qos = channel.QoS(channel)
            options = transport_options(owner)
            qos.unacked_key, qos.unacked_index_key = options["unacked_key"], options["unacked_index_key"]
            tags = [tag.decode() for tag in client.zrange(qos.unacked_index_key, 0, -1)]
            for tag in tags:
                qos.restore_by_tag(tag)
            count += len(tags)
    if count:
        log.warning("restored %d tasks of a worker that was killed", count)
    return count
