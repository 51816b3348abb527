"""Pages of a list in the order of an index. No page reads the rows before it.

A page is found in one of two ways, whichever is quicker. Where a filter leaves few rows, these are collected by the
index of the filter and sorted. Otherwise the index of the order is walked from the cursor on, and each row is tested.
A walk that meets too few rows is given up, and its rows are sorted, too.

The cursor is the key of the last row (keyset pagination: Winand 2013, "We need tool support for keyset pagination").
So rows that are added or vanish meanwhile neither repeat nor hide others.
"""

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from soniquebay.library.browsing.cursors import Key

MAX_WALK_INSTRUCTIONS = 400_000  # of SQLite's virtual machine, about 10 ms


class Sql(NamedTuple):
    """A condition or a query, with the values of its parameters."""

    text: str
    values: tuple[Any, ...] = ()


ALWAYS = Sql("true")


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

    `ids` selects the ids that fulfil it by an index, and others too if `selects_more`; None without an index. `read`
    selects the rows of the index, if they are more. `count` selects how many rows a list with this filter alone has,
    with the values of `ids`; empty where all have to be tested. Where the condition is a range of one column, `low` and
    `high` are its ends. `test_rows` is how many rows a test may read.
    """

    test: Sql
    ids: Sql | None = None
    read: Sql | None = None
    column: str = ""
    low: Sql | None = None
    high: Sql | None = None
    count: str = ""
    selects_more: bool = False
    test_rows: int = 1


@dataclass(frozen=True, slots=True)
class Slice:
    """Which rows of a list, in an order: at most `limit` rows, after the one with the key `after`."""

    order: Order
    filters: Sequence[Filter]
    limit: int
    offset: int = 0
    after: Key | None = None
    descending: bool = False


def between(column: str, low: Any, high: Any, ids: str, *, exclusive: bool = False) -> Filter | None:
    """Return the filter for a range of a column; None where neither end is given.

    `ids` selects from the table, with the condition to be added; if that has `missing_since`, the ids are all that the
    list has. `exclusive`: `low` itself is not in the range.
    """
    if low is None and high is None:
        return None
    lower = None if low is None else Sql(f"{column} >{'' if exclusive else '='} ?", (low,))
    upper = None if high is None else Sql(f"{column} <= ?", (high,))
    both = all_of([end for end in (lower, upper) if end])
    # "+" keeps SQLite from using the index of the column.
    test = Sql(both.text.replace(column, f"+{column}"), both.values)
    selected = Sql(f"{ids} AND {both.text.replace(column, column.partition('.')[2])}", both.values)
    count = f"SELECT count(*) FROM ({selected.text})" if "missing_since" in ids else ""
    return Filter(test, selected, None, column, lower, upper, count)


def among(column: str, ids: Sequence[int], selected: str = "SELECT value FROM json_each(?)") -> Filter:
    """Return the filter for some ids, or for those that `selected` finds by them; they are its only parameter."""
    rows = Sql(selected, (json.dumps(list(ids)),))
    return Filter(Sql(f"+{column} IN ({rows.text})", rows.values), rows)


def find(db: sqlite3.Connection, slice: Slice) -> list[Key]:
    """Return the keys of the rows of a slice; the id comes last in each key."""
    few = few_ids(db, slice.filters, max_sorted_rows(slice.limit, largest_id(db, slice.order.sorted), slice.filters))
    source = few or first_indexed(slice.filters)
    if few is None and slice.order.walked:
        try:
            if source is not None:
                db.set_progress_handler(lambda: 1, MAX_WALK_INSTRUCTIONS)
            return _walk(db, slice)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT or source is None:
                raise
        finally:
            db.set_progress_handler(None, 0)
    return _sort(db, slice, source)


def max_sorted_rows(limit: int, rows: int, filters: Sequence[Filter]) -> int:
    """Return up to how many of `rows` sorting is quicker than a walk.

    Sorting reads all matching rows. To find `limit` of them, a walk tests limit * (all rows / matching rows).
    """
    return math.isqrt(limit * rows * max((f.test_rows for f in filters), default=1))


def largest_id(db: sqlite3.Connection, source: str) -> int:
    """Return the largest id that the first table of a FROM clause ever gave out."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (source.split(maxsplit=1)[0],)).fetchone()
    return int(row["seq"]) if row else 0


def first_indexed(filters: Sequence[Filter]) -> Filter | None:
    """Return the first filter that has an index; None without one."""
    return next((f for f in filters if f.ids), None)


def few_ids(db: sqlite3.Connection, filters: Sequence[Filter], most: int) -> Filter | None:
    """Return the filter that reads the fewest rows; None if each reads more than `most`."""
    best, fewest = None, most + 1
    for candidate in filters:
        if rows := candidate.read or candidate.ids:
            (count,) = db.execute(
                f"SELECT count(*) FROM (SELECT 1 FROM ({rows.text}) LIMIT ?)", (*rows.values, fewest)
            ).fetchone()
            if count < fewest:
                best, fewest = candidate, count
    return best


def chosen(id: str, filters: Sequence[Filter], source: Filter | None) -> list[Sql]:
    """Return the conditions of filters on rows whose ids `source` selects, if it is given."""
    tests = [f.test for f in filters if f is not source or f.selects_more]
    if source and source.ids:
        tests.insert(0, Sql(f"{id} IN ({source.ids.text})", source.ids.values))
    return tests


def all_of(conditions: Sequence[Sql]) -> Sql:
    """Return the condition that all of some conditions are fulfilled."""
    return Sql(" AND ".join(c.text for c in conditions) or "true", tuple(v for c in conditions for v in c.values))


def _walk(db: sqlite3.Connection, slice: Slice) -> list[Key]:
    order = slice.order
    leading = next((f for f in slice.filters if f.column == order.columns[0].sql), None)
    tests = [f.test for f in slice.filters if f is not leading]
    found: list[Key] = []
    for condition in _ranges(slice, leading):
        found += _select(db, slice, order.walked, [condition, *tests], order.index_columns, len(found))
        if len(found) >= slice.limit:
            break
    return found


def _sort(db: sqlite3.Connection, slice: Slice, source: Filter | None) -> list[Key]:
    ranges = list(_ranges(slice, None))
    after = Sql(f"({' OR '.join(f'({r.text})' for r in ranges)})", tuple(v for r in ranges for v in r.values))
    conditions = [*chosen(slice.order.columns[-1].sql, slice.filters, source), after]
    return _select(db, slice, slice.order.sorted, conditions)


def _select(  # noqa: PLR0917 - of a query
    db: sqlite3.Connection,
    slice: Slice,
    source: str,
    conditions: Sequence[Sql],
    ordered_by: Sequence[str] = (),
    found: int = 0,
) -> list[Key]:
    columns = [column.sql for column in slice.order.columns]
    where = all_of([Sql(slice.order.condition), *conditions])
    ordered = ", ".join(f"{name}{' DESC' * slice.descending}" for name in ordered_by or columns)
    rows = db.execute(
        f"SELECT {', '.join(columns)} FROM {source} WHERE {where.text} ORDER BY {ordered} LIMIT ? OFFSET ?",
        (*where.values, slice.limit - found, slice.offset),
    )
    return list(map(tuple, rows))


def _ranges(slice: Slice, leading: Filter | None) -> Iterator[Sql]:
    """Yield conditions whose rows, one after the other, are those of a slice. Each is one range of the index.

    `leading` is the filter for a range of the first column. SQLite reads `(a, b) > (?, ?)` as one range, too, but NULL
    has no place there.
    """
    columns, after, descending = slice.order.columns, slice.after, slice.descending
    low, high = (leading.low, leading.high) if leading else (None, None)
    if after is None:
        yield all_of([end for end in (low, high) if end])
        return
    for level in reversed(range(len(columns))):
        equal = [_equal(column, value) for column, value in zip(columns[:level], after, strict=False)]
        # The end that the walk has passed is no condition: SQLite would begin there again.
        end = None if level else low if descending else high
        for behind in _behind(columns[level], after[level], descending, has_range=leading is not None):
            yield all_of([*equal, behind, *([end] if end else [])])


def _equal(column: Column, value: Any) -> Sql:
    return Sql(f"{column.sql} IS NULL") if value is None else Sql(f"{column.sql} = ?", (value,))


def _behind(column: Column, value: Any, descending: bool, *, has_range: bool) -> Iterator[Sql]:
    if value is None:
        if not descending:
            yield Sql(f"{column.sql} IS NOT NULL")
        return
    yield Sql(f"{column.sql} {'<' if descending else '>'} ?", (value,))
    if descending and column.nullable and not has_range:
        yield Sql(f"{column.sql} IS NULL")
