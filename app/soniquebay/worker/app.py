"""The Celery application that the API sends with, the worker runs and Flower watches."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from kombu.exceptions import BatchPublishError, OperationalError
from redis.exceptions import RedisError

from soniquebay.overrides import priorities
from soniquebay.settings import settings
from soniquebay.worker.config import celery_settings

priorities.install()
app = Celery("soniquebay")
app.conf.update(celery_settings(settings()))

_AT_ONCE = 100  # messages a round trip
_SHOWN = 1024  # characters of the arguments


def describe_broker_error(error: Exception) -> str:
    """Say what is wrong with Redis, and what to do where that is for a person to do."""
    text = str(error)
    if "maxmemory" in text:
        return f"Redis is full ({text})"
    if "MISCONF" in text:
        return f"Redis cannot write, is the disk full? ({text})"
    return f"Redis is unreachable: {text}"


@contextmanager
def _as_operational() -> Iterator[None]:
    # What kombu does not translate, as in a batch.
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
    with _as_operational():
        app.send_task(task, kwargs=arguments)


def send_many(tasks: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Send many tasks, each a name and its arguments, at a third of `send`'s cost: one connection, 100 a round trip.

    Raises ``kombu.exceptions.OperationalError`` when Redis cannot be reached; the last 100 may then be there or not.
    """
    declared: set[str] = set()
    with _as_operational(), app.producer_or_acquire() as producer, producer.batch(max_size=_AT_ONCE):
        for task, arguments in tasks:
            # Once in a call is enough to make sure that the queue is there. What Flower shows of the arguments need
            # not be found out by Celery's careful way, for they are JSON.
            known = {"declare": ()} if task in declared else {}
            declared.add(task)
            app.send_task(
                task, kwargs=arguments, producer=producer, argsrepr="()", kwargsrepr=repr(arguments)[:_SHOWN], **known
            )
