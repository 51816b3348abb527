"""A task that was to run later runs now if that is very late: it was sent while the clock was wrong.

A worker holds such a message unacknowledged until its time comes, so the ledger would not send the work again.

Relies on: the worker sends the signal ``task_received`` before it puts a task with an ETA into its timer, and reads the
ETA from the request afterwards.
Upstream: none found on a clock that was wrong when a task was sent.
Remove when: Celery bounds how long a worker holds a task for later.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from celery.signals import task_received

MAX_DELAY_SECONDS = 600.0  # the longest delay of a retry is a few seconds


@task_received.connect
def run_now_if_very_late(request: Any, **_: Any) -> None:
    """Take the time from the request of a task, which the worker reads after this signal."""
    if request.eta is not None and request.eta - datetime.now(UTC) > timedelta(seconds=MAX_DELAY_SECONDS):
        request._eta = None
