"""A transaction that fails because the disk is full."""

import sqlite3
from pathlib import Path

import pytest

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
