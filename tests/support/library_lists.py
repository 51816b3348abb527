"""Short ways to the tracks, albums and artists of a library."""

import sqlite3

from soniquebay.library import queries
from soniquebay.library.browsing import browse, lists


def tracks(
    db: sqlite3.Connection,
    limit: int,
    offset: int,
    album_id: int | None = None,
    artist_id: int | None = None,
    *,
    missing: bool = False,
) -> queries.Page:
    """Return tracks in the order of album, disc and number, optionally of one album or artist only.

    `missing`: only missing tracks, instead of all others.
    """
    listed = lists.tracks(db, album_id=album_id, artist_id=artist_id, missing=missing)
    found = browse.page(db, listed, "album", browse.Request((), limit, offset, count=lists.count))
    return queries.Page(queries.tracks_by_id(db, found.ids), found.total)


def albums(db: sqlite3.Connection, limit: int, offset: int, artist_id: int | None) -> queries.Page:
    """Return albums in the order of artist and year, optionally of one artist only."""
    found = browse.page(
        db, lists.albums(db, artist_id=artist_id), "artist", browse.Request((), limit, offset, count=lists.count)
    )
    return queries.Page(queries.albums_by_id(db, found.ids), found.total)


def artists(db: sqlite3.Connection, limit: int, offset: int) -> queries.Page:
    """Return the artists, of whatever role, in the order of their names."""
    found = browse.page(db, lists.artists(db, role="any"), "name", browse.Request((), limit, offset, count=lists.count))
    return queries.Page(queries.artists_by_id(db, found.ids), found.total)
