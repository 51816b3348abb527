"""`soniquebay system …`: Debian's packages below the appliance. A timer and playbooks/system.yml run these commands."""

from pathlib import Path

import click

from soniquebay import update_record
from soniquebay.cli.release_options import control_socket_option
from soniquebay.releases.upgrade import Transaction

_releases_option = click.option(
    "--releases",
    type=click.Path(file_okay=False, path_type=Path),
    default="/opt/soniquebay",
    show_default=True,
    help="Folder of the releases.",
)


@click.group()
def system() -> None:
    """Update Debian's packages when nobody is disturbed (run as root)."""


@system.command()
@_releases_option
@control_socket_option
def busy(releases: Path, control_socket: Path) -> None:
    """Tell why the machine should not be disturbed now. The exit status is 1 then, and 0 when it is idle."""
    from soniquebay.system_updates.fitness import why_busy

    reason = why_busy(control_socket, releases)
    click.echo(reason or "idle")
    if reason:
        raise SystemExit(1)


@system.command()
@_releases_option
@control_socket_option
def check(releases: Path, control_socket: Path) -> None:
    """Check that packages may be changed now: the machine is idle, and has the room and the power."""
    from soniquebay.system_updates.fitness import check_fitness, why_busy

    check_fitness()
    if reason := why_busy(control_socket, releases):
        raise click.ClickException(f"not now: {reason}")


@system.command()
def reboot_reason() -> None:
    """Print why the machine has to restart for updates to take effect; nothing when it need not."""
    from soniquebay.system_updates.packages import reboot_reason as find

    if reason := find():
        click.echo(reason)


@system.command()
@click.option("--reboot", is_flag=True, help="Restart the machine when that is needed and nobody is disturbed.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    default=update_record.PATH,
    show_default=True,
    help="File that says what was done.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default="/var/lib/soniquebay",
    show_default=True,
    help="Folder of the library.",
)
@click.option(
    "--wait-minutes",
    type=click.FloatRange(0),
    default=180,
    show_default=True,
    help="How long to wait until nobody is disturbed.",
)
@_releases_option
@control_socket_option
def security_updates(
    *, reboot: bool, record: Path, data: Path, wait_minutes: float, releases: Path, control_socket: Path
) -> None:
    """Install Debian's security updates, once the machine is idle. A timer does it at night."""
    from soniquebay.system_updates.nightly import Nightly

    transaction = Transaction(releases, data, releases / "command", control_socket)
    run = Nightly(transaction, reboot, click.echo, record=record, max_wait_seconds=60 * wait_minutes)
    try:
        done = run.run()
    except OSError as error:
        raise click.ClickException(f"{record} cannot be written, so repeat it as root: {error.strerror}") from error
    if done.result == "failed":
        raise SystemExit(1)
