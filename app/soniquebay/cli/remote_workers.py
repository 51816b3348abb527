"""The commands for workers on other machines: let one join, list and revoke them."""

import json
import time
from pathlib import Path
from typing import Any

import click
import httpx

from soniquebay import __version__, allowed_workers, joining
from soniquebay.atomic_file import replace_file
from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.authority import (
    AUTHORITY_FILE,
    WORKER_FILE,
    WORKER_KEY_FILE,
    AuthorityError,
    make_request,
)
from soniquebay.cli import client

JOIN_TIMEOUT_SECONDS = 120.0  # a Pi makes the authority first


_RESUME = "Let it join again by soniquebay join-code, or end it by soniquebay workers revoke."


@click.command("join-code")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def join_code(as_json: bool) -> None:
    """Make a code that lets one worker on another machine join within an hour."""
    _, made = client.request("POST", "/api/workers/join-codes", expect=(201,))
    if as_json:
        click.echo(json.dumps(made))
        return
    click.echo(f"join code: {made['code']}   (for one worker, {made['lifetime_seconds'] / 60:.0f} minutes)")
    click.echo("on the other machine: soniquebay worker --join http://<address of this machine>")


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def workers(context: click.Context, as_json: bool) -> None:
    """List the workers on other machines, or revoke one."""
    if context.invoked_subcommand is not None:
        return
    found = client.get("/api/workers")
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found["items"]:
        seen = "never seen" if one["seen_at"] is None else f"seen {_date(one['seen_at'])}"
        seen = "here now" if one["is_present"] else seen
        click.echo(
            f"{one['name']}: joined {_date(one['joined_at'])}, {seen}, {one['analysed']} tracks analysed, "
            f"SoniqueBay {one['version']}"
        )
        if one["suspended_at"] is not None:
            click.echo(f"  suspended {_date(one['suspended_at'])}: {one['suspended_because']}. {_RESUME}")
    if not found["items"]:
        click.echo("no worker on another machine has joined; soniquebay join-code lets one join", err=True)


@workers.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Revoke the worker NAME: its connections end within seconds, and it cannot connect again."""
    status, _ = client.request("DELETE", f"/api/workers/{name}", expect=(204, 404))
    if status == 404:
        raise click.ClickException(f"no worker {name} has joined; soniquebay workers lists all")
    click.echo(f"{name} is revoked")


def join(url: str, code: str, name: str, folder: Path) -> dict[str, Any]:
    """Join the appliance at a URL, and keep key and certificates in a folder; return what worker.json has.

    Raises ``click.ClickException`` with what to do.
    """
    if allowed_workers.NAME.fullmatch(name) is None:
        raise click.ClickException(f"{name!r} is no name of a worker: {allowed_workers.NAME_RULE}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        request = make_request(folder / WORKER_KEY_FILE)
        answer = _ask_to_join(url, code, name, request)
        expected = joining.answer_proof(
            code, request, str(answer["certificate"]), str(answer["authority"]), int(answer["port"])
        )
        if not joining.is_equal(str(answer["proof"]), expected):
            raise click.ClickException(
                f"what answers at {url} does not know the join code, so it is not the appliance that made it"
            )
        replace_file(folder / AUTHORITY_FILE, answer["authority"].encode())
        replace_file(folder / WORKER_FILE, answer["certificate"].encode())
    except (OSError, AuthorityError) as error:
        raise click.ClickException(str(error)) from error
    return {
        "name": name,
        "host": httpx.URL(url).host,
        "port": int(answer["port"]),
        "token": joining.token_of(code, request),
    }


def _ask_to_join(url: str, code: str, name: str, request: str) -> dict[str, Any]:
    body = {
        "name": name,
        "version": __version__,
        "feature_version": FEATURE_VERSION,
        "certificate_request": request,
        "proof": joining.request_proof(code, name, __version__, FEATURE_VERSION, request),
    }
    try:
        # No certificate is verified, because both sides prove that they know the code, and no secret is sent.
        response = httpx.post(
            f"{url}/api/workers/join", json=body, timeout=JOIN_TIMEOUT_SECONDS, verify=False  # noqa: S501
        )  # fmt: skip
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise click.ClickException(f"no SoniqueBay answers at {url}: {error}") from error
    try:
        answer: dict[str, Any] = response.json()
    except ValueError:
        answer = {}
    if response.status_code != 201 or not {"certificate", "authority", "port", "proof"} <= answer.keys():
        raise click.ClickException(f"refused: {answer.get('detail', response.text[:300])}")
    return answer


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
