"""The options that the commands of `soniquebay release` share."""

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from soniquebay.releases.upgrade import HEALTHY_SECONDS, Transaction

root_option = click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default="/opt/soniquebay",
    show_default=True,
    help="Folder of the releases.",
)
data_option = click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="/var/lib/soniquebay",
    show_default=True,
    help="Folder of the library.",
)
command_link_option = click.option(
    "--command-link",
    type=click.Path(path_type=Path),
    default="/usr/local/bin/soniquebay",
    show_default=True,
    help="Link to the command of the current release.",
)
keep_option = click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How many releases stay. The current one and the one before it always do.",
)
control_socket_option = click.option(
    "--control-socket",
    type=click.Path(path_type=Path),
    default="/run/soniquebay/control.sock",
    show_default=True,
    help="Socket on which the API answers administrators of this machine.",
)
checksum_option = click.option("--sha256", "checksum", required=True, help="SHA-256 of the archive, in hexadecimal.")
expect_option = click.option("--expect", "expected", help="Version that the archive must hold.")
archive_argument = click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))


def transaction_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a `Transaction`, which it gets as `transaction`."""

    @functools.wraps(command)
    def with_transaction(
        *,
        root: Path,
        data: Path,
        command_link: Path,
        keep: int,
        control_socket: Path,
        healthy_seconds: float,
        **more: Any,
    ) -> None:
        transaction = Transaction(root, data, command_link, control_socket, keep, healthy_seconds, tell)
        command(transaction=transaction, **more)

    for option in (
        root_option,
        data_option,
        command_link_option,
        keep_option,
        control_socket_option,
        click.option(
            "--healthy-seconds",
            type=click.FloatRange(min=1),
            default=HEALTHY_SECONDS,
            show_default=True,
            help="How long a release may take until it is healthy.",
        ),
    ):
        with_transaction = option(with_transaction)
    return with_transaction


def exclusively(command: Callable[..., None]) -> Callable[..., None]:
    """Have a command refused while another transaction runs."""

    @functools.wraps(command)
    def alone(*, transaction: Transaction, **more: Any) -> None:
        with transaction.exclusive():
            command(transaction=transaction, **more)

    return alone


def tell(line: str) -> None:
    """Print a line."""
    # Whoever has asked may be gone, with the terminal.
    with contextlib.suppress(OSError):
        click.echo(line)
