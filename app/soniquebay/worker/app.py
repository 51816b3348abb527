"""The Celery application that the API sends with, the worker runs and Flower watches."""

from collections.abc import Iterable
from typing import Any

from celery import Celery

from soniquebay.settings import settings
from soniquebay.worker.config import celery_settings

app = Celery("soniquebay")
app.conf.update(celery_settings(settings()))

_AT_ONCE = 100  # messages a round trip


def send(task: str, **arguments: Any) -> None:
    """Send a task to the queue of its name.

    Raises ``kombu.exceptions.OperationalError`` when Redis cannot be reached.
    """
    app.send_task(task, kwargs=arguments)


def send_many(tasks: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Send many tasks, each a name and its arguments, at half of `send`'s cost: one connection, 100 a round trip.

    Raises ``kombu.exceptions.OperationalError`` when Redis cannot be reached; the last 100 may then be there or not.
    """
    with app.producer_or_acquire() as producer, producer.batch(max_size=_AT_ONCE):
        for task, arguments in tasks:
            app.send_task(task, kwargs=arguments, producer=producer)
