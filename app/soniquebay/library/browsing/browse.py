"""One page of a list: which rows, and the cursor behind them."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from soniquebay.library.browsing import cursors
from soniquebay.library.browsing.cursors import CursorError, Key
from soniquebay.library.browsing.lists import List
from soniquebay.library.browsing.pages import Slice, Sql, all_of, few_ids, find, largest_id, max_sorted_rows
from soniquebay.library.browsing.shuffle import bits_for, shuffle
from soniquebay.library.similarity.rankings import Place, Ranking
from soniquebay.sqlite import plain_cursor

_MAX_CHUNK = 4096
_ROWS_READ_AS_PLACES_COMPUTED = 6  # reading the row at a place takes as long as computing the places of so many rows


@dataclass(frozen=True, slots=True)
class Request:
    """Which page of a list.

    `list_identity` is the list with its filters and its sort: a cursor of another one is refused.
    """

    list_identity: Sequence[Any]
    limit: int
    offset: int = 0
    cursor: str | None = None
    descending: bool = False
    count: Callable[[sqlite3.Connection, List], int] | None = None
    """Counts all rows of the list; None: they are not counted."""


@dataclass(frozen=True, slots=True)
class IdPage:
    """The ids of a page, the cursor behind it (None at the end), and the number of all rows (None: not counted)."""

    ids: list[int]
    next: str | None
    total: int | None


def page(db: sqlite3.Connection, listed: List, sort: str, request: Request) -> IdPage:
    """Return a page in one of the list's orders. Raises `CursorError`."""
    order = listed.orders[sort]
    after = None
    if request.cursor is not None:
        after = cursors.decode(request.list_identity, request.cursor, [column.type for column in order.columns])
    slice = Slice(order, listed.filters, request.limit + 1, request.offset, after, request.descending)
    return _page(db, listed, request, find(db, slice))


def shuffled_page(db: sqlite3.Connection, listed: List, seed: int | None, request: Request) -> IdPage:
    """Return a page in the random order of a seed; of a new one, which its cursor holds, if None.

    The order is a permutation of all ids that there were at the first page. Each id comes once, and those of tracks
    added later do not come. Raises `CursorError`.
    """
    largest = largest_id(db, listed.source)
    largest_bits = bits_for(largest)
    if request.cursor is None:
        seed, bits, position = secrets.randbits(63) if seed is None else seed, largest_bits, -1
    else:
        seed, bits, position = _shuffle_state(request, largest_bits)
    order = shuffle(seed, bits)
    most = max_sorted_rows(
        _ROWS_READ_AS_PLACES_COMPUTED * (request.offset + request.limit + 1), largest, listed.filters
    )
    few = few_ids(db, listed.filters, most)
    if few is not None and few.ids is not None:
        cursor = plain_cursor(db)
        ids = {row[0] for row in cursor.execute(*few.ids)}
        among = order.positions_of(i for i in ids if i is not None and i < 1 << bits)
        places: Iterable[int] = sorted(place for place in among if place > position)
    else:
        places = range(position + 1, 1 << bits)
    return _pick(db, listed, request, ((seed, bits, place, order.at(place)) for place in places))


def _listed(db: sqlite3.Connection, listed: List, ids: Sequence[int]) -> list[int]:
    """Return those of the ids that are in a list, in their order."""
    where = all_of([Sql(listed.present), *(f.test for f in listed.filters)])
    rows = db.execute(
        f"SELECT {listed.id} FROM json_each(?) j CROSS JOIN {listed.source} ON {listed.id} = j.value "
        f"WHERE {where.text}",
        (json.dumps(ids), *where.values),
    )
    return [row[0] for row in rows]


def _shuffle_state(request: Request, largest_bits: int) -> tuple[int, int, int]:
    seed, bits, position, _ = cursors.decode(request.list_identity, request.cursor or "", [int] * 4)
    if (
        not (isinstance(seed, int) and isinstance(bits, int) and isinstance(position, int))
        or seed < 0
        or not bits_for(0) <= bits <= largest_bits
        or not 0 <= position < 1 << bits
    ):
        raise CursorError(cursors.BROKEN)
    return seed, bits, position


def ranked_page(
    db: sqlite3.Connection, listed: List, ranking_of: Callable[[int | None], Ranking | None], request: Request
) -> IdPage | None:
    """Return a page in the order of a ranking; `ranking_of` returns that of a number, or a new one for None.

    It is not counted. Return None without a ranking. Raises `CursorError`.
    """
    number, after = _rank_state(request) if request.cursor is not None else (None, None)
    ranking = ranking_of(number)
    if ranking is None:
        return None
    keys = ((ranking.number, *place) for place in ranking.places(after))
    return _pick(db, listed, replace(request, count=None), keys)


def _rank_state(request: Request) -> tuple[int, Place]:
    number, distance, last_id = cursors.decode(request.list_identity, request.cursor or "", [int, float, int])
    if not isinstance(number, int) or not isinstance(distance, float | int) or not isinstance(last_id, int):
        raise CursorError(cursors.BROKEN)
    return number, (distance, last_id)


def _pick(db: sqlite3.Connection, listed: List, request: Request, upcoming: Iterator[Key]) -> IdPage:
    """Return the page of those of the keys (the id last) whose rows are in a list."""
    wanted = request.offset + request.limit + 1
    keys: list[Key] = []
    size = 4 * request.limit
    while len(keys) < wanted and (by_id := {int(key[-1] or 0): key for key in islice(upcoming, size)}):
        keys += [by_id[row_id] for row_id in _listed(db, listed, list(by_id))]
        size = min(2 * size, _MAX_CHUNK)
    return _page(db, listed, request, keys[request.offset : wanted])


def _page(db: sqlite3.Connection, listed: List, request: Request, keys: Sequence[Key]) -> IdPage:
    """Return the page of `keys`, which are one more than the page has if others come behind it."""
    has_more = len(keys) > request.limit
    keys = keys[: request.limit]
    cursor = cursors.encode(request.list_identity, keys[-1]) if has_more else None
    total = request.count(db, listed) if request.count else None
    return IdPage([int(key[-1] or 0) for key in keys], cursor, total)
