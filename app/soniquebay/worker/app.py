"""The Celery application: the API sends tasks with it, the worker runs it, Flower watches it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from kombu import Queue
from kombu.exceptions import BatchPublishError, OperationalError
from redis.exceptions import RedisError

from soniquebay.overrides import priorities
from soniquebay.settings import settings
from soniquebay.worker.config import celery_settings

priorities.install()
app = Celery("soniquebay")
app.conf.update(celery_settings(settings()))

_MESSAGES_PER_ROUND_TRIP = 100
_MAX_SHOWN_ARGUMENTS_CHARACTERS = 1024  # in Flower


def describe_broker_error(error: Exception) -> str:
    """Return what is wrong with Redis, and what to do where a person has to do it."""
    text = str(error)
    if "maxmemory" in text:
        return f"Redis is full ({text})"
    if "MISCONF" in text:
        return f"Redis cannot write, is the disk full? ({text})"
    return f"Redis is unreachable: {text}"


@contextmanager
def _translated_errors() -> Iterator[None]:
    # kombu does not translate these, for instance in a batch.
    try:
        yield
    except BatchPublishError as error:
        raise OperationalError(str(error.__cause__ or error)) from error
    except RedisError as error:
        raise OperationalError(str(error)) from error


def send(task: str, **arguments: Any) -> None:
    """Send a task to the queue of its name.

    Raises ``kombu.exceptions.OperationalError`` when Redis cannot be reached.
    """
    with _translated_errors():
        app.send_task(task, kwargs=arguments)


def send_many_to(queue: str, task: str, messages: Iterable[dict[str, Any]]) -> None:
    """Send a task with each of these arguments straight to a queue that is not among the configured ones.

    Raises as `send_many` does.
    """
    with _translated_errors(), app.producer_or_acquire() as producer, producer.batch(max_size=_MESSAGES_PER_ROUND_TRIP):
        for arguments in messages:
            app.send_task(task, kwargs=arguments, producer=producer, queue=Queue(queue), declare=())


def send_many(tasks: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Send many tasks, each a name and its arguments, at a third of `send`'s cost: one connection, 100 a round trip.

    Raises ``kombu.exceptions.OperationalError`` when Redis cannot be reached; the last 100 may then be in Redis or not.
    """
    declared: set[str] = set()
    with _translated_errors(), app.producer_or_acquire() as producer, producer.batch(max_size=_MESSAGES_PER_ROUND_TRIP):
        for task, arguments in tasks:
            # Declaring each queue once a call is enough. The arguments are JSON, so a plain repr does for Flower:
            # Celery's own is slow.
            options = {"declare": ()} if task in declared else {}
            declared.add(task)
            shown = repr(arguments)[:_MAX_SHOWN_ARGUMENTS_CHARACTERS]
            app.send_task(task, kwargs=arguments, producer=producer, argsrepr="()", kwargsrepr=shown, **options)
