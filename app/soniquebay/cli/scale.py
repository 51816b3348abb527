"""`soniquebay scale N`: run several workers on this machine.

Each has 1 to 4 child processes of its own. All of them share the memory that one worker could use.
"""

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
SCALE_TIMEOUT_SECONDS = 90.0  # a worker that stops first returns its tasks


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of `soniquebay serve`; without it, the services of this appliance.",
)
@click.argument("workers", type=click.IntRange(1, MAX_WORKERS))
def scale(data: Path | None, workers: int) -> None:
    """Run this many workers on the machine. The number is kept over restarts.

    One is enough: it grows to four processes by itself. More of them help when its main process is the bottleneck.
    """
    if data is None:
        _scale_services(workers)
    else:
        request_workers(data, workers)
        _wait_for_workers(data, workers)
    click.echo(f"{workers} worker{'s' if workers > 1 else ''}")


def _scale_services(workers: int) -> None:
    if not shutil.which("systemctl") or not Path("/run/systemd/system").exists():
        raise click.ClickException("this machine has no systemd; give --data with the folder of `soniquebay serve`")
    if os.geteuid() != 0:
        raise click.ClickException(
            f"only root may start and stop services of the system: sudo soniquebay scale {workers}"
        )
    enabled = [UNIT.format(n) for n in range(2, workers + 1)]
    disabled = [UNIT.format(n) for n in range(workers + 1, MAX_WORKERS + 1)]
    for verb, units in (("disable", disabled), ("enable", enabled)):
        if units and subprocess.run(["systemctl", verb, "--now", "--quiet", *units], check=False).returncode:
            raise click.ClickException(f"systemctl could not {verb} {' '.join(units)}; see: journalctl -u {units[0]}")


# Under `serve` there are two files: `workers` has the requested number, and `serve.state` the running one. `serve`
# holds a lock on the second as long as it runs.


def request_workers(data: Path, workers: int) -> None:
    """Write how many workers `serve` over this folder has to run."""
    path = data / "workers"
    new = path.with_suffix(".new")
    new.write_text(f"{workers}\n")
    new.replace(path)


def requested_workers(data: Path) -> int:
    """Return how many workers `serve` over this folder has to run: 1 unless the file has a number from 1 to 4."""
    try:
        number = int((data / "workers").read_text())
    except (OSError, ValueError):
        return 1
    return number if 1 <= number <= MAX_WORKERS else 1


def lock_folder(data: Path) -> IO[str]:
    """Return the locked state file of this `serve`. Raises ``click.ClickException`` when another one has the lock."""
    file = (data / "serve.state").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise click.ClickException(f"another `soniquebay serve` runs over {data}") from error
    return file


def write_running_workers(state_file: IO[str], workers: int) -> None:
    """Write how many workers run into the file that `lock_folder` has returned."""
    state_file.truncate(0)
    state_file.write(json.dumps({"workers": workers}))
    state_file.flush()


def _wait_for_workers(data: Path, workers: int) -> None:
    deadline = time.monotonic() + SCALE_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if not is_locked(data):
            raise click.ClickException(
                f"no `soniquebay serve` runs over {data}; the next one will start {workers} of them"
            )
        if _running_workers(data) == workers:
            return
        time.sleep(0.1)
    raise click.ClickException(f"not within {SCALE_TIMEOUT_SECONDS:.0f} s; look into {data / 'logs'}")


def is_locked(data: Path) -> bool:
    """Tell whether a `serve` runs over this folder."""
    try:
        with (data / "serve.state").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _running_workers(data: Path) -> int:
    try:
        number: int = json.loads((data / "serve.state").read_text())["workers"]
    except (OSError, ValueError, KeyError):
        return 0  # it is being written
    return number
