"""The commands that run programs: one for each unit of the appliance, and `serve`, which starts all of them."""

from pathlib import Path

import click

from soniquebay.cli.scale import MAX_WORKERS
from soniquebay.overrides import import_stub
from soniquebay.settings import settings


@click.command()
def api() -> None:
    """Run the API (a service of the appliance)."""
    from soniquebay.api.server import run

    run(settings())


@click.command()
@click.option(
    "--instance",
    type=click.IntRange(1, MAX_WORKERS),
    default=1,
    show_default=True,
    help="Number of this worker, when there are several.",
)
@click.option("--join", metavar="URL", help="Be a worker of the appliance at URL, from this other machine.")
@click.option("--code", help="With --join, the first time: the join code. Without it, it is asked for.")
@click.option("--name", help="With --join, the first time: the name of this machine there.")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="With --join: where the credentials are kept."
)
@click.option("--processes", type=click.IntRange(1, 64), help="With --join: how many tracks at once; one a processor.")
@click.option("--only-join", is_flag=True, help="With --join: get the credentials, unless they are there, and end.")
def worker(
    *,
    instance: int,
    join: str | None,
    code: str | None,
    name: str | None,
    folder: Path | None,
    processes: int | None,
    only_join: bool,
) -> None:
    """Run a worker for all queues (a service of the appliance), or with --join one of an appliance elsewhere."""
    if join:
        from soniquebay.cli.remote_worker import ensure_joined, run_joined

        if only_join:
            ensure_joined(join, code, name, folder)
        else:
            run_joined(join, code, name, folder, processes)
        return
    import_stub.import_billiard_without_cffi()
    from soniquebay.worker.main import run

    run(instance)


@click.command()
def flower() -> None:
    """Run Flower with its password (a service of the appliance)."""
    from soniquebay.flower import run

    run(settings())


@click.command()
def online() -> None:
    """Run the fetcher, the only program that reaches the internet (a service of the appliance)."""
    from soniquebay.online.fetcher import run

    run(settings())


@click.command()
@click.option(
    "--music",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    multiple=True,
    help="A folder of music; may be given several times.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder for the database, the covers and the logs.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Port of the API.")
@click.option("--flower-port", type=click.IntRange(1, 65535), default=5555, show_default=True, help="Port of Flower.")
@click.option(
    "--nice",
    type=click.IntRange(0, 19),
    default=10,
    envvar="SONIQUEBAY_NICE",
    show_envvar=True,
    show_default=True,
    help="Niceness of the worker's child processes: with 0 a scan takes what it can get, with 19 what others leave.",
)
@click.option(
    "--no-login",
    is_flag=True,
    help="Let everybody do everything, for scripts and tests. Only with a --host that this machine alone reaches.",
)
def serve(
    *, music: tuple[Path, ...], data: Path, host: str, port: int, flower_port: int, nice: int, no_login: bool
) -> None:
    """Run all programs on this machine, without a Pi: a private Redis, the API, the worker and Flower."""
    from soniquebay.addresses import is_loopback
    from soniquebay.cli.serve import Stack

    if no_login and not is_loopback(host):
        raise click.ClickException(f"--no-login is for this machine alone, and {host} can be reached from others")
    folders = tuple(folder.resolve() for folder in music)
    stack = Stack(folders, data.resolve(), host, port, flower_port, nice=nice, login=not no_login)
    raise SystemExit(stack.run())


@click.command()
@click.option("--wait", is_flag=True, help="Wait for the first worker to join, where nothing else starts this program.")
def worker_proxy(*, wait: bool) -> None:
    """Run the worker proxy, by which workers on other machines reach the broker (a service of the appliance)."""
    from soniquebay.worker_proxy.server import run

    run(settings(), waits=wait)
