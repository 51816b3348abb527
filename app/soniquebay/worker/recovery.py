"""What the worker does after a broken connection or a violent end, so that no task is lost or run twice."""

import logging
from typing import Any

from celery import bootsteps
from celery.worker.consumer import Consumer

log = logging.getLogger(__name__)


class ApplianceConsumer(Consumer):
    """A consumer that survives Redis restarting while tasks run.

    Celery 5.7 closes the broken connection on which the running tasks will be acknowledged; put aside, it stays usable.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Keep the broken connection for late acknowledgements, then reconnect as Celery does."""
        self._broken: Any = getattr(self, "connection", None)
        self.connection: Any = None
        super().on_connection_error_after_connected(exc)


class RestoreOrphans(bootsteps.StartStopStep):
    """Gives back, once at start, what a killed worker had taken; else it would wait for the visibility timeout.

    Right for one worker on the machine: it cannot tell whose the messages are.
    """

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._done = False

    def start(self, parent: Any) -> None:
        """Restore every unacknowledged message of the broker."""
        if self._done:
            return
        self._done = True
        channel = parent.connection.default_channel
        # zrange and not hkeys: the latter goes past the key prefix.
        tags = [tag.decode() for tag in channel.client.zrange(channel.unacked_index_key, 0, -1)]
        for tag in tags:
            channel.qos.restore_by_tag(tag)
        if tags:
            log.warning("gave back %d tasks of a worker that had ended without a goodbye", len(tags))
