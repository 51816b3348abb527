"""Slices of the lists of tracks, albums and artists, as methods ask for them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from soniquebay.api.opensubsonic.call import Call
from soniquebay.api.opensubsonic.ids import not_found
from soniquebay.api.opensubsonic.parameters import integer
from soniquebay.library import paths
from soniquebay.library.browsing import browse, lists
from soniquebay.library.browsing.pages import Filter, Sql

MAX_ROWS = 500  # of one kind in one answer, as the API has it
MAX_OFFSET = 2**31


def slice_ids(
    db: sqlite3.Connection, listed: lists.List, sort: str, limit: int, offset: int = 0, *, descending: bool = False
) -> list[int]:
    """Return the ids of a slice of a list in an order; `random` is another one each time."""
    if not limit:
        return []
    request = browse.Request((), limit, offset, descending=descending)
    if sort == "random":
        return browse.shuffled_page(db, listed, None, request).ids
    return browse.page(db, listed, sort, request).ids


def limit_and_offset(call: Call, count: str = "size", default: int = 10, offset: str = "offset") -> tuple[int, int]:
    """Return limit and offset of a slice, from the parameters of these names."""
    limit = call.parameters.integer(count, default, high=MAX_ROWS)
    return limit, call.parameters.integer(offset, 0, high=MAX_OFFSET)


def in_folder(call: Call, listed: lists.List) -> lists.List:
    """Return a list without what does not lie in the folder of music that the call names, if it names one."""
    root = music_folder(call)
    if root is None or len(call.services.settings.music) == 1:
        return listed
    low, high = f"{root}/", f"{root}0"  # "0" follows "/"
    there = {
        "tracks": "t.path > ? AND t.path < ?",
        "albums": "EXISTS (SELECT 1 FROM tracks x WHERE x.album_id = b.id AND x.missing_since IS NULL "
        "AND x.path > ? AND x.path < ?)",
        "artists": "EXISTS (SELECT 1 FROM track_artists c JOIN tracks x ON x.id = c.track_id WHERE c.artist_id = a.id "
        "AND x.missing_since IS NULL AND x.path > ? AND x.path < ?)",
    }[listed.source.split()[0]]
    return replace(listed, filters=[*listed.filters, Filter(Sql(there, (low, high)), test_rows=10)])


def music_folder(call: Call) -> str | None:
    """Return the encoded folder of music that the call names, without a slash at its end; None if it names none."""
    value = call.parameters.text("musicFolderId")
    if not value:
        return None
    number = integer("musicFolderId", value)
    roots: Sequence[Any] = call.services.settings.music
    if not 1 <= number <= len(roots):
        raise not_found()
    return paths.encode(str(roots[number - 1])).rstrip("/")
