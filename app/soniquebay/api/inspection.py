"""What the workers say of themselves: Celery's remote control."""

from typing import Any

from soniquebay.worker.app import app as celery

TIMEOUT_SECONDS = 2.0


def inspect(method: str) -> dict[str, Any]:
    """Return the answer of each worker to a method of Celery's `Inspect`. Raises kombu's ``OperationalError``."""
    # A connection of its own: kombu does not test one of its pool before it waits for an answer on it, so after a
    # restart of Redis each one in the pool would fail once.
    with celery.connection_for_write() as connection:
        return getattr(celery.control.inspect(timeout=TIMEOUT_SECONDS, connection=connection), method)() or {}


def active_tasks() -> list[str]:
    """Return the names of the tasks that worker processes run now. Raises kombu's ``OperationalError``."""
    return [str(task["name"]) for tasks in inspect("active").values() for task in tasks]
