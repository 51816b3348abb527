"""Other releases than the built one, made as it is made: a next version, and ones of which a program cannot start."""

from __future__ import annotations

import shutil
from pathlib import Path

from image import release, toolbox
from soniquebay.library.database import migrations


def variant(folder: Path, version: str, *, broken: str | None = None) -> Path:
    """A release archive of another version in `folder`, with its checksum beside it.

    `broken`: that module fails, and its API brings the library to a schema that no other release knows.
    """
    app = release.APP
    if broken:
        # it says its version when it is tried, and fails only when it is to serve
        app = folder / "app"
        shutil.copytree(release.APP, app, ignore=shutil.ignore_patterns("__pycache__"))
        (app / "soniquebay" / broken).write_text('raise RuntimeError("broken on purpose")\n')
        newest = len(migrations())
        (app / "soniquebay/library/migrations" / f"{newest + 1:04}_loss.sql").write_text(
            "UPDATE tracks SET title = 'Lost';\n"
        )
    return release.ensure(toolbox.ensure(), version=version, app=app, into=folder)


def write_checksum(archive: Path, checksum: str) -> None:
    """Write what sha256sum would."""
    archive.with_name(f"{archive.name}.sha256").write_text(f"{checksum}  {archive.name}\n")
