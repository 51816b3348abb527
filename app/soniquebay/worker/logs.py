"""Log lines that say which task speaks."""

import logging
import os
import sys

import billiard.util
from celery.app.log import TaskFormatter

_LINE = "%(levelname)s %(name)s %(task_name)s[%(task_id)s] %(message)s"


def configure(level: int = logging.INFO) -> None:
    """Log to standard error; the journal adds its own time, a file does not."""
    timed = _LINE if "JOURNAL_STREAM" in os.environ else "%(asctime)s " + _LINE
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TaskFormatter(timed, use_color=False))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # The pool tells of processes replaced for their memory, or killed; Celery drops its logger in each process.
    pool = billiard.util.get_logger()
    pool.propagate = True
    pool.setLevel(logging.WARNING)
    # Every request of a task to the API is no news.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
