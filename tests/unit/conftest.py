"""A library of its own for each test."""

from pathlib import Path

import pytest

from soniquebay.library.database import Database


@pytest.fixture
def db(tmp_path: Path) -> Database:
    database = Database(tmp_path / "library.db")
    database.migrate()
    return database
