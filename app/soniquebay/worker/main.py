"""The worker's main process: all queues, and from 1 to 4 child processes."""

import gc
import logging
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import billiard.util
from celery.signals import (
    celeryd_after_setup,
    setup_logging,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
)
from celery.utils.nodenames import host_format

from soniquebay import log_stream, logs
from soniquebay.audio.learned import model_file
from soniquebay.library.database import awaits_migration
from soniquebay.overrides import eta  # noqa: F401 - its signal
from soniquebay.overrides.recovery import RestoreUnacknowledged
from soniquebay.overrides.versions import warn_about_untested_versions
from soniquebay.settings import settings
from soniquebay.systemd import notify
from soniquebay.worker.app import app
from soniquebay.worker.config import HEARTBEAT_INTERVAL_SECONDS, MIN_PROCESSES, PIPELINE, WORKER_CONNECTIONS
from soniquebay.worker.process_priority import lower_priority
from soniquebay.worker.start import run_until_stopped

log = logging.getLogger(__name__)

API_CHECK_INTERVAL_SECONDS = 0.2
API_LOG_INTERVAL_SECONDS = 60.0


def name(instance: int) -> str:
    """Return the node name of a worker: `worker@…` for the first, `worker2@…` for the second."""
    return f"worker{instance if instance > 1 else ''}@%h"


def run(instance: int = 1, imports: Sequence[str] = PIPELINE) -> None:
    """Run the worker until it is stopped; SIGTERM is a warm shutdown.

    `instance` tells several workers on one machine apart. `imports` are the modules with the tasks.
    """
    app.conf.broker_pool_limit = WORKER_CONNECTIONS
    app.steps["consumer"].add(RestoreUnacknowledged)
    processes = (settings().processes, MIN_PROCESSES)
    run_until_stopped(app, host_format(name(instance)), imports, HEARTBEAT_INTERVAL_SECONDS, autoscale=processes)


@setup_logging.connect
def _configure_logs(**_: Any) -> None:
    logs.configure("soniquebay-worker", settings().log, tasks=settings().log_tasks)
    log_stream.attach("worker", settings().redis)
    # The pool logs which processes it replaced or found killed. Celery mutes its logger in each process.
    pool = billiard.util.get_logger()
    pool.propagate = True
    pool.setLevel(logging.WARNING)
    warn_about_untested_versions()


@celeryd_after_setup.connect
def _share_memory(**_: Any) -> None:
    # All children share what is loaded before the fork, as long as the garbage collector does not touch it.
    settings()
    gc.collect()
    gc.freeze()


@celeryd_after_setup.connect
def _await_api(**_: Any) -> None:
    # The API starts at the same time. No task can run before it has opened the database and migrated it.
    log_at = time.monotonic()
    while awaits_migration(settings().database):
        if time.monotonic() >= log_at:
            log.info("waiting for the API to open and migrate %s", settings().database)
            log_at = time.monotonic() + API_LOG_INTERVAL_SECONDS
            # A connection to its socket has systemd start the API, if nobody has.
            with suppress(OSError), socket.socket(socket.AF_UNIX) as api:
                api.connect(str(settings().api_socket))
        time.sleep(API_CHECK_INTERVAL_SECONDS)


@worker_process_init.connect
def _begin_child(**_: Any) -> None:
    lower_priority(settings().nice)


@worker_process_shutdown.connect
def _end_child(**_: Any) -> None:
    # Such a process ends without the interpreter's own end, which would do this.
    for handler in logging.getLogger().handlers:
        handler.flush()


@worker_ready.connect
def _report_ready(**_: Any) -> None:
    if problem := model_file.problem():
        log.error(problem)
    notify("READY=1")
