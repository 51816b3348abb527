"""Work in a thread for which the end of the process does not wait: it may wait itself, for a program that is dead."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_daemon_thread(job: Callable[[], T]) -> Future[T]:
    """Start a job in a thread of its own, and return its future. The threads of an executor would be joined."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = job()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    future.set_running_or_notify_cancel()
    threading.Thread(target=run, daemon=True, name="daemon").start()
    return future
