"""Other releases than the built one, made as it is made: a next version, and ones of which a program cannot start.

`python -m tests.appliance.releases VERSION FOLDER` makes the next version, whose library has one table more.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from image import build_root, release
from soniquebay.library.database import migrations

NEXT = "CREATE TABLE next_release (id INTEGER PRIMARY KEY);\n"
LOSS = "UPDATE tracks SET title = 'Lost';\n"


def variant(folder: Path, version: str, *, schema: Sequence[str] = (), broken: str | None = None) -> Path:
    """A release archive of another version in `folder`, with its checksum beside it.

    `schema`: what its API changes in the library, one migration each. `broken`: that module fails.
    """
    app = folder / f"app-{version}"
    shutil.copytree(release.APP, app, ignore=shutil.ignore_patterns("__pycache__"))
    for number, change in enumerate(schema, len(migrations()) + 1):
        (app / f"soniquebay/library/migrations/{number:04}_change.sql").write_text(change)
    if broken:
        # it says its version when it is tried, and fails only when it is to serve
        (app / "soniquebay" / broken).write_text('raise RuntimeError("broken on purpose")\n')
    return release.ensure(build_root.ensure(), version=version, app=app, into=folder)


def write_checksum(archive: Path, checksum: str) -> None:
    """Write what sha256sum would."""
    archive.with_name(f"{archive.name}.sha256").write_text(f"{checksum}  {archive.name}\n")


if __name__ == "__main__":
    into = Path(sys.argv[2])
    into.mkdir(exist_ok=True)
    variant(into, sys.argv[1], schema=[NEXT])
