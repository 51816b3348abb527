"""`soniquebay scan`."""

import json

import click
import httpx
from rich.console import Console
from rich.table import Table

from soniquebay.cli import client
from soniquebay.cli.follow import analysed, follow_scan, searchable


@click.command()
@click.option("--wait", is_flag=True, help="Return when every track is searchable.")
@click.option("--wait-vectors", is_flag=True, help="Return when every track is analysed too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def scan(wait: bool, wait_vectors: bool, as_json: bool) -> None:
    """Scan the library; joins the scan that runs if there is one."""
    status, answer = client.request("POST", "/api/scan", expect=(202, 409))
    session_id = answer["session_id"]
    if status == 409:
        click.echo(f"scan session {session_id} is running already", err=True)
    if not (wait or wait_vectors):
        click.echo(
            json.dumps({"session_id": session_id, "status": "running"})
            if as_json
            else f"scan session {session_id} runs"
        )
        return
    try:
        until = analysed if wait_vectors else searchable
        result = follow_scan(client.api_url(), session_id, Console(stderr=True), until=until)
    except httpx.HTTPError as error:
        raise client.unreachable(error) from error
    if as_json:
        click.echo(json.dumps(result))
    else:
        Console().print(table(result))
        if result["failures"]:
            click.echo(f"Failures with their reasons: {client.api_url()}/api/scan-sessions/{session_id}/failures")


def table(result: dict[str, object]) -> Table:
    """Return a summary as a table of two columns."""
    rows = Table(show_header=False)
    for name, value in result.items():
        rows.add_row(name.replace("_", " "), str(value))
    return rows
