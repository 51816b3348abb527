"""What Redis' unit runs before Redis."""

from pathlib import Path

import click

from soniquebay import redis_files as files

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("redis-files")
@click.argument("data", type=FOLDER)
@click.argument("notices", type=FOLDER)
def redis_files(data: Path, notices: Path) -> None:
    """Set Redis' files in the folder DATA aside if they are damaged (a service of the appliance).

    What happened is also noted in the folder NOTICES.
    """
    if sentence := files.prepare(data, notices):
        click.echo(sentence)
