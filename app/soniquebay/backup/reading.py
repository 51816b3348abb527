"""Reading the rows of a damaged table: around the pages that cannot be read."""

import sqlite3
from collections.abc import Iterator
from typing import Any

from soniquebay.backup import quoted

_MAX_ROW_ID = 1 << 62


def read_rows(source: sqlite3.Connection, schema: sqlite3.Connection, table: str, columns: list[str]) -> "Rows":
    """Return the rows of a table that can be read. `schema`: a healthy database with the same tables."""
    without_row_ids = bool(
        schema.execute("SELECT wr FROM pragma_table_list WHERE name = ? AND schema = 'main'", (table,)).fetchone()[0]
    )
    keys = [row[1] for row in sorted(schema.execute(f"PRAGMA table_info({quoted(table)})"), key=lambda r: r[5])
            if row[5]]  # fmt: skip
    return Rows(source, table, columns, keys if without_row_ids else None)


class Rows:
    """The rows of a damaged table. `problem` says what could not be read, once all were taken."""

    def __init__(self, db: sqlite3.Connection, table: str, columns: list[str], keys: list[str] | None) -> None:
        self._db, self._table, self._keys = db, table, keys
        self._names = ", ".join(map(quoted, columns))
        self.problem: str | None = None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._by_row_id() if self._keys is None else self._from_both_ends()

    def _by_row_id(self) -> Iterator[tuple[Any, ...]]:
        start, gaps, lost = -_MAX_ROW_ID, 0, 0
        while True:
            try:
                # NOT INDEXED: an index may be damaged where the table is not.
                rows = self._db.execute(
                    f"SELECT rowid, {self._names} FROM {quoted(self._table)} NOT INDEXED WHERE rowid >= ? "
                    "ORDER BY rowid", (start,),
                )  # fmt: skip
                for rowid, *row in rows:
                    if rowid < start:
                        raise sqlite3.DatabaseError("rows are out of order")
                    start = rowid + 1
                    yield tuple(row)
                break
            except sqlite3.DatabaseError as error:
                start = max(start, 1)
                following = self._next_row_id(start)
                if following is None:
                    self.problem = f"what lies behind row {start - 1} cannot be read ({error}), and is lost."
                    return
                gaps, lost, start = gaps + 1, lost + following - start, following
        if gaps:
            self.problem = f"up to {lost} rows in {gaps} places cannot be read, and are lost."

    def _next_row_id(self, start: int) -> int | None:
        """Return the next row id behind a damaged place; None if no page behind it can be read."""
        step = 1
        while step < _MAX_ROW_ID and not self._is_readable(start + step):
            step *= 2
        if step >= _MAX_ROW_ID:
            return None
        low, high = start + step // 2, start + step
        while high - low > 1:
            middle = (high + low) // 2
            low, high = (low, middle) if self._is_readable(middle) else (middle, high)
        return high

    def _is_readable(self, rowid: int) -> bool:
        """Tell whether the search for a row id, and the row that it finds at or behind it, meet no damage."""
        try:
            row = self._db.execute(
                f"SELECT rowid, {self._names} FROM {quoted(self._table)} NOT INDEXED WHERE rowid >= ? "
                "ORDER BY rowid LIMIT 1", (rowid,),
            ).fetchone()  # fmt: skip
        except sqlite3.DatabaseError:
            return False
        return row is not None

    def _from_both_ends(self) -> Iterator[tuple[Any, ...]]:
        """Yield rows in the order of the key, and from the other end where that breaks off; some come twice."""
        assert self._keys  # noqa: S101 - a table without row ids has a key
        for direction in ("ASC", "DESC"):
            order = ", ".join(f"{quoted(key)} {direction}" for key in self._keys)
            try:
                yield from map(
                    tuple,
                    self._db.execute(f"SELECT {self._names} FROM {quoted(self._table)} NOT INDEXED ORDER BY {order}"),
                )
            except sqlite3.DatabaseError as error:
                self.problem = f"some rows cannot be read ({error}), and are lost."
            else:
                return
