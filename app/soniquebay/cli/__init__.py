"""`soniquebay …`: the programs of the appliance, and the operator's commands."""

from importlib import import_module

import click

from soniquebay import __version__

# Each command and its module. Only the module of the requested command is imported: a Pi takes seconds to import all of
# them, and each program would keep them in memory.
COMMANDS = {
    "scan": "scan",
    "pause": "scan",
    "resume": "scan",
    "cancel": "scan",
    "failures": "scan",
    "duplicates": "duplicates",
    "status": "operate",
    "doctor": "doctor",
    "queues": "operate",
    "logs": "operate",
    "maintenance": "operate",
    "library": "library",
    "login": "login",
    "logout": "login",
    "claim-code": "users",
    "user": "users",
    "scale": "scale",
    "join-code": "remote_workers",
    "workers": "remote_workers",
    "release": "release",
    "system": "system",
    "serve": "programs",
    "api": "programs",
    "worker": "programs",
    "flower": "programs",
    "online": "programs",
    "worker-proxy": "programs",
    "redis-files": "redis_files",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(
            import_module(f"soniquebay.cli.{COMMANDS[cmd_name]}"), cmd_name.replace("-", "_")
        )
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="soniquebay")
def main() -> None:
    """A music library that scans, tags and understands a collection.

    The operator's commands use the API of this machine, that of `soniquebay login`, or the one at SONIQUEBAY_URL.
    """


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)
