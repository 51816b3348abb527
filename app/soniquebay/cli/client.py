"""Requests from the CLI to the public API, with errors that say what to do."""

from typing import Any

import click
import httpx

from soniquebay.cli import credentials
from soniquebay.cli.follow import UNIX, client_of
from soniquebay.settings import settings


class UnreachableError(click.ClickException):
    """No API answers."""


def api_url() -> str:
    """Return the base URL of the API that the CLI uses.

    That is the one of the setting, else this machine's control socket, else the appliance of the latest login.
    """
    if settings().url:
        return settings().url
    socket = settings().control_socket
    elsewhere = None if socket.exists() else credentials.latest_url()
    return elsewhere or f"{UNIX}{socket}"


def get(path: str, *, expect: tuple[int, ...] = (200,), **params: Any) -> dict[str, Any]:
    """GET JSON from the public API. Raises ``click.ClickException`` as `request` does."""
    return request("GET", path, expect=expect, params=params)[1]


def request(method: str, path: str, *, expect: tuple[int, ...], **arguments: Any) -> tuple[int, dict[str, Any]]:
    """Send a request to the public API; return the status and the JSON.

    Raises ``click.ClickException`` when the API does not answer, or with a status that is not in `expect`.
    """
    try:
        with client_of(api_url()) as api:
            response = api.request(method, path, **arguments)
    except httpx.TransportError as error:
        raise unreachable(error) from error
    if response.status_code in {401, 403} and response.status_code not in expect:
        raise click.ClickException(f"{path} is not for you: {response.json()['detail']}")
    if response.status_code not in expect:
        raise click.ClickException(f"{method} {path} answered {response.status_code}: {response.text[:300]}")
    answer: dict[str, Any] = response.json() if response.content else {}
    return response.status_code, answer


def unreachable(error: Exception, url: str | None = None) -> UnreachableError:
    """Return the exception that says that the API does not answer, and what to do."""
    return UnreachableError(
        f"no SoniqueBay answers at {url or api_url()} ({error}). Start one (systemctl start soniquebay.target, or "
        "soniquebay serve), sign in at one elsewhere (soniquebay login), or set SONIQUEBAY_URL to where it is."
    )
