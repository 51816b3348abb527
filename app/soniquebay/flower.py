"""Run Flower with a password on every path. Its own option leaves `/metrics` and `/healthcheck` open."""

import base64
import binascii
import hmac
import logging
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from soniquebay import logs
from soniquebay.settings import Settings

log = logging.getLogger(__name__)
USER = "soniquebay"
MAX_TASKS = 1000  # kept in memory, about 5 KB each
INSPECT_TIMEOUT_MS = 5000  # a worker on a Pi that boots or is busy does not always answer within Flower's default, 1 s


def run(settings: Settings) -> None:
    """Run Flower until a signal stops it."""
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

    class Unauthorized(tornado.web.RequestHandler):
        """Answers every request with 401."""

        def prepare(self) -> None:
            self.set_status(401)
            self.set_header("WWW-Authenticate", 'Basic realm="Flower", charset="UTF-8"')
            self.finish("Flower needs the user and the password of this appliance.\n")

    class AuthenticatedFlower(flower.command.Flower):
        """Flower with one authentication before all its handlers, and with the autoscaler's metrics."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            prometheus_client.REGISTRY.register(AutoscaleCollector(lambda: self.events.state.workers))

        def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
            if not is_authenticated(request.headers.get("Authorization", ""), password):
                return self.get_handler_delegate(request, Unauthorized)
            return super().find_handler(request, **kwargs)

    # Before Flower: tornado then adds no handler of its own.
    logs.configure("soniquebay-flower", settings.log)
    warn_about_untested_versions()
    flower.command.Flower = AuthenticatedFlower
    # Flower disables its actions unless it has authentication of its own, so it gets the same user and password.
    options.basic_auth = [f"{USER}:{password}"]
    # Flower is a subcommand of `celery`, whose other subcommands would take 8 MB.
    celery = click.Group("celery", commands={"flower": flower.command.flower})
    celery.main(
        [
            "flower",
            f"--address={settings.flower_host}",
            f"--port={settings.flower_port}",
            f"--max-tasks={MAX_TASKS}",
            f"--inspect-timeout={INSPECT_TIMEOUT_MS}",
            "--persistent=False",
        ],
        obj=CLIContext(app, no_color=True, workdir=None),
    )


def is_authenticated(header: str, password: str) -> bool:
    """Tell whether an Authorization header has our user and this password (HTTP Basic), in constant time."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        credentials = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(credentials, f"{USER}:{password}".encode())


def read_password(path: Path) -> str:
    """Return the password in a file. End the program when there is none: an empty password would admit everybody."""
    try:
        password = path.read_text("utf-8").strip()
    except OSError as error:
        sys.exit(f"soniquebay: Flower's password cannot be read from {path}: {error.strerror}")
    if not password:
        sys.exit(f"soniquebay: {path} is empty; it must contain Flower's password")
    return password


def ensure_password(path: Path) -> str:
    """Return the password in `path`. Without such a file, make one that only its owner can read."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(15) + "\n")
    return read_password(path)
