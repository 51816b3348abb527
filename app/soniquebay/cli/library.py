"""`soniquebay library …`: back up, restore, check and repair the databases.

On the appliance root runs these commands. With --data they work on the folder of `soniquebay serve`.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from soniquebay import __version__
from soniquebay.backup import DATABASES, BackupError, copying, making, manifest, repairing, restoring
from soniquebay.backup.making import Places
from soniquebay.backup.manifest import Backup
from soniquebay.cli import client
from soniquebay.cli.data_folder import DataFolder, data_folder
from soniquebay.cli.follow import UNIX
from soniquebay.settings import settings

POLL_SECONDS = 1.0
ALL_OF_THEM = 1_000_000  # the settings of the API are not known here, so nothing is deleted
_MIB = 1 << 20
T = TypeVar("T")

_data_option = click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of `soniquebay serve`; without it, that of this appliance.",
)
_from_option = click.option(
    "--from",
    "elsewhere",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with backups in place of that on the card, for example on a stick.",
)


@click.group()
def library() -> None:
    """Back up, restore, check and repair the library and what its users keep."""


@library.command()
@_data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def backup(data: Path | None, *, as_json: bool) -> None:
    """Make a backup now. The API makes it if it runs."""
    folder = data_folder(data) if data else None
    name = None if folder else _by_the_api()
    if name is None:
        folder = folder or data_folder(None)
        places = Places(folder.path, keep=ALL_OF_THEM, max_mb=ALL_OF_THEM)
        with folder.as_owner():
            name = _told(lambda: making.make(places, "command", __version__)).backup.name
    path = (folder.path if folder else settings().data) / making.FOLDER / name
    click.echo(json.dumps({"name": name, "folder": str(path)}) if as_json else f"the backup {name} is made")


def _by_the_api() -> str | None:
    """Have the API make a backup, and return its name; None when no API of this machine answers."""
    try:
        _, state = client.request("POST", "/api/backups", expect=(202, 409))
    except client.UnreachableError:
        if not client.api_url().startswith(UNIX):
            raise
        return None
    if "detail" in state:
        raise click.ClickException(state["detail"])
    while state["running"]:
        time.sleep(POLL_SECONDS)
        state = client.get("/api/backups")
    if state["problem"]:
        raise click.ClickException(state["problem"])
    if state["second_problem"]:
        click.echo(f"Warning: {state['second_problem']}", err=True)
    return str(state["items"][0]["name"])


@library.command("list")
@_data_option
@_from_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_backups(data: Path | None, elsewhere: Path | None, *, as_json: bool) -> None:
    """List the backups, the newest first."""
    found = _told(lambda: manifest.backups_in(_folder_of_backups(data_folder(data), elsewhere)))
    if as_json:
        click.echo(json.dumps({"backups": [_facts(one) for one in found]}))
        return
    for one in found:
        click.echo(f"{one.name}: {_words(one)}")
    if not found:
        click.echo("there is no backup", err=True)


@library.command()
@_data_option
@_from_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("name", required=False)
def restore(data: Path | None, elsewhere: Path | None, name: str | None, *, yes: bool) -> None:
    """Bring back the backup NAME, or the newest one. NAME may also be the path of its folder.

    The present databases are kept beside the restored ones until another restore.
    """
    folder = data_folder(data)
    folder.check_stoppable()
    chosen = _told(lambda: _chosen(folder, elsewhere, name))
    click.echo(f"{chosen.folder}: {_words(chosen)}")
    if not yes:
        click.confirm("Replace the library, and what its users keep, by this backup?", abort=True)
    staged = _told(lambda: restoring.stage(chosen.folder, folder.path, folder.as_owner))
    with folder.stopped():
        problem = folder.forget_messages()
        with folder.as_owner():
            aside = _told(lambda: restoring.exchange(folder.path))
    click.echo(f"the backup {chosen.name} is restored")
    for path in aside:
        click.echo(f"kept as it was: {path}")
    for sentence in [*staged.lost, *([problem] if problem else [])]:
        click.echo(f"Warning: {sentence}", err=True)
    if folder.is_appliance:
        folder.wait_for_health()
        click.echo("SoniqueBay runs and is healthy; scan, so that the library knows what has changed since")


@library.command()
@_data_option
def check(data: Path | None) -> None:
    """Look for damage in the databases. Nothing is changed; exit status 1 if there is any."""
    folder = data_folder(data)
    problems = {name: _problems(folder, name) for name in DATABASES}
    for name, found in problems.items():
        if not found:
            click.echo(f"{name} is healthy")
        for problem in found:
            click.echo(f"{name}: {problem}")
    if any(problems.values()):
        click.echo(
            "To keep what can be read: sudo soniquebay library repair. To go back to a backup: sudo soniquebay "
            "library restore",
            err=True,
        )
        raise SystemExit(1)


@library.command()
@_data_option
def repair(data: Path | None) -> None:
    """Repair damaged databases. Each damaged file is kept; a healthy one is not touched."""
    folder = data_folder(data)
    folder.check_stoppable()
    if not any(_problems(folder, name) for name in DATABASES):
        click.echo("both databases are healthy: there is nothing to repair")
        return
    with folder.stopped():
        for name in DATABASES:
            if _problems(folder, name):
                _repair(folder, name)
    if folder.is_appliance:
        folder.wait_for_health()
        click.echo("SoniqueBay runs and is healthy")


@library.command()
@_data_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def new(data: Path | None, *, yes: bool) -> None:
    """Begin with an empty database in place of one that is gone, when no backup brings it back.

    One that is there is not touched.
    """
    folder = data_folder(data)
    folder.check_stoppable()
    missing = [name for name in DATABASES if not (folder.path / name).exists()]
    if not missing:
        raise click.ClickException(f"{' and '.join(DATABASES)} are there: to repair them, soniquebay library repair")
    if not yes:
        click.confirm(f"Begin with an empty {' and '.join(missing)}?", abort=True)
    with folder.stopped(), folder.as_owner():
        for name in missing:
            for kept in _told(partial(restoring.begin_anew, folder.path, name)):
                click.echo(f"kept as it was: {kept}")
    click.echo(f"the next start begins with an empty {' and '.join(missing)}")


def _repair(folder: DataFolder, name: str) -> None:
    with folder.as_owner():
        done = _told(lambda: repairing.repair(folder.path / name))
        newest = manifest.newest(_told(lambda: manifest.backups_in(folder.path / making.FOLDER)))
        rows = copying.count_rows(folder.path / name)
    click.echo(f"{name} is repaired; the damaged file is kept: {done.aside}")
    for sentence in done.told:
        click.echo(f"  {sentence}")
    if newest and newest.manifest:
        fewer = {t: n - rows.get(t, 0) for t, n in newest.manifest.rows[name].items() if n > rows.get(t, 0)}
        for table, count in fewer.items():
            click.echo(f"  The newest backup ({newest.name}) has {count} rows more in {table}.")


def _problems(folder: DataFolder, name: str) -> list[str]:
    path = folder.path / name
    if not path.exists():
        return ["It is not there."]
    with folder.as_owner():
        return _told(lambda: copying.problems_of(path))


def _told(action: Callable[[], T]) -> T:
    """Do something, and raise what is wrong as a ``click.ClickException`` in a sentence."""
    try:
        return action()
    except (BackupError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _folder_of_backups(folder: DataFolder, elsewhere: Path | None) -> Path:
    """Return where backups are looked for; in a second place, in the only folder of a machine."""
    if elsewhere is None:
        return folder.path / making.FOLDER
    machines = sorted(path for path in elsewhere.glob(f"{making.MACHINE_PREFIX}*") if path.is_dir())
    if len(machines) > 1:
        names = ", ".join(str(path) for path in machines)
        raise BackupError(f"{elsewhere} has the backups of several machines, so name one by --from: {names}")
    return machines[0] if machines else elsewhere


def _chosen(folder: DataFolder, elsewhere: Path | None, name: str | None) -> Backup:
    if name and "/" in name:
        chosen = manifest.look_at(Path(name))
    else:
        place = _folder_of_backups(folder, elsewhere)
        found = manifest.backups_in(place)
        named = [one for one in found if name in {None, one.name}]
        newest = named[0] if name and named else manifest.newest(named)
        if newest is None:
            raise BackupError(f"there is no backup {name} in {place}" if name else f"there is no backup in {place}")
        chosen = newest
    if chosen.manifest is None:
        raise BackupError(str(chosen.problem))
    restoring.check_schemas(chosen.folder, chosen.manifest)
    return chosen


def _facts(one: Backup) -> dict[str, Any]:
    made = one.manifest
    facts = {"number": made.sequence, "made_at": made.made_at, "bytes": made.bytes, "rows": made.rows} if made else {}
    return {"name": one.name, "folder": str(one.folder), "problem": one.problem, **facts}


def _words(one: Backup) -> str:
    made = one.manifest
    if made is None:
        return str(one.problem)
    tracks, users = made.rows["library.db"].get("tracks", 0), made.rows["listeners.db"].get("users", 0)
    return (
        f"number {made.sequence}, {making.iso_time(made.made_at)}, {made.bytes // _MIB} MB, {tracks} tracks, "
        f"{users} users, by release {made.version}"
    )
