"""Fixtures of the unit tests."""

from pathlib import Path

import pytest

from soniquebay.library.database import Database


@pytest.fixture
def db(tmp_path: Path) -> Database:
    """Create an empty library."""
    database = Database(tmp_path / "library.db")
    database.migrate()
    return database
