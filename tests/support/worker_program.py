"""The worker with the tasks of the tests: python -m tests.support.worker_program INSTANCE [SETTING=N …].

A setting is one of Celery, or `restore_interval_seconds`.
"""

import sys

from soniquebay.overrides import recovery
from soniquebay.worker.app import app
from soniquebay.worker.config import PIPELINE
from soniquebay.worker.main import run

if __name__ == "__main__":
    instance, *words = sys.argv[1:]
    settings = {name: int(value) for name, _, value in (word.partition("=") for word in words)}
    recovery.RESTORE_INTERVAL_SECONDS = settings.pop("restore_interval_seconds", recovery.RESTORE_INTERVAL_SECONDS)
    app.conf.update(settings)
    run(int(instance), (*PIPELINE, "tests.support.worker_tasks"))
