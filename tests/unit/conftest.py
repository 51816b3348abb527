"""Fixtures of the unit tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from soniquebay import sqlite
from soniquebay.library.database import Database
from soniquebay.sqlite import SqliteDatabase

_run_scripts = SqliteDatabase._migrate
_migrated: dict[tuple[str, ...], bytes] = {}  # by the scripts: the first database that they have made


def _migrate(database: SqliteDatabase) -> None:
    """Give a new database the content of the first one with the same migrations; migrate all others."""
    scripts = tuple(sqlite.migrations(database.PACKAGE))
    is_new = not database.path.exists() or not database.path.stat().st_size
    if is_new and scripts in _migrated:
        database.path.parent.mkdir(parents=True, exist_ok=True)
        database.path.write_bytes(_migrated[scripts])
    _run_scripts(database)
    if is_new and scripts not in _migrated:
        with database._locked_writer() as connection:
            _migrated[scripts] = connection.serialize()


@pytest.fixture(scope="session", autouse=True)
def migrate_once() -> Iterator[None]:
    """Run the migrations of a new database once: they take 60 ms, and most tests want one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteDatabase, "_migrate", _migrate)
        yield


@pytest.fixture
def db(tmp_path: Path) -> Database:
    """Create an empty library."""
    database = Database(tmp_path / "library.db")
    database.migrate()
    return database
