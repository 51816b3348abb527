"""The copies of the databases from before an upgrade changed their schemas, which the API makes when it migrates."""

import re
from pathlib import Path

from soniquebay.releases.installed import sync

DATABASES = ("library.db", "listeners.db")
_COPY = re.compile(r"(.+\.db)\.schema-(\d+)")  # as `SqliteDatabase.migrate` names them
_PARTIAL_COPY = re.compile(r"(.+\.db)\.schema-(\d+)\.partial")  # of an API that was ended meanwhile
# These belong to the newer file: SQLite would apply them to the older one, and the API miss the first.
_COMPANIONS = ("-wal", "-shm", ".state")


def oldest(data: Path) -> dict[str, Path]:
    """Return the copy of each database that has one: the oldest, which an upgrade of several schemas began with."""
    found: dict[str, tuple[int, Path]] = {}
    for path in data.iterdir():
        match = _COPY.fullmatch(path.name)
        if match and match[1] in DATABASES:
            copy = (int(match[2]), path)
            found[match[1]] = min(found.get(match[1], copy), copy)
    return {name: path for name, (_, path) in sorted(found.items())}


def restore(data: Path) -> dict[str, Path]:
    """Put the copies in the place of the databases, and return them. The API must not run."""
    copies = oldest(data)
    for name, path in copies.items():
        for suffix in _COMPANIONS:
            (data / f"{name}{suffix}").unlink(missing_ok=True)
        path.replace(data / name)
    if copies:
        sync(data)
    return copies


def remove(data: Path) -> None:
    """Remove all copies: an upgrade must not restore those of an earlier one."""
    for path in data.iterdir():
        if _COPY.fullmatch(path.name) or _PARTIAL_COPY.fullmatch(path.name):
            path.unlink()


def size_bytes(data: Path) -> int:
    """Return the size of the databases, which the API copies before it changes their schemas."""
    return sum((data / name).stat().st_size for name in DATABASES if (data / name).exists())
