"""The worker with the tasks of the tests: python -m tests.support.worker_program INSTANCE [SETTING=N …]."""

import sys

from soniquebay.worker.app import app
from soniquebay.worker.config import PIPELINE
from soniquebay.worker.main import run

if __name__ == "__main__":
    instance, *settings = sys.argv[1:]
    app.conf.update({name: int(value) for name, _, value in (setting.partition("=") for setting in settings)})
    run(int(instance), (*PIPELINE, "tests.support.worker_tasks"))
