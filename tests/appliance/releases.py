"""Builds other releases than that of the image: a next version, and releases with a program that cannot start.

`python -m tests.appliance.releases VERSION FOLDER` builds the next version, whose library has one more table.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from image import build_root, release
from soniquebay.library.database import migrations

NEW_TABLE_SQL = "CREATE TABLE next_release (id INTEGER PRIMARY KEY);\n"
DATA_LOSS_SQL = "UPDATE tracks SET title = 'Lost';\n"


def build_variant(folder: Path, version: str, *, schema: Sequence[str] = (), broken: str | None = None) -> Path:
    """Build a release archive of another version in `folder`, with its checksum beside it, and return its path.

    It is signed with the builder's key, which the image trusts.

    `schema`: SQL of additional migrations. `broken`: path of a module that raises when it is imported.
    """
    app = folder / f"app-{version}"
    shutil.copytree(release.APP, app, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for number, change in enumerate(schema, len(migrations()) + 1):
        (app / f"soniquebay/library/migrations/{number:04}_change.sql").write_text(change)
    if broken:
        # the version command still works; the program fails only when it starts to serve
        (app / "soniquebay" / broken).write_text('raise RuntimeError("broken on purpose")\n')
    return release.ensure(build_root.ensure(), version=version, app=app, into=folder)


def write_checksum(archive: Path, checksum: str) -> None:
    """Write a checksum file in the format of sha256sum."""
    archive.with_name(f"{archive.name}.sha256").write_text(f"{checksum}  {archive.name}\n")


if __name__ == "__main__":
    into = Path(sys.argv[2])
    into.mkdir(exist_ok=True)
    build_variant(into, sys.argv[1], schema=[NEW_TABLE_SQL])
