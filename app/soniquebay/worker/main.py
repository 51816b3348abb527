"""The worker's process: one, with all queues, from 1 to 4 children."""

import gc
import os
from typing import Any

from celery.signals import celeryd_after_setup, setup_logging, worker_ready

from soniquebay.settings import settings
from soniquebay.systemd import notify
from soniquebay.worker import logs
from soniquebay.worker.app import app
from soniquebay.worker.config import HEARTBEAT_INTERVAL, MAX_PROCESSES, MIN_PROCESSES, PIPELINE, WORKER_POOL
from soniquebay.worker.recovery import RestoreOrphans


def run() -> None:
    """Run the worker until it is told to stop. SIGQUIT (also systemd's stop) is the warm way out."""
    # The variable is read when Celery's own module is loaded, so it stands in the environment before.
    os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    os.environ.setdefault("AUTOSCALE_KEEPALIVE", "10")
    app.conf.imports = PIPELINE
    app.conf.broker_pool_limit = WORKER_POOL
    app.steps["consumer"].add(RestoreOrphans)
    app.worker_main(
        [
            "worker",
            f"--autoscale={MAX_PROCESSES},{MIN_PROCESSES}",
            f"--heartbeat-interval={HEARTBEAT_INTERVAL}",
            "--hostname=worker@%h",
            # One worker on the machine: nobody to gossip with.
            "--without-gossip",
            "--without-mingle",
            "--loglevel=INFO",
        ]
    )


@setup_logging.connect
def _logs(**_: Any) -> None:
    logs.configure()


@celeryd_after_setup.connect
def _share_memory(**_: Any) -> None:
    # What is loaded before the fork is then shared by all children, as the collector leaves it alone.
    settings()
    gc.collect()
    gc.freeze()


@worker_ready.connect
def _ready(**_: Any) -> None:
    notify("READY=1")
