"""What is checked before an upgrade touches anything. Each check raises ``click.ClickException`` with what to do."""

import os
import re
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from soniquebay import board
from soniquebay.procfs import MIB
from soniquebay.releases import library_copies

SPARE_BYTES = 64 * MIB  # that stay free: the programs go on writing
SPARE_INODES = 1000
_PACKAGES = {"library.db": "library", "listeners.db": "listeners"}
_MIGRATION = re.compile(r"(\d{4})_.*\.sql")


def check_room_for_archive(archive: Path, root: Path, data: Path) -> None:
    """Check that there is room for an unpacked archive, and for the copies of the databases that the API makes."""
    try:
        with tarfile.open(archive, "r:gz") as content:
            sizes = [member.size for member in content]
    except (tarfile.TarError, OSError, EOFError) as error:
        raise click.ClickException(f"{archive} cannot be unpacked: {error}") from error
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    space = os.statvfs(existing)
    needed, free = sum(sizes) + library_copies.size_bytes(data) + SPARE_BYTES, space.f_bavail * space.f_frsize
    if free < needed:
        raise click.ClickException(
            f"the upgrade needs {needed // MIB} MB on the disk of {root}, and {free // MIB} MB are free: "
            "make room there"
        )
    if space.f_files and space.f_favail < len(sizes) + SPARE_INODES:
        raise click.ClickException(f"the disk of {root} has too few free inodes: remove files there")


def check_power() -> None:
    """Check that the board has enough power: a kernel under low voltage may write nonsense to the card."""
    throttling = board.throttling()
    if throttling and "under_voltage" in throttling.now:
        raise click.ClickException("the board's voltage is too low: use a stronger power supply, then upgrade")


def check_health(health: dict[str, Any]) -> None:
    """Check what the API says about its databases.

    An API that does not answer may be what the upgrade repairs, and databases of a newer release wait for that.
    """
    if (fault := health.get("fault")) and health.get("fault_kind") != "newer":
        raise click.ClickException(f"{fault}. Upgrade after that")


def check_schemas(release: Path, data: Path) -> None:
    """Check that a release can open the databases: it opens no newer schemas than its own."""
    for name, package in _PACKAGES.items():
        known = _newest_schema(release / "lib/soniquebay" / package / "migrations")
        present = _schema_of(data / name)
        if known is not None and present > known:
            raise click.ClickException(
                f"release {release.name} opens {name} up to schema {known}, and it has schema {present}: restore a "
                "backup that this release can open, by `soniquebay library restore`, or install a newer release"
            )


def _newest_schema(migrations: Path) -> int | None:
    numbers = [int(match[1]) for path in migrations.glob("*.sql") if (match := _MIGRATION.fullmatch(path.name))]
    return max(numbers, default=None)


def _schema_of(database: Path) -> int:
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
            return int(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error:  # it is not there, or the health has told that it is damaged
        return 0
