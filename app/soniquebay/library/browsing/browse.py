"""One page of a list: which rows, and the cursor behind them."""

import json
import math
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from soniquebay.library.browsing import cursors
from soniquebay.library.browsing.cursors import CursorError, Key
from soniquebay.library.browsing.lists import List, count
from soniquebay.library.browsing.pages import Part, Sql, all_of, few_ids, find, largest_id
from soniquebay.library.browsing.shuffle import bits_for, shuffle

_MAX_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Request:
    """Which page of a list. `what` describes the list with its filters and its sort, for the cursor."""

    what: Sequence[Any]
    limit: int
    offset: int = 0
    cursor: str | None = None
    descending: bool = False
    counted: bool = True


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
        after = cursors.decode(request.what, request.cursor, [column.type for column in order.columns])
    part = Part(order, listed.filters, request.limit + 1, request.offset, after, request.descending)
    return _page(db, listed, request, find(db, part))


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
    wanted = request.offset + request.limit + 1
    few = few_ids(db, listed.filters, max_shuffled_rows(largest, wanted))
    if few is not None and few.ids is not None:
        ids = {row[0] for row in db.execute(*few.ids)}
        places = order.positions_of(i for i in ids if i is not None and i < 1 << bits)
        upcoming = iter(sorted(place for place in places if place > position))
    else:
        upcoming = iter(range(position + 1, 1 << bits))
    keys: list[Key] = []
    size = 4 * request.limit
    while len(keys) < wanted and (places_of := {order.at(place): place for place in islice(upcoming, size)}):
        keys += [(seed, bits, places_of[row_id], row_id) for row_id in _listed(db, listed, list(places_of))]
        size = min(2 * size, _MAX_CHUNK)
    return _page(db, listed, request, keys[request.offset : wanted])


def max_shuffled_rows(rows: int, wanted: int) -> int:
    """Return up to how many matching rows it is quicker to compute all their places than to walk; see `pages`.

    Computing the place of a row costs a third of reading the row at a place.
    """
    return math.isqrt(3 * wanted * rows)


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
    seed, bits, position, _ = cursors.decode(request.what, request.cursor or "", [int] * 4)
    if (
        not (isinstance(seed, int) and isinstance(bits, int) and isinstance(position, int))
        or seed < 0
        or not bits_for(0) <= bits <= largest_bits
        or not 0 <= position < 1 << bits
    ):
        raise CursorError("this is no cursor that a list has given")
    return seed, bits, position


def ranked_page(
    db: sqlite3.Connection, listed: List, ranked: Sequence[tuple[int, float]], request: Request
) -> tuple[IdPage, bool]:
    """Return a page of the tracks of a ranking (ids and scores, best first) that are in the list.

    Also tell whether the ranking had enough for the page. Raises `CursorError`.
    """
    after = None
    if request.cursor is not None:
        score, last_id = cursors.decode(request.what, request.cursor, [float, int])
        after = (-_number(score), _number(last_id))
    places = [place for place in sorted((-score, row_id) for row_id, score in ranked) if after is None or place > after]
    kept = set(_listed(db, listed, [row_id for _, row_id in places]))
    keys: list[Key] = [(-score, row_id) for score, row_id in places if row_id in kept]
    is_enough = len(keys) > request.offset + request.limit
    return _page(db, listed, request, keys[request.offset : request.offset + request.limit + 1]), is_enough


def _number(value: float | str | None) -> float:
    if value is None or isinstance(value, str):
        raise CursorError("this is no cursor that a list has given")
    return value


def _page(db: sqlite3.Connection, listed: List, request: Request, keys: Sequence[Key]) -> IdPage:
    """Return the page of `keys`, which are one more than the page has if others come behind it."""
    has_more = len(keys) > request.limit
    keys = keys[: request.limit]
    cursor = cursors.encode(request.what, keys[-1]) if has_more else None
    total = count(db, listed) if request.counted else None
    return IdPage([int(key[-1] or 0) for key in keys], cursor, total)
