"""`soniquebay release …`: install releases, and upgrade to one of them or go back.

Ansible's role `release` and playbooks/upgrade.yml run these commands. They print "changed" and a path for what they
change on the way to a release, and nothing when there is nothing to do.
"""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click

from soniquebay.cli.release_options import (
    archive_argument,
    checksum_option,
    command_link_option,
    data_option,
    exclusively,
    expect_option,
    keep_option,
    root_option,
    tell,
    transaction_options,
)  # fmt: skip
from soniquebay.releases import installed, library_copies, packages, programs, system_sets
from soniquebay.releases.journal import Journal, Upgrade
from soniquebay.releases.taking import UNDONE, Taking
from soniquebay.releases.upgrade import BusyError, Transaction
from soniquebay.settings import settings


@click.group()
def release() -> None:
    """Install releases of this appliance, upgrade to one, and go back (run as root)."""


@release.command()
@root_option
@checksum_option
@expect_option
@archive_argument
def install(archive: Path, root: Path, checksum: str, expected: str | None) -> None:
    """Unpack a release archive beside the other releases, once it is verified and its program runs.

    The current release stays the current one. A loss of power leaves the release whole or not there. The checksum has
    to match; the signature is not checked, as `upgrade` does.
    """
    _, folder = installed.install(archive, root, checksum, expected)
    if folder is not None:
        _tell_changed(folder)


@release.command()
@root_option
@command_link_option
@keep_option
@click.argument("version")
def activate(version: str, root: Path, command_link: Path, keep: int) -> None:
    """Make an installed release the current one by a rename, and remove the oldest releases.

    Nothing is restarted, and nothing is undone: `upgrade` and `rollback` do that.
    """
    protected = {version, installed.current_version(root)} - {None}
    _tell_changed(*installed.make_current(version, root, command_link))
    _tell_changed(*installed.remove_oldest(root, keep, {str(name) for name in protected}))


@release.command()
@data_option
def restore_library(data: Path) -> None:
    """Restore the library, and what users keep, as it was before an upgrade changed its schema.

    The API copies a database before it migrates it. Without a copy there is nothing to restore. The command stops the
    API and opens its socket again afterwards. Everything that was written since the copy is lost.
    """
    if not library_copies.oldest(data):
        return
    programs.stop_if_loaded(programs.API_SOCKET, programs.CONTROL_SOCKET, programs.API)
    try:
        for name, copy in library_copies.restore(data).items():
            click.echo(f"changed {data / name}: it is {copy.name} again")
    finally:
        programs.systemctl("start", programs.API_SOCKET)


@release.command()
@transaction_options
@exclusively
@checksum_option
@expect_option
@click.option(
    "--system",
    type=click.File(),
    help="Files of the system that replace those of the archive, as a playbook renders them (JSON).",
)
@click.option("--require-signature", is_flag=True, help="Refuse an archive if there are no keys to check it with.")
@archive_argument
def upgrade(
    transaction: Transaction,
    archive: Path,
    checksum: str,
    expected: str | None,
    system: TextIO | None,
    *,
    require_signature: bool,
) -> None:
    """Install a release archive, and make it the release that runs.

    If the current release trusts keys (its file SIGNERS), the archive has to be signed with one of them. The signature
    is the file ARCHIVE.sig beside it.

    When it does not become healthy in time, the release before it runs again, with the library as it was. The same
    happens at the next boot if the power fails. The exit status is 3 then. The current release itself is repaired.
    """
    rendered = system.read() if system else None
    if rendered is not None:
        system_sets.parse(rendered)  # before anything is touched
    version, folder = transaction.install(archive, checksum, expected, is_signature_required=require_signature)
    if rendered is not None:
        system_sets.keep_rendered(transaction.root, version, rendered)
    if version != installed.current_version(transaction.root):
        _end(transaction.switch_to(version))
        return
    repaired = transaction.repair_system(version)
    if repaired.changes:
        tell(f"files of the system are replaced: {', '.join(change.path for change in repaired.changes)}")
    if folder is not None:
        tell(f"the files of release {version} are replaced")
    if folder is not None or repaired.changes:
        transaction.restart(version, repaired)
    else:
        tell(f"release {version} is the current one, and all its files are as in the archive")


@release.command()
@root_option
@data_option
@command_link_option
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
def take(archive: Path | None, root: Path, data: Path, command_link: Path) -> None:
    """Install a release that is newer and signed, from a file that others can change: ARCHIVE, with ARCHIVE.sig.

    Without ARCHIVE it is what the page has asked for. A unit runs this when the API has written a request.
    """
    taking = Taking(root, data, settings().music, command_link)
    status = taking.serve_request() if archive is None else taking.install_file(archive)
    if status:
        last = Journal(root).upgrades()[-1]
        click.echo(f"the upgrade to {last.new} is {last.step}: {last.reason}", err=True)
        raise SystemExit(status)


@release.command()
@transaction_options
@exclusively
@click.argument("version", required=False)
def rollback(transaction: Transaction, version: str | None) -> None:
    """Go back to an installed release: the VERSION, or the one before the current one."""
    version = version or _previous(transaction.root)
    if version is None:
        raise click.ClickException("there is no other release on this machine")
    _end(transaction.switch_to(version))


@release.command()
@transaction_options
@exclusively
@click.argument("version")
def switch(transaction: Transaction, version: str) -> None:
    """Make an installed release the one that runs, as `upgrade` does."""
    if version == installed.current_version(transaction.root):
        tell(f"release {version} is the current one")
        return
    _end(transaction.switch_to(version))


@release.command()
@transaction_options
def resume(transaction: Transaction) -> None:
    """End an upgrade that was interrupted. A unit does this at each boot."""
    try:
        with transaction.exclusive():
            upgrade = transaction.resume()
    except BusyError as error:  # the unit also starts when an upgrade restarts the appliance
        tell(error.format_message())
        return
    if upgrade is not None:
        _end(upgrade)


@release.command()
@root_option
@click.argument("system", type=click.File())
def compare(root: Path, system: TextIO) -> None:
    """Say which files of the system an upgrade with SYSTEM (JSON, as of `upgrade --system`) would change.

    Nothing is changed.
    """
    current = installed.current_version(root)
    if current is None:
        raise click.ClickException(f"there is no release in {root}")
    planned = system_sets.plan_for(root, current, current, system_sets.parse(system.read()))
    for change in planned.change.changes:
        click.echo(f"would change {change.path}")
    for path in planned.kept:
        click.echo(f"would keep {path}, which was edited")
    for name in packages.missing(planned.packages):
        click.echo(f"would install the Debian package {name}")


@release.command("list")
@root_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_releases(root: Path, as_json: bool) -> None:
    """Show the installed releases, and how the last upgrades ended."""
    current, versions, upgrades = installed.current_version(root), installed.versions(root), Journal(root).upgrades()
    if as_json:
        found = {"current": current, "previous": _previous(root), "installed": versions}
        click.echo(json.dumps(found | {"upgrades": [asdict(upgrade) for upgrade in upgrades]}))
        return
    for version in versions:
        click.echo(f"{version}{' (current)' if version == current else ''}")
    for upgrade in upgrades:
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(upgrade.began_at))
        reason = f": {upgrade.reason}" if upgrade.reason else ""
        click.echo(f"{at} from {upgrade.old} to {upgrade.new}: {upgrade.step}{reason}")


def _previous(root: Path) -> str | None:
    """Return the release to which a rollback without a version goes, if there is one."""
    current = installed.current_version(root)
    ended = [upgrade.old for upgrade in Journal(root).upgrades() if upgrade.new == current]
    others = [name for name in installed.versions(root) if name != current]
    return ended[-1] if ended and ended[-1] in others else next(iter(others), None)


def _tell_changed(*paths: Path) -> None:
    for path in paths:
        click.echo(f"changed {path}")


def _end(upgrade: Upgrade) -> None:
    if upgrade.step != "finished":
        click.echo(f"the upgrade to {upgrade.new} is {upgrade.step}: {upgrade.reason}", err=True)
        raise SystemExit(UNDONE)
