"""`soniquebay doctor`: what is wrong with this machine, and what to do. It needs none of the programs to run."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import httpx

from soniquebay.cli.follow import UNIX, client_of
from soniquebay.settings import Settings, from_environment

APPLIANCE_ENVIRONMENT = Path("/etc/soniquebay/soniquebay.env")
API_TIMEOUT_SECONDS = 15.0
CHECK_TIMEOUT_SECONDS = 60.0  # more than the check of the release is given
_MARKS = {"ok": "✓", "wrong": "✗", "unknown": "?"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--all", "show_all", is_flag=True, help="Also show what is in order.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a file for a bug report (tar.gz), without names, paths of music, addresses and secrets.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of `soniquebay serve`; without it, the appliance's settings.",
)
def doctor(*, as_json: bool, show_all: bool, report: Path | None, data: Path | None) -> None:
    """Find what is wrong with this machine, and say what to do. The exit status is 1 if something is."""
    environment = _environment(data)
    try:
        settings = from_environment(environment)
    except ValueError as error:
        raise click.ClickException(f"{error}. Correct it in {APPLIANCE_ENVIRONMENT}.") from error
    from soniquebay.doctor import checks
    from soniquebay.doctor.report import write
    from soniquebay.doctor.surroundings import Surroundings

    around = Surroundings(
        settings,
        lambda path: _ask(settings, "GET", path, API_TIMEOUT_SECONDS),
        lambda path: _ask(settings, "POST", path, CHECK_TIMEOUT_SECONDS),
    )
    found = []
    for name, finding in checks.findings(around):
        found.append((name, finding))
        if not as_json and (show_all or finding.state != "ok"):
            click.echo(f"{_MARKS[finding.state]} {finding.sentence}")
            if finding.remedy:
                click.echo(f"    {finding.remedy}")
    if report:
        try:
            write(report, around, environment, found, data / "logs" if data else None)
        except OSError as error:
            raise click.ClickException(f"{report} cannot be written: {error.strerror}") from error
        click.echo(f"The report is in {report}.", err=True)
    wrong = [finding for _, finding in found if finding.state == "wrong"]
    if as_json:
        click.echo(json.dumps({"wrong": len(wrong), "findings": [{"check": n, **f._asdict()} for n, f in found]}))
    else:
        click.echo(f"{len(wrong)} things are wrong." if wrong else "Nothing is wrong.")
    if wrong:
        raise SystemExit(1)


def _environment(data: Path | None) -> Mapping[str, str]:
    """Return the variables of the programs: those of their file, and those of this shell in front."""
    file = data / "soniquebay.env" if data else APPLIANCE_ENVIRONMENT
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        if data or not isinstance(error, FileNotFoundError):
            raise click.ClickException(f"{file} cannot be read: {error.strerror}") from error
        lines = []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    given = {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
    return {**given, **{name: value for name, value in os.environ.items() if name.startswith("SONIQUEBAY_")}}


def _ask(settings: Settings, method: str, path: str, timeout_seconds: float) -> dict[str, Any] | str:
    try:
        with client_of(settings.url or f"{UNIX}{settings.control_socket}") as api:
            response = api.request(method, path, timeout=timeout_seconds)
    except httpx.HTTPError as error:
        if "Permission denied" in str(error):
            raise PermissionError(str(error)) from error
        return str(error) or type(error).__name__
    if response.status_code in {401, 403}:
        raise PermissionError("it answers administrators only: sudo soniquebay doctor")
    if response.status_code not in {200, 503}:
        return f"it answered {response.status_code}"
    try:
        answer: dict[str, Any] = response.json()
    except ValueError:
        return "it answered something else than JSON"
    return answer
