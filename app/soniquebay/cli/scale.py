"""`soniquebay scale N`: more workers on this machine, each with 1 to 4 processes of its own, within the same memory."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import IO

import click

MAX_WORKERS = 4
UNIT = "soniquebay-worker@{}.service"
PATIENCE = 90.0  # seconds; a worker that stops hands its tasks back first


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder given to `soniquebay serve`; without it, the services of this appliance.",
)
@click.argument("workers", type=click.IntRange(1, MAX_WORKERS))
def scale(data: Path | None, workers: int) -> None:
    """Run as many workers as this on the machine; it stays so over a restart.

    One is enough: it grows to four processes by itself. More help when its main process is what the others wait for.
    """
    if data is None:
        _scale_services(workers)
    else:
        wish(data, workers)
        _await(data, workers)
    click.echo(f"{workers} worker{'s' if workers > 1 else ''}")


def _scale_services(workers: int) -> None:
    if not shutil.which("systemctl") or not Path("/run/systemd/system").exists():
        raise click.ClickException(
            "this machine has no systemd; say --data with the folder given to `soniquebay serve`"
        )
    if os.geteuid() != 0:
        raise click.ClickException(
            f"this starts and stops services of the system, which root may do: sudo soniquebay scale {workers}"
        )
    wanted = [UNIT.format(n) for n in range(2, workers + 1)]
    others = [UNIT.format(n) for n in range(workers + 1, MAX_WORKERS + 1)]
    for verb, units in (("disable", others), ("enable", wanted)):
        if units and subprocess.run(["systemctl", verb, "--now", "--quiet", *units], check=False).returncode:
            raise click.ClickException(f"systemctl could not {verb} {' '.join(units)}; see: journalctl -u {units[0]}")


# Under `serve`: a file with the number that is wanted, and one with what is, locked as long as its writer runs.


def wish(data: Path, workers: int) -> None:
    """Write down how many workers `serve` over this folder shall run."""
    path = data / "workers"
    new = path.with_suffix(".new")
    new.write_text(f"{workers}\n")
    new.replace(path)


def requested_workers(data: Path) -> int:
    """Return how many workers `serve` over this folder shall run; 1 unless a number from 1 to 4 was written down."""
    try:
        number = int((data / "workers").read_text())
    except (OSError, ValueError):
        return 1
    return number if 1 <= number <= MAX_WORKERS else 1


def claim(data: Path) -> IO[str]:
    """Take a folder for this `serve`; raises ``click.ClickException`` when another one runs over it."""
    file = (data / "serve.state").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise click.ClickException(f"another `soniquebay serve` runs over {data}") from error
    return file


def state(file: IO[str], workers: int) -> None:
    """Write down how many workers run."""
    file.truncate(0)
    file.write(json.dumps({"workers": workers}))
    file.flush()


def _await(data: Path, workers: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not _claimed(data):
            raise click.ClickException(
                f"no `soniquebay serve` runs over {data}; the next one will start {workers} of them"
            )
        if _running(data) == workers:
            return
        time.sleep(0.1)
    raise click.ClickException(f"not within {PATIENCE:.0f} s; look into {data / 'logs'}")


def _claimed(data: Path) -> bool:
    try:
        with (data / "serve.state").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _running(data: Path) -> int:
    try:
        number: int = json.loads((data / "serve.state").read_text())["workers"]
    except (OSError, ValueError, KeyError):
        return 0  # just being written
    return number
