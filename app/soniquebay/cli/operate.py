"""The operator's commands besides scans: status, queues, logs, maintenance."""

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx

from soniquebay.cli import client
from soniquebay.cli.printable import counted
from soniquebay.library.paths import decode
from soniquebay.settings import settings

LOGGING_PROGRAMS = ("api", "worker", "worker-proxy", "flower", "online", "redis")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(as_json: bool) -> None:
    """Show health, the workers' processes, the last scan and the queues."""
    health = client.get("/api/health", expect=(200, 503))
    if health["fault"]:  # then nothing else can be asked
        click.echo(json.dumps({"health": health}) if as_json else f"SoniqueBay {health['version']}: {health['fault']}")
        raise SystemExit(1)
    workers = client.get("/api/worker")["workers"]
    lengths = client.get("/api/queues")
    newest = client.get("/api/scan-sessions", limit=1)["items"]
    updates = client.get("/api/machine").get("system_updates")  # an older API elsewhere has none
    releases = client.get("/api/updates")
    scan = newest[0] if newest else None
    waiting = _waiting(scan["id"]) if scan else None
    if as_json:
        shown = {"health": health, "workers": workers, "queues": lengths, "last_scan": scan, "system_updates": updates}
        shown["waiting"] = waiting
        click.echo(json.dumps({**shown, "releases": releases}))
    else:
        from rich.console import Console

        console = Console()
        parts = ", ".join(f"{name} {health[name]}" for name in ("database", "redis", "worker"))
        console.print(f"SoniqueBay {health['version']} is [bold]{health['status']}[/]: {parts}")
        for warning in health["warnings"]:
            console.print(f"Warning: {warning}", style="yellow", markup=False, soft_wrap=True)
        for name, worker in workers.items():
            pids = ", ".join(map(str, worker["processes"]))
            console.print(
                f"{name}: {len(worker['processes'])} processes (pids {pids}), {worker['active']} tasks running"
            )
        if scan:
            console.print(
                f"last scan: session {scan['id']} {scan['status']}, {scan['files']} files, {scan['failures']} failures"
            )
        if waiting and any(waiting.values()):
            vectors, loudness = counted(waiting["vectors"], "tracks"), waiting["loudness"]
            console.print(f"in the background: {vectors} to be analysed, {loudness} to be measured for loudness")
        if updates:
            console.print(_told_updates(updates), markup=False, soft_wrap=True)
        for line in _lines_about(releases):
            console.print(line, markup=False, soft_wrap=True)
        console.print(_queue_table(lengths))
    if health["status"] != "ok":
        raise SystemExit(1)


def _waiting(session_id: int) -> dict[str, int]:
    """Return how many tracks of the library wait for their vector, and how many for their loudness."""
    session = client.get(f"/api/scan-sessions/{session_id}")
    waiting = session["library"].get("loudness_waiting", 0)  # an older API elsewhere does not tell it
    return {"vectors": session["progress"]["library_vectors_waiting"], "loudness": waiting}


def _lines_about(releases: dict[str, Any]) -> Iterator[str]:
    """Return which release is offered or being installed, and how to install it."""
    if installing := releases["installing"]:
        yield f"release {installing['version']} is being installed: {installing['step']}"
        return
    if refused := releases["refused"]:
        yield f"release {refused['version']} was not installed: {refused['reason']}"
    newer = [offer for offer in releases["offers"] if offer["state"] == "newer"]
    if newer:
        path = os.fsdecode(decode(newer[0]["path"]))
        yield f"release {newer[0]['version']} is offered: {path}"
        if releases["installable"]:
            yield f"install it on the page, under Machine, or: sudo soniquebay release take {shlex.quote(path)}"
    yield from (
        f"release {offer['version']} is not offered, because no signature lies beside it: {offer['path']}"
        for offer in releases["offers"]
        if offer["state"] == "unsigned"
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def queues(as_json: bool) -> None:
    """Show how many tasks wait in each queue."""
    lengths = client.get("/api/queues")
    if as_json:
        click.echo(json.dumps(lengths))
    else:
        from rich.console import Console

        Console().print(_queue_table(lengths))


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Show new lines as they come.")
@click.option("-n", "--lines", type=click.IntRange(0, 100_000), default=50, show_default=True)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of `soniquebay serve`; without it, the appliance's journal.",
)
@click.argument("program", type=click.Choice(LOGGING_PROGRAMS), required=False)
def logs(follow: bool, lines: int, data: Path | None, program: str | None) -> None:
    """Show the logs of all programs, or of one."""
    if data is not None:
        files = sorted((data / "logs").glob(f"{program}[0-9.]*log" if program else "*.log"))
        if not files:
            raise click.ClickException(f"no logs in {data / 'logs'}")
        command = ["tail", "-n", str(lines), *(["-F"] if follow else []), "--", *map(str, files)]
    elif shutil.which("journalctl"):
        unit = {None: "soniquebay-*", "redis": "redis-server*"}.get(program, f"soniquebay-{program}[.@]*")
        command = ["journalctl", "--no-pager", "-n", str(lines), "-u", unit, *(["-f"] if follow else [])]
    else:
        raise click.ClickException("this machine has no journal; give --data with the folder of `soniquebay serve`")
    raise SystemExit(subprocess.run(command, check=False).returncode)


@click.group()
def maintenance() -> None:
    """Start maintenance by hand. The appliance's timer runs `resume` every few minutes."""


@maintenance.command("scan")
def request_scan() -> None:
    """Request a scan of everything, as a drive does that is plugged in. One that runs already is enough."""
    _post("scan", {})
    click.echo("a scan is requested")


@maintenance.command()
def resume() -> None:
    """Send again the tasks that an interrupted scan waits for."""
    _enqueue("resume", {})


@maintenance.command()
@click.option(
    "--missing-days", type=click.FloatRange(0), required=True, help="Only tracks that are missing for so many days."
)
@click.option("--trust-clock", is_flag=True, help="Purge although the clock may be wrong; look at timedatectl before.")
@click.confirmation_option(prompt="Delete missing tracks for good, with their ids and vectors?")
def purge(*, missing_days: float, trust_clock: bool) -> None:
    """Delete tracks whose files are missing. Nothing else deletes a track."""
    _enqueue("purge", {"missing_before": time.time() - 86400 * missing_days, "trust_clock": trust_clock})


def _enqueue(task: str, body: dict[str, object]) -> None:
    if not _post(task, body)["sent"]:
        raise click.ClickException("Redis is unreachable; try again when it is back")
    click.echo(f"maintenance.{task} is in its queue")


def _post(task: str, body: dict[str, object]) -> dict[str, Any]:
    # By the internal API, which only programs of this machine reach.
    socket = settings().api_socket
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), timeout=30) as api:
            answer = api.post(f"http://api/internal/maintenance/{task}", json=body)
            if answer.status_code == 409:
                raise click.ClickException(f"{answer.json()['detail']}. If the clock is right: --trust-clock")
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise click.ClickException(f"the API's socket {socket} does not answer: {error}") from error
    sent: dict[str, Any] = answer.json()
    return sent


def _told_updates(updates: dict[str, Any]) -> str:
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(updates["ended_at"]))
    count = f"{len(updates['packages'])} packages" if updates["packages"] else ""
    told = ", ".join(text for text in (updates["result"].replace("_", " "), count, updates["reason"]) if text)
    return f"security updates at {at}: {told}{'; they wait for a restart' if updates['waits_for_reboot'] else ''}"


def _queue_table(lengths: dict[str, int]) -> Any:
    from rich.table import Table

    table = Table("queue", "waiting")
    for name, length in lengths.items():
        table.add_row(name, str(length))
    return table
