"""`soniquebay worker --join`: this machine as a worker of an appliance elsewhere."""

import logging
import os
import platform
import re
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import httpx
from celery.signals import worker_ready
from celery.worker import state

from soniquebay import allowed_workers
from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.audio.learned import model_file
from soniquebay.cli.remote_workers import join
from soniquebay.pipeline.remote_api import Appliance, NotOursError, UnavailableApplianceError
from soniquebay.settings import settings
from soniquebay.worker.remote import Credentials, read_credentials, run

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
HEARTBEAT_MAX_WAIT_SECONDS = 5.0
MAX_PROCESSES = 64
TASKS = ("soniquebay.pipeline.remote_vector",)


def run_joined(url: str, code: str | None, name: str | None, folder: Path | None, processes: int | None) -> None:
    """Join the appliance at a URL, unless this machine has joined before, and work for it until a signal.

    Raises ``click.ClickException`` with what to do.
    """
    credentials, folder = ensure_joined(url, code, name, folder)
    count = processes or min(os.cpu_count() or 1, MAX_PROCESSES)
    heartbeats = _Heartbeats(Appliance(credentials, folder), count)
    worker_ready.connect(heartbeats.begin, weak=False)
    run(settings(), credentials, folder, count, TASKS)
    if heartbeats.refusal:
        raise click.ClickException(heartbeats.refusal)


def ensure_joined(url: str, code: str | None, name: str | None, folder: Path | None) -> tuple[Credentials, Path]:
    """Join the appliance at a URL, unless this machine has joined before; return the credentials and their folder.

    The host becomes that of the URL when this machine has joined at another address: the certificates show whether
    the appliance is the same. Raises ``click.ClickException`` with what to do.
    """
    if problem := model_file.problem():  # before the join code is used up
        raise click.ClickException(problem)
    folder = (folder or default_folder()).resolve()
    try:
        credentials = read_credentials(folder)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if credentials is None:
        code = code or click.prompt("join code (soniquebay join-code prints it on the appliance)")
        credentials = Credentials(**join(url.rstrip("/"), code, name or default_name(), folder))
        credentials.write(folder)
        click.echo(f"joined as {credentials.name}; the credentials are in {folder}")
    elif code or (name and name != credentials.name):
        raise click.ClickException(
            f"this machine has joined as {credentials.name} already. To join again, remove {folder}; the owner ends "
            f"the old name by: soniquebay workers revoke {credentials.name}"
        )
    elif (host := httpx.URL(url).host) != credentials.host:
        credentials = replace(credentials, host=host)
        credentials.write(folder)
    return credentials, folder


class _Heartbeats:
    """Tells the appliance that this machine is there, and stops the worker when the appliance refuses it."""

    def __init__(self, appliance: Appliance, processes: int) -> None:
        self.refusal: str | None = None
        self._appliance = appliance
        self._body = {"processes": processes, "feature_version": FEATURE_VERSION}

    def begin(self, **_: Any) -> None:
        threading.Thread(target=self._tell_forever, name="heartbeats", daemon=True).start()

    def _tell_forever(self) -> None:
        pause, begins = threading.Event(), True
        while self.refusal is None:
            try:
                body = {**self._body, "begins": begins, "busy": _busy_tracks()}
                self._appliance.request("POST", "/worker/heartbeat", HEARTBEAT_MAX_WAIT_SECONDS, json=body)
                begins = False
            except UnavailableApplianceError as error:
                log.warning("the appliance does not answer: %s", error)
            except NotOursError as error:
                self.refusal = str(error)
                os.kill(os.getpid(), signal.SIGTERM)
            pause.wait(HEARTBEAT_SECONDS)


def _busy_tracks() -> list[int]:
    """Return the tracks that this worker has received and not brought yet."""
    return [int(request.kwargs["track_id"]) for request in list(state.reserved_requests)]


def default_folder() -> Path:
    """Return where the credentials of this user's worker are kept."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(data) / "soniquebay-worker"


def default_name() -> str:
    """Return a name for this machine that a worker may have."""
    letters = re.sub(r"[^a-z0-9]+", "-", platform.node().lower().partition(".")[0]).strip("-")[:32].strip("-")
    return letters if allowed_workers.NAME.fullmatch(letters) else "worker"
