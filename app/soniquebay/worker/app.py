"""The Celery application that the API sends with, the worker runs and Flower watches."""

import json
from typing import Any

from celery import Celery

from soniquebay.settings import settings
from soniquebay.worker.config import COMPRESS_ABOVE, celery_settings

app = Celery("soniquebay")
app.conf.update(celery_settings(settings()))


def send(task: str, **arguments: Any) -> None:
    """Send a task to the queue of its name; gzip only where the message is large.

    Raises ``kombu.exceptions.OperationalError`` when Redis cannot be reached.
    """
    size = len(json.dumps(arguments))
    app.send_task(task, kwargs=arguments, compression="gzip" if size > COMPRESS_ABOVE else None)
