"""A transaction that fails because the disk is full, and the locks by which others see that a database is open."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from soniquebay.library.database import Database
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.sqlite import SqliteDatabase
from tests.support.small_disk import needs_root, small_disk


@needs_root
def test_the_cause_is_told_also_when_sqlite_has_rolled_back_by_itself(tmp_path: Path) -> None:
    class Small(SqliteDatabase):
        PACKAGE, SYNCHRONOUS, WRITER_CACHE_KIB, READER_CACHE_KIB = "soniquebay.library", "NORMAL", 100, 100

    with small_disk(tmp_path / "data", mib=4) as data:
        database = Small(data / "small.db")
        with database.transaction() as db:
            db.execute("CREATE TABLE t (data BLOB)")
        # More than the cache holds, so that the disk is full before the end of the transaction.
        with pytest.raises(sqlite3.OperationalError, match="full"), database.transaction() as db:
            for _ in range(100):
                db.execute("INSERT INTO t VALUES (zeroblob(100000))")
        with database.transaction() as db:
            assert db.execute("SELECT count(*) FROM t").fetchone()[0] == 0


@pytest.mark.parametrize("kind", [Database, ListenersDatabase])
def test_a_database_that_is_brought_to_its_schema_again_stays_locked(
    tmp_path: Path, kind: type[SqliteDatabase]
) -> None:
    """Otherwise another program that looks into it would take itself for the last one, and remove the log."""
    database = kind(tmp_path / "some.db")
    database.migrate()
    database.reader().execute("SELECT count(*) FROM sqlite_schema").fetchone()
    database.migrate()
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM sqlite_schema').fetchone()"
    subprocess.run([sys.executable, "-c", code, database.path], check=True)
    assert (tmp_path / "some.db-wal").exists()
    assert (tmp_path / "some.db-shm").exists()
