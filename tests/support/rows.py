"""Every row of every table of a database, for comparisons."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def all_rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of all tables, those of the search index and of SQLite itself too, with their row ids."""
    with closing(sqlite3.connect(path)) as db:
        tables = db.execute(
            "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type != 'view'"
        ).fetchall()
        rows = {}
        for name, without_row_ids in tables:
            columns = "*" if without_row_ids or name.startswith("sqlite_") else "rowid, *"
            rows[name] = sorted(db.execute(f'SELECT {columns} FROM "{name}"').fetchall(), key=repr)
    del rows["sqlite_schema"]  # its root pages differ; the tables are compared
    return rows
