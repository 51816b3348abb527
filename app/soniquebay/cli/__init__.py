"""`soniquebay …`: the programs of the appliance and everything an operator does with them."""

import click

from soniquebay import __version__
from soniquebay.cli import operate, programs, scale, scan


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="soniquebay")
def main() -> None:
    """A music library that scans, tags and understands a collection.

    The operator's commands speak to SONIQUEBAY_URL, by default the local appliance.
    """


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)


for command in (
    scan.scan,
    scan.pause,
    scan.resume,
    scan.cancel,
    operate.status,
    operate.queues,
    operate.logs,
    operate.maintenance,
    scale.scale,
    programs.serve,
    programs.api,
    programs.worker,
    programs.flower,
    programs.online,
):
    main.add_command(command)
