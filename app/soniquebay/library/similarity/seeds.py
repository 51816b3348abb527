"""The tracks by whose mean an album, an artist or a genre is compared with other tracks."""

import sqlite3
from typing import Any, Literal

from soniquebay.library.browsing import browse, lists

MAX_SEEDS = 1000


def seeds(db: sqlite3.Connection, kind: Literal["album", "artist", "genre"], item_id: int) -> list[int]:
    """Return the ids of the tracks of an album, artist or genre, at most `MAX_SEEDS`; none of what is not there."""
    filters: dict[str, Any] = {f"{kind}_id": item_id}
    listed = lists.tracks(db, **filters)
    return browse.page(db, listed, "album", browse.Request((), MAX_SEEDS, 0)).ids
