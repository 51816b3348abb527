"""What the worker does after a broken connection or a violent end, so that no task is lost or run twice.

A message that a worker has taken stands in Redis, in a set of the worker's own, until it is acknowledged. The set bears
the name of its owner, a process of this machine, so whoever finds a set can tell whether its owner still lives.
"""

import logging
import os
from pathlib import Path
from time import monotonic
from typing import Any

from celery import bootsteps
from celery.worker.consumer import Consumer
from celery.worker.state import active_requests, maybe_shutdown

from soniquebay.overrides.unacknowledged import INDEX, MUTEX, TAKEN
from soniquebay.settings import KEY_PREFIX

log = logging.getLogger(__name__)

EVENTS_WAIT = 0.02  # s; events go together, and after the tasks they tell of have been handed to a process
TRY_EVERY = 1  # s; a Redis that is away is tried so often, for the whole appliance waits for it
TELL_EVERY = 60.0  # s; and so often the log says so
LOOK_EVERY = 30.0  # s; a worker that is started looks at once


def owner(pid: int) -> str | None:
    """Return a name of a running process that no other one has ever had or will have; None when it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name of the program, in parentheses, may hold anything; the third field and on come after it.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":  # dead, and nobody has asked yet
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}.{pid}.{fields[19]}"


def lives(name: str) -> bool:
    """Tell whether the process of a name as made by `owner` still runs."""
    pid = name.split(".")[1] if name.count(".") == 2 else ""
    return pid.isdecimal() and owner(int(pid)) == name


class RecoveringConsumer(Consumer):
    """A consumer with its own set of taken messages, that survives Redis restarting under it.

    Celery 5.7 closes the broken connection on which the running tasks will be acknowledged; put aside, it stays usable.
    """

    _events_wait = False

    def connection_for_read(self, heartbeat: Any = None) -> Any:
        """Return the connection on which tasks are taken."""
        self._events_wait = False  # a lost connection takes its timers with it
        connection = self.app.connection_for_read(heartbeat=heartbeat)
        me = owner(os.getpid())
        connection.transport_options = {
            **connection.transport_options,
            "unacked_key": f"{TAKEN}{me}",
            "unacked_index_key": f"{INDEX}{me}",
            "unacked_mutex_key": f"{MUTEX}{me}",
        }
        return self.ensure_connected(connection)

    def ensure_connected(self, conn: Any) -> Any:
        """Wait for Redis as long as it takes; Celery's own way tries it ever less often, at last every 30 s."""
        told = float("-inf")

        def tell(error: Exception, _: float) -> None:
            nonlocal told
            if monotonic() - told >= TELL_EVERY:
                told = monotonic()
                log.error("Redis is unreachable, tried again every %d s: %s", TRY_EVERY, error)

        connection = conn.ensure_connection(
            tell, None, interval_start=TRY_EVERY, interval_step=0, interval_max=TRY_EVERY, callback=maybe_shutdown
        )
        self.first_connection_attempt = False
        return connection

    def on_send_event_buffered(self) -> None:
        """Send what is buffered soon; Celery's own way sends it before the task itself is on its way to a process."""
        if self.hub and not self._events_wait:
            self._events_wait = True
            self.hub.call_later(EVENTS_WAIT, self._send_events)

    def _send_events(self) -> None:
        self._events_wait = False
        self._flush_events()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Keep the broken connection for late acknowledgements, then reconnect as Celery does."""
        self._broken: Any = self.connection
        self.connection: Any = None
        # Else the event loop goes on to read from it, and takes its end for that of the next connection.
        for channel in list(self._broken.transport.channels):
            channel.stop_polling()
        super().on_connection_error_after_connected(exc)


class RestoreUnacknowledged(bootsteps.StartStopStep):
    """Gives back what a killed worker had taken: at start, and from time to time, as some never come back.

    Two workers may do so at once: a message is given back in a transaction that watches the set.
    """

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._timer: Any = None

    def start(self, parent: Any) -> None:
        """Look now, and go on looking; also after each new connection to Redis."""
        channel = parent.connection.default_channel
        restore_not_started(channel)
        restore_of_dead_workers(channel)
        self._timer = parent.timer.call_repeatedly(LOOK_EVERY, _look_again, (channel,))

    def stop(self, parent: Any) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _look_again(channel: Any) -> None:
    try:
        restore_of_dead_workers(channel)
    except channel.connection_errors as error:
        log.debug("no look for orphans, Redis is unreachable: %s", error)


def restore_not_started(channel: Any) -> int:
    """Put back what this worker had taken but not begun when it lost Redis, and then forgot; returns how many."""
    at_work = {request.message.delivery_tag for request in active_requests}
    with channel.conn_or_acquire() as redis:
        taken = [tag.decode() for tag in redis.zrange(channel.unacked_index_key, 0, -1)]
    dropped = [tag for tag in taken if tag not in at_work]
    for tag in dropped:
        channel.qos.restore_by_tag(tag)
    if dropped:
        log.warning("gave back %d tasks that were not begun when Redis went away", len(dropped))
    return len(dropped)


def restore_of_dead_workers(channel: Any) -> int:
    """Put the messages of owners that no longer run back into their queues, each once; returns how many there were."""
    count = 0
    with channel.conn_or_acquire() as redis:
        # The key prefix of kombu's client reaches most commands, but not this one.
        found = [key.decode().removeprefix(KEY_PREFIX) for key in redis.scan_iter(f"{KEY_PREFIX}{INDEX}*", 1000)]
        for dead in (name for key in found if not lives(name := key.removeprefix(INDEX))):
            group_key = channel.QoS(channel)
            group_key.unacked_key, group_key.unacked_index_key = f"{TAKEN}{dead}", f"{INDEX}{dead}"
            tags = [tag.decode() for tag in redis.zrange(group_key.unacked_index_key, 0, -1)]
            for tag in tags:
                group_key.restore_by_tag(tag)
            count += len(tags)
    if count:
        log.warning("gave back %d tasks of a worker that had ended without a goodbye", count)
    return count
