"""The worker's process: all queues, from 1 to 4 children."""

import gc
import logging
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from celery.signals import celeryd_after_setup, setup_logging, worker_process_init, worker_ready
from celery.utils.nodenames import host_format

from soniquebay.library.database import awaits_migration
from soniquebay.overrides.recovery import RestoreUnacknowledged
from soniquebay.settings import settings
from soniquebay.systemd import notify
from soniquebay.worker import logs
from soniquebay.worker.app import app
from soniquebay.worker.config import HEARTBEAT_INTERVAL, MIN_PROCESSES, PIPELINE, WORKER_POOL
from soniquebay.worker.process_priority import limit_blas_threads, lower_priority

log = logging.getLogger(__name__)

TELL_EVERY = 60.0  # seconds


def name(instance: int) -> str:
    """Return the host name of a worker: `worker@…` of the first, `worker2@…` of the second."""
    return f"worker{instance if instance > 1 else ''}@%h"


def run(instance: int = 1, imports: Sequence[str] = PIPELINE) -> None:
    """Run the worker until it is told to stop. SIGTERM is the warm way out.

    `instance` tells several workers on one machine apart; `imports` are the modules of the tasks.
    """
    limit_blas_threads()
    app.conf.imports = imports
    app.conf.broker_pool_limit = WORKER_POOL
    app.steps["consumer"].add(RestoreUnacknowledged)
    # Celery's command line does the same and takes 16 MB more: it loads all its other commands and a shell.
    app.Worker(
        hostname=host_format(name(instance)),
        autoscale=(settings().processes, MIN_PROCESSES),
        heartbeat_interval=HEARTBEAT_INTERVAL,
        # The workers of a machine have nothing to agree upon: Redis hands each task to one.
        without_gossip=True,
        without_mingle=True,
        loglevel="INFO",
    ).start()


@setup_logging.connect
def _logs(**_: Any) -> None:
    logs.configure()


@celeryd_after_setup.connect
def _share_memory(**_: Any) -> None:
    # What is loaded before the fork is then shared by all children, as the collector leaves it alone.
    settings()
    gc.collect()
    gc.freeze()


@celeryd_after_setup.connect
def _await_api(**_: Any) -> None:
    # The API starts beside us, and no task can be done before it has opened the database, or brought it up to date.
    tell_at = time.monotonic()
    while awaits_migration(settings().database):
        if time.monotonic() >= tell_at:
            log.info("waiting for the API to open %s, and to bring it to this schema", settings().database)
            tell_at = time.monotonic() + TELL_EVERY
            # At its door, so that systemd starts it if nobody has.
            with suppress(OSError), socket.socket(socket.AF_UNIX) as door:
                door.connect(str(settings().api_socket))
        time.sleep(0.2)


@worker_process_init.connect
def _begin_child(**_: Any) -> None:
    lower_priority()


@worker_ready.connect
def _ready(**_: Any) -> None:
    notify("READY=1")
