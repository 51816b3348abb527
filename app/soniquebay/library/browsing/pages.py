"""Pages of a list in the order of an index. No page reads the rows before it.

A page is found in one of two ways, whichever is quicker. Where a filter leaves few rows, these are collected by the
index of the filter and sorted. Otherwise the index of the order is walked from the cursor on, and each row is tested.
A walk that meets too few rows is given up, and its rows are sorted, too.

The cursor is the key of the last row (keyset pagination: Winand 2013, "We need tool support for keyset pagination").
So rows that are added or vanish meanwhile neither repeat nor hide others.
"""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from soniquebay.library.browsing.cursors import Key

MAX_WALK_INSTRUCTIONS = 400_000  # of SQLite's virtual machine, about 10 ms
Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an order. NULL stands before all values, as SQLite has it."""

    sql: str
    type: type
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """An order: its columns, of which the last is unique, and how to read them.

    `walked` is the FROM clause that reads them in this order by an index, empty without one; `sorted` is that for
    chosen rows. `index_columns` are the columns of the index, where it has others between these.
    """

    columns: tuple[Column, ...]
    walked: str
    sorted: str
    condition: str = "true"
    index_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on the rows of a list.

    `ids` selects the ids that fulfil it by an index, and others too if `selects_more`; it is empty without an index.
    `count` selects how many rows a list with this filter alone has, with the same values; empty where all have to be
    tested. Where the condition is a range of one column, `low` and `high` are its ends.
    """

    test: str
    values: Values
    ids: str = ""
    ids_values: Values = ()
    column: str = ""
    low: tuple[str, Any] | None = None
    high: tuple[str, Any] | None = None
    count: str = ""
    selects_more: bool = False


def between(column: str, low: Any, high: Any, ids: str, *, exclusive: bool = False) -> Filter | None:
    """Return the filter for a range of a column; None where neither end is given.

    `ids` selects from the table, with the condition to be added; if that has `missing_since`, the ids are all that the
    list has. `exclusive`: `low` itself is not in the range.
    """
    if low is None and high is None:
        return None
    lower = None if low is None else (f">{'' if exclusive else '='} ?", low)
    upper = None if high is None else ("<= ?", high)
    ends = [end for end in (lower, upper) if end]
    name = column.partition(".")[2]
    # "+" keeps SQLite from using the index of the column.
    ids = f"{ids} AND " + " AND ".join(f"{name} {end[0]}" for end in ends)
    return Filter(
        " AND ".join(f"+{column} {end[0]}" for end in ends),
        tuple(end[1] for end in ends),
        ids,
        tuple(end[1] for end in ends),
        column,
        lower,
        upper,
        f"SELECT count(*) FROM ({ids})" if "missing_since" in ids else "",
    )


def find(
    db: sqlite3.Connection,
    order: Order,
    filters: Sequence[Filter],
    *,
    descending: bool,
    after: Key | None,
    limit: int,
    offset: int = 0,
) -> list[Key]:
    """Return the keys of at most `limit` rows, after the one with the key `after`; the id comes last in each key."""
    few = few_ids(db, filters, max_sorted_rows(db, order.sorted, limit))
    if few is None and order.walked:
        source = next((f for f in filters if f.ids), None)
        try:
            if source is not None:
                db.set_progress_handler(lambda: 1, MAX_WALK_INSTRUCTIONS)
            return _walk(db, order, filters, descending, after, limit, offset)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT or source is None:
                raise
        finally:
            db.set_progress_handler(None, 0)
    few = few or next((f for f in filters if f.ids), Filter("true", ()))
    return _sort(db, order, filters, few, descending, after, limit, offset)


def max_sorted_rows(db: sqlite3.Connection, source: str, limit: int) -> int:
    """Return up to how many rows sorting is quicker than a walk, for the first table of a FROM clause.

    Sorting reads all matching rows. To find `limit` of them, a walk reads limit * (all rows / matching rows).
    """
    return math.isqrt(limit * largest_id(db, source))


def largest_id(db: sqlite3.Connection, source: str) -> int:
    """Return the largest id that the first table of a FROM clause ever gave out."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (source.split(maxsplit=1)[0],)).fetchone()
    return int(row["seq"]) if row else 0


def few_ids(db: sqlite3.Connection, filters: Sequence[Filter], most: int) -> Filter | None:
    """Return the filter that leaves the fewest rows; None if each leaves more than `most`."""
    best, fewest = None, most + 1
    for candidate in filters:
        if candidate.ids:
            (count,) = db.execute(
                f"SELECT count(*) FROM (SELECT 1 FROM ({candidate.ids}) LIMIT ?)", (*candidate.ids_values, fewest)
            ).fetchone()
            if count < fewest:
                best, fewest = candidate, count
    return best


def _walk(  # noqa: PLR0917 - those of `find`
    db: sqlite3.Connection,
    order: Order,
    filters: Sequence[Filter],
    descending: bool,
    after: Key | None,
    limit: int,
    offset: int,
) -> list[Key]:
    leading = next((f for f in filters if f.column == order.columns[0].sql), None)
    others = [f for f in filters if f is not leading]
    conditions = [order.condition, *(f.test for f in others)]
    values = [value for f in others for value in f.values]
    columns = order.index_columns or tuple(column.sql for column in order.columns)
    found: list[Key] = []
    for condition, more in _ranges(order.columns, leading, after, descending):
        rows = db.execute(
            f"SELECT {', '.join(c.sql for c in order.columns)} FROM {order.walked} "
            f"WHERE {condition} AND {' AND '.join(conditions)} ORDER BY {_order_by(columns, descending)} "
            "LIMIT ? OFFSET ?",
            (*more, *values, limit - len(found), offset),
        )
        found += map(tuple, rows)
        if len(found) >= limit:
            break
    return found


def _sort(  # noqa: PLR0917 - those of `find`
    db: sqlite3.Connection,
    order: Order,
    filters: Sequence[Filter],
    source: Filter,
    descending: bool,
    after: Key | None,
    limit: int,
    offset: int,
) -> list[Key]:
    ranges = list(_ranges(order.columns, None, after, descending))
    tested = [f for f in filters if f is not source or f.selects_more]
    conditions = [order.condition, *(f.test for f in tested), _any(ranges)]
    values = [value for f in tested for value in f.values]
    chosen = f"{order.columns[-1].sql} IN ({source.ids})" if source.ids else "true"
    rows = db.execute(
        f"SELECT {', '.join(c.sql for c in order.columns)} FROM {order.sorted} "
        f"WHERE {chosen} AND {' AND '.join(conditions)} "
        f"ORDER BY {_order_by([c.sql for c in order.columns], descending)} LIMIT ? OFFSET ?",
        (*source.ids_values, *values, *(value for _, more in ranges for value in more), limit, offset),
    )
    return list(map(tuple, rows))


def _any(ranges: Sequence[tuple[str, Values]]) -> str:
    return f"({' OR '.join(f'({condition})' for condition, _ in ranges)})"


def _order_by(columns: Sequence[str], descending: bool) -> str:
    return ", ".join(f"{column} DESC" if descending else column for column in columns)


def _ranges(
    columns: Sequence[Column], leading: Filter | None, after: Key | None, descending: bool
) -> Iterator[tuple[str, Values]]:
    """Yield conditions whose rows, one after the other, are those after a key. Each is one range of the index.

    SQLite reads `(a, b) > (?, ?)` as one range, too, but NULL has no place there.
    """
    low, high = (leading.low, leading.high) if leading else (None, None)
    first = columns[0].sql
    if after is None:
        ends = [end for end in (low, high) if end]
        yield " AND ".join(f"{first} {end[0]}" for end in ends) or "true", tuple(end[1] for end in ends)
        return
    for level in reversed(range(len(columns))):
        equal = [_equal(column, value) for column, value in zip(columns[:level], after, strict=False)]
        # The end that the walk has passed is no condition: SQLite would begin there again.
        end = None if level else low if descending else high
        for condition, values in _behind(columns[level], after[level], descending, has_range=leading is not None):
            parts = [*equal, (condition, values), *([(f"{first} {end[0]}", (end[1],))] if end else [])]
            yield " AND ".join(part for part, _ in parts), tuple(value for _, more in parts for value in more)


def _equal(column: Column, value: Any) -> tuple[str, Values]:
    return (f"{column.sql} IS NULL", ()) if value is None else (f"{column.sql} = ?", (value,))


def _behind(column: Column, value: Any, descending: bool, *, has_range: bool) -> Iterator[tuple[str, Values]]:
    if value is None:
        if not descending:
            yield f"{column.sql} IS NOT NULL", ()
        return
    yield f"{column.sql} {'<' if descending else '>'} ?", (value,)
    if descending and column.nullable and not has_range:
        yield f"{column.sql} IS NULL", ()
