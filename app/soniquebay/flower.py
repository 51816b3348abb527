"""Flower behind a password, `/metrics` and `/healthcheck` included, which its own option leaves open."""

import base64
import binascii
import hmac
import logging
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from soniquebay.settings import Settings

log = logging.getLogger(__name__)
USER = "soniquebay"
MAX_TASKS = 1000  # kept in memory, at some 5 KB each
INSPECT_TIMEOUT = 5000  # ms; within Flower's own second a Pi that boots, or is all at work, does not always answer


def run(settings: Settings) -> None:
    """Run Flower until it is told to stop."""
    if settings.flower_password_file is None:
        sys.exit("soniquebay: set SONIQUEBAY_FLOWER_PASSWORD_FILE to a file with Flower's password")
    password = read_password(settings.flower_password_file)

    import click
    import flower.command
    import prometheus_client
    import tornado.web
    from celery.bin.base import CLIContext
    from tornado.httputil import HTTPServerRequest
    from tornado.options import options

    from soniquebay.overrides.event_state import AutoscaleCollector
    from soniquebay.overrides.versions import warn_about_untested_versions
    from soniquebay.worker.app import app

    class Refusal(tornado.web.RequestHandler):
        """Asks for the password, whatever was requested."""

        def prepare(self) -> None:
            self.set_status(401)
            self.set_header("WWW-Authenticate", 'Basic realm="Flower", charset="UTF-8"')
            self.finish("Flower asks for the user and password made on this appliance.\n")

    class Gate(flower.command.Flower):
        """Flower, with one gate before all its handlers instead of a check in each, and the autoscaler's metrics."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            prometheus_client.REGISTRY.register(AutoscaleCollector(lambda: self.events.state.workers))

        def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
            if not permitted(request.headers.get("Authorization", ""), password):
                return self.get_handler_delegate(request, Refusal)
            return super().find_handler(request, **kwargs)

    warn_about_untested_versions()
    flower.command.Flower = Gate
    # Without a login of its own Flower keeps its actions off; it gets the same one.
    options.basic_auth = [f"{USER}:{password}"]
    # Flower is a command of Celery's command line, all the rest of which would take 8 MB.
    line = click.Group("celery", commands={"flower": flower.command.flower})
    line.main(
        [
            "flower",
            f"--address={settings.flower_host}",
            f"--port={settings.flower_port}",
            f"--max-tasks={MAX_TASKS}",
            f"--inspect-timeout={INSPECT_TIMEOUT}",
            "--persistent=False",
        ],
        obj=CLIContext(app, no_color=True, workdir=None),
    )


def permitted(header: str, password: str) -> bool:
    """Tell whether an Authorization header carries the user and this password, in constant time."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, f"{USER}:{password}".encode())


def read_password(path: Path) -> str:
    """Return the password in a file; ends the program if there is none, for an empty one would let everybody in."""
    try:
        password = path.read_text("utf-8").strip()
    except OSError as error:
        sys.exit(f"soniquebay: Flower's password cannot be read from {path}: {error.strerror}")
    if not password:
        sys.exit(f"soniquebay: {path} is empty; it must hold Flower's password")
    return password


def ensure_password(path: Path) -> str:
    """Make a password in `path`, readable by its owner alone, unless there is one; return it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(15) + "\n")
    return read_password(path)
