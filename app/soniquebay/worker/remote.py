"""A worker on another machine: the Celery application that reaches the broker through the worker proxy."""

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from kombu import Exchange, Queue

from soniquebay import logs
from soniquebay.allowed_workers import node_of, queue_of
from soniquebay.atomic_file import replace_file
from soniquebay.authority import AUTHORITY_FILE, WORKER_FILE, WORKER_KEY_FILE
from soniquebay.overrides import remote_transport
from soniquebay.settings import Settings
from soniquebay.worker.config import celery_settings
from soniquebay.worker.start import run_until_stopped

CREDENTIALS_FILE = "worker.json"
FOLDER_VARIABLE = "SONIQUEBAY_JOINED_FOLDER"  # tells the child processes where the credentials are
# Events are few: a heartbeat, and two for each task. So a worker that has gone is seen soon.
HEARTBEAT_INTERVAL_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a worker has got by joining, beside the files with its key and the certificates."""

    name: str
    host: str
    port: int
    """Host and port of the worker proxy."""
    token: str
    """For the requests of this worker to the API."""

    def write(self, folder: Path) -> None:
        """Keep them, for the user of the worker alone. Raises ``OSError``."""
        replace_file(folder / CREDENTIALS_FILE, json.dumps(asdict(self)).encode())


def read_credentials(folder: Path) -> Credentials | None:
    """Return the credentials in a folder, None before the worker has joined. Raises ``ValueError``, ``OSError``."""
    try:
        found = json.loads((folder / CREDENTIALS_FILE).read_bytes())
    except FileNotFoundError:
        return None
    try:
        return Credentials(**found)
    except TypeError as error:
        raise ValueError(f"{folder / CREDENTIALS_FILE} is damaged: remove it and join again") from error


def remote_settings(settings: Settings, credentials: Credentials, folder: Path) -> dict[str, Any]:
    """Return the configuration of the Celery application of a remote worker."""
    local = celery_settings(settings)
    queue = Queue(queue_of(credentials.name), Exchange("", "direct"), routing_key=queue_of(credentials.name))
    host = f"[{credentials.host}]" if ":" in credentials.host else credentials.host
    return local | {
        "broker_url": f"rediss://{host}:{credentials.port}/0",
        "broker_use_ssl": {
            "ssl_cert_reqs": "required",
            "ssl_ca_certs": str(folder / AUTHORITY_FILE),
            "ssl_certfile": str(folder / WORKER_FILE),
            "ssl_keyfile": str(folder / WORKER_KEY_FILE),
            # The worker proxy is known by the authority, which signs a certificate of a server for nobody else.
            "ssl_check_hostname": False,
        },
        "broker_transport_options": local["broker_transport_options"] | {"ack_emulation": False},
        "task_queues": [queue],
        "task_routes": {},
        # A remote worker writes nothing into queues, so it cannot retry. The API sends again what was not done.
        "task_retry_on_worker_lost": False,
        "worker_consumer": "celery.worker.consumer:Consumer",
        "worker_autoscaler": "celery.worker.autoscale:Autoscaler",
        "worker_cancel_long_running_tasks_on_connection_loss": False,
    }


def make_app(settings: Settings, credentials: Credentials, folder: Path) -> Celery:
    """Return the Celery application of a remote worker, whose files are in `folder`."""
    remote_transport.install()
    app = Celery("soniquebay-remote")
    app.conf.update(remote_settings(settings, credentials, folder))
    return app


def run(settings: Settings, credentials: Credentials, folder: Path, processes: int, imports: Sequence[str]) -> None:
    """Run a remote worker until it is stopped; SIGTERM is a warm shutdown. `imports`: the modules with its tasks."""
    os.environ[FOLDER_VARIABLE] = str(folder)
    app = make_app(settings, credentials, folder)
    app.set_default()
    run_until_stopped(app, node_of(credentials.name), imports, HEARTBEAT_INTERVAL_SECONDS, concurrency=processes)


@setup_logging.connect
def _configure_logs(**_: Any) -> None:
    from soniquebay.settings import settings

    logs.configure("soniquebay-worker", settings().log, tasks=settings().log_tasks)
    logging.getLogger("kombu").setLevel(logging.WARNING)
