"""What the workers say of themselves: Celery's remote control."""

import fnmatch
from typing import Any

from soniquebay.worker.app import app as celery
from soniquebay.worker.config import NODES_OF_THIS_MACHINE

TIMEOUT_SECONDS = 2.0


def inspect(method: str) -> dict[str, Any]:
    """Return the answer of each worker to a method of Celery's `Inspect`. Raises kombu's ``OperationalError``."""
    # A connection of its own: kombu does not test one of its pool before it waits for an answer on it, so after a
    # restart of Redis each one in the pool would fail once.
    with celery.connection_for_write() as connection:
        return getattr(celery.control.inspect(timeout=TIMEOUT_SECONDS, connection=connection), method)() or {}


def active_tasks() -> list[str]:
    """Return the names of the tasks that the workers of this machine run now. Raises kombu's ``OperationalError``."""
    here = NODES_OF_THIS_MACHINE["pattern"]
    active = {node: tasks for node, tasks in inspect("active").items() if fnmatch.fnmatchcase(node, here)}
    return [str(task["name"]) for tasks in active.values() for task in tasks]
