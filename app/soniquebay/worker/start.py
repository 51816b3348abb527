"""How a worker starts, on the appliance and on another machine."""

from collections.abc import Sequence
from typing import Any

from celery import Celery

from soniquebay.worker.process_priority import limit_blas_threads


def run_until_stopped(app: Celery, node: str, imports: Sequence[str], heartbeat_seconds: int, **options: Any) -> None:
    """Run a worker until it is stopped; SIGTERM is a warm shutdown.

    `node` is its node name, and `imports` are the modules with its tasks. `options` are those of Celery's worker, as
    how many child processes it has.
    """
    limit_blas_threads()
    app.conf.imports = imports
    # Celery's command line does the same, and takes 16 MB more: it loads all its other commands and a shell.
    app.Worker(
        hostname=node,
        heartbeat_interval=heartbeat_seconds,
        # Workers have nothing to agree on: Redis gives each task to one of them.
        without_gossip=True,
        without_mingle=True,
        loglevel="INFO",
        **options,
    ).start()
