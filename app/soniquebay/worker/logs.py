"""Log lines that say which task speaks."""

import logging
import os
import sys

from celery.app.log import TaskFormatter

_LINE = "%(levelname)s %(name)s %(task_name)s[%(task_id)s] %(message)s"


def configure(level: int = logging.INFO) -> None:
    """Log to standard error; the journal adds its own time, a file does not."""
    timed = _LINE if "JOURNAL_STREAM" in os.environ else "%(asctime)s " + _LINE
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TaskFormatter(timed, use_color=False))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Every request of a task to the API is no news.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
