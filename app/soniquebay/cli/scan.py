"""The commands for scans: start, pause, resume and cancel one, and list its failures."""

import json
import sys
from typing import Any

import click
import httpx

from soniquebay.cli import client
from soniquebay.cli.follow import analysed, follow_scan, searchable
from soniquebay.cli.printable import counted, printable
from soniquebay.library.paths import encode


@click.command()
@click.option("--wait", is_flag=True, help="Return when every track is searchable.")
@click.option("--wait-vectors", is_flag=True, help="Return when every track of the library is analysed too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option(
    "--confirm-removal",
    is_flag=True,
    help="Files that are not found were removed, even where a whole folder of music is gone or empty.",
)
@click.option("--full", is_flag=True, help="Read every file again, also one that is unchanged.")
@click.argument("folders", nargs=-1, metavar="[FOLDER]...")
def scan(
    *, wait: bool, wait_vectors: bool, as_json: bool, confirm_removal: bool, full: bool, folders: tuple[str, ...]
) -> None:
    """Scan the library, or FOLDERs of it (paths on the appliance). When a scan runs already, follow that one."""
    body: dict[str, object] = {"confirm_removal": confirm_removal, "full": full}
    if folders:
        body["folders"] = [encode(folder) for folder in folders]
    status, answer = client.request("POST", "/api/scan", expect=(202, 409), json=body)
    session_id = answer["session_id"]
    if status == 409:
        click.echo(answer["detail"], err=True)
        if answer["status"] == "paused" or confirm_removal or full or folders:
            raise SystemExit(1)
    if not (wait or wait_vectors):
        click.echo(
            json.dumps({"session_id": session_id, "status": "running"})
            if as_json
            else f"scan session {session_id} is running"
        )
        return
    until = analysed if wait_vectors else searchable
    if wait_vectors:
        _print_warnings()
    try:
        if sys.stderr.isatty():  # rich is imported only where its bar is seen
            from rich.console import Console

            from soniquebay.cli.progress_bar import progress_bar

            with progress_bar(Console(stderr=True)) as show:
                result = follow_scan(client.api_url(), session_id, show, until=until)
        else:
            result = follow_scan(client.api_url(), session_id, until=until)
    except httpx.HTTPError as error:
        raise client.unreachable(error) from error
    if as_json:
        click.echo(json.dumps(result))
    else:
        left_out = result.pop("left_out")
        _print_table(result)
        _print_left_out(left_out)
        if result["failures"]:
            click.echo(f"Failures with their reasons: soniquebay failures {session_id}")
        _print_doubtful(result["doubtful_texts"])
        _print_waiting(result["vectors_waiting"])
        if result["protected"]:
            click.echo(
                f"{result['protected']} known files were not found: the whole folder they were in is gone or empty. "
                "Is a drive not plugged in? Their tracks stay. If they were removed: soniquebay scan --confirm-removal"
            )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("session_id", metavar="[SCAN]", type=click.IntRange(1), required=False)
def failures(as_json: bool, session_id: int | None) -> None:
    """List what the last scan, or number SCAN, could not process, file by file, and what it left out, by reason."""
    if session_id is None:
        newest = client.get("/api/scan-sessions", limit=1)["items"]
        if not newest:
            raise click.ClickException("there was no scan yet; start one: soniquebay scan --wait")
        session_id = int(newest[0]["id"])
    failed: list[dict[str, str]] = []
    while page := client.get(f"/api/scan-sessions/{session_id}/failures", limit=500, offset=len(failed))["items"]:
        failed += page
    session = client.get(f"/api/scan-sessions/{session_id}")
    left_out = session["left_out"]
    if as_json:
        click.echo(json.dumps({"session_id": session_id, "failures": failed, "left_out": left_out}))
    else:
        for failure in failed:
            click.echo(printable(f"{failure['path']}: {failure['reason']}"))
        _print_left_out(left_out)
        _print_doubtful(session["library"]["doubtful_texts"])
        click.echo(f"scan session {session_id}: {len(failed)} failures", err=True)


def _print_warnings() -> None:
    """Print what the health warns of, because a wait for it might have no end."""
    for warning in client.get("/api/health", expect=(200, 503))["warnings"]:
        click.echo(f"Warning: {warning}", err=True)


def _print_left_out(left_out: list[dict[str, Any]]) -> None:
    for told in left_out:
        counts = [counted(told[kind], kind) for kind in ("folders", "files") if told[kind]]
        click.echo(printable(f"left out: {' and '.join(counts)} ({told['reason']}), for example {told['example']}"))


def _print_doubtful(tracks: int) -> None:
    if tracks:
        click.echo(
            f"{counted(tracks, 'tracks')} with text in a code page that the files do not state, shown as Latin "
            "letters. Set SONIQUEBAY_TAG_ENCODING to it, as cp1251 or cp932, and run: soniquebay scan --full"
        )


def _print_waiting(tracks: int) -> None:
    if tracks:
        are = "is" if tracks == 1 else "are"
        click.echo(
            f"{counted(tracks, 'tracks')} {are} still to be analysed, which goes on by itself; "
            "`--wait-vectors` waits for it."
        )


def _change(verb: str) -> None:
    active = [s for s in client.get("/api/scan-sessions", limit=1)["items"] if s["status"] in {"running", "paused"}]
    if not active:
        raise click.ClickException("no scan is running or paused")
    _, answer = client.request("POST", f"/api/scan-sessions/{active[0]['id']}/{verb}", expect=(200, 409))
    if "detail" in answer:
        raise click.ClickException(answer["detail"])
    click.echo(f"scan session {answer['session_id']} is {answer['status']}")


@click.command()
def pause() -> None:
    """Pause the running scan and its analysis. Tasks that run already are finished."""
    _change("pause")


@click.command()
def resume() -> None:
    """Continue the paused scan where it stopped."""
    _change("resume")


@click.command()
def cancel() -> None:
    """End the running or paused scan. The tracks that it has inserted stay."""
    _change("cancel")


def _print_table(result: dict[str, object]) -> None:
    from rich.console import Console
    from rich.table import Table

    rows = Table(show_header=False)
    for name, value in result.items():
        rows.add_row(name.replace("_", " "), str(value))
    Console().print(rows)
