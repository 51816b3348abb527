"""The commands that sign in at an appliance elsewhere, and out."""

import platform
from typing import Any

import click
import httpx

from soniquebay.cli import client, credentials
from soniquebay.cli.follow import client_of
from soniquebay.cli.passwords import read_password


@click.command()
@click.argument("url", default="http://soniquebay.local")
@click.option("--name", prompt=True, help="Without it, the name is asked for.")
def login(url: str, name: str) -> None:
    """Sign in at the appliance at URL, from another machine, and keep an app password for it.

    The password is asked for, or read from standard input, and not kept. Afterwards the commands use this
    appliance, unless SONIQUEBAY_URL names another.
    """
    url = url.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise click.ClickException(f"{url} must begin with http:// or https://")
    password = read_password(confirm=False)
    try:
        with client_of(url, signed_in=False) as api:
            signed_in = _checked(api.post("/api/sign-in", json={"name": name, "password": password}))
            asked = {"name": _name_of_password(api), "role": signed_in["role"]}
            made = _checked(api.post("/api/account/app-passwords", json=asked))
            _checked(api.post("/api/sign-out"))
    except httpx.TransportError as error:
        raise client.unreachable(error, url) from error
    try:
        credentials.keep(url, made["password"])
    except OSError as error:
        raise click.ClickException(f"the app password cannot be kept: {error}") from error
    click.echo(f"signed in at {url} as {signed_in['name']}; {credentials.credentials_file()} has the app password")


@click.command()
@click.argument("url", required=False)
def logout(url: str | None) -> None:
    """Revoke and delete the app password for the appliance at URL, by default that of the latest login."""
    url = (url or credentials.latest_url() or "").rstrip("/")
    if credentials.password_for(url) is None:
        raise click.ClickException(f"there is no login at {url}" if url else "there is no login")
    try:
        with client_of(url) as api:
            response = api.delete("/api/account/app-passwords/current")
        if response.status_code not in {204, 401}:  # 401: it was revoked already
            _checked(response)
    except httpx.TransportError as error:
        raise client.unreachable(error, url) from error
    credentials.forget(url)
    click.echo(f"signed out at {url}")


def _name_of_password(api: httpx.Client) -> str:
    """Return a name that no app password of the user has, with this machine's name in it."""
    taken = {one["name"] for one in _checked(api.get("/api/account/app-passwords"))["items"]}
    base = f"soniquebay on {platform.node()}"[:50]
    return next(name for n in range(1, 1000) if (name := base if n == 1 else f"{base} ({n})") not in taken)


def _checked(response: httpx.Response) -> dict[str, Any]:
    if response.is_success:
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer
    try:
        reason = response.json()["detail"]
    except (ValueError, KeyError):
        reason = response.text[:300]
    raise click.ClickException(f"refused: {reason}")
