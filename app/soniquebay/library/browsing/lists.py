"""The lists of tracks, albums and artists: which filters and orders each has."""

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from soniquebay.library.browsing.pages import (
    ALWAYS,
    Column,
    Filter,
    Order,
    Sql,
    all_of,
    among,
    between,
    chosen,
    few_ids,
    first_indexed,
    largest_id,
)

TrackSort = Literal["album", "title", "artist", "year", "added", "random", "similar", "tag"]
AlbumSort = Literal["artist", "title", "year", "added", "random", "similar"]
ArtistSort = Literal["name", "added", "tracks", "random", "similar"]
GenreSort = Literal["name", "tracks", "albums", "random", "similar"]
Role = Literal[
    "any", "artist", "album_artist", "composer", "lyricist", "writer", "conductor", "performer", "remixer", "arranger",
    "producer", "dj_mixer", "mixer", "engineer", "director",
]  # fmt: skip


_MAX_RARE_ROWS = 20_000  # to read them all takes some 20 ms


@dataclass(frozen=True, slots=True)
class List:
    """A list of one kind with filters: where its rows come from, and its orders by name."""

    source: str  # a FROM clause
    id: str
    present: str  # the condition that all of its rows fulfil
    filters: Sequence[Filter]
    orders: dict[str, Order] = field(default_factory=dict)


def count(db: sqlite3.Connection, listed: List) -> int:
    """Return how many rows a list has."""
    source = few_ids(db, listed.filters, _MAX_RARE_ROWS) or first_indexed(
        [f for f in listed.filters if f.test_rows == 1]
    )
    if len(listed.filters) == 1 and source and source.ids and source.count:
        query = Sql(f"SELECT coalesce(({source.count}), 0)", source.ids.values)
    else:
        where = all_of([Sql(listed.present), *chosen(listed.id, listed.filters, source)])
        query = Sql(f"SELECT count(*) FROM {listed.source} WHERE {where.text}", where.values)
    return int(db.execute(*query).fetchone()[0])


# --- tracks ----------------------------------------------------------------------------------------------------------

_TRACK_ID = Column("t.id", int)
_ON_ALBUM = (
    Column("t.album_id", int, nullable=True),
    Column("t.disc_no", int, nullable=True),
    Column("t.track_no", int, nullable=True),
)
_TRACK_PRESENT = "t.missing_since IS NULL"
_TRACKS_BY_ARTIST = (Column("a.sort_name", str), Column("a.id", int), *_ON_ALBUM, _TRACK_ID)
_TRACK_ORDERS = {
    "album": Order(
        (*_ON_ALBUM, _TRACK_ID),
        "tracks t INDEXED BY tracks_album",
        "tracks t",
        _TRACK_PRESENT,
        ("t.album_id", "t.missing_since", "t.disc_no", "t.track_no", "t.id"),
    ),
    "artist": Order(
        _TRACKS_BY_ARTIST,
        "artists a INDEXED BY artists_sort_name CROSS JOIN tracks t INDEXED BY tracks_artist ON t.artist_id = a.id",
        "tracks t CROSS JOIN artists a ON a.id = t.artist_id",
        _TRACK_PRESENT,
    ),
    **{
        name: Order((column, _TRACK_ID), f"tracks t INDEXED BY tracks_{index}", "tracks t", _TRACK_PRESENT)
        for name, index, column in (
            ("title", "sort_title", Column("t.sort_title", str)),
            ("year", "year", Column("t.year", int, nullable=True)),
            ("added", "added", Column("t.added_at", float)),
        )
    },
}


def tracks(
    db: sqlite3.Connection,
    *,
    album_id: int | None = None,
    artist_id: int | None = None,
    role: Role | None = None,
    genre_id: int | None = None,
    year_from: int | None = None,
    year_to: int | None = None,
    format: str | None = None,
    added_after: float | None = None,
    track_ids: Sequence[int] | None = None,
    missing: bool = False,
) -> List:
    """Return the list of the tracks that fulfil all these filters.

    `artist_id` finds the tracks that credit the artist, in whatever role or in this `role`. `track_ids`: only these.
    `missing`: only missing tracks, instead of all others.
    """
    found = [
        _equals("t.album_id", album_id, "SELECT id FROM tracks WHERE album_id = ?"),
        _credit(artist_id, role),
        between("t.added_at", added_after, None, "SELECT id FROM tracks WHERE missing_since IS NULL", exclusive=True),
        None if track_ids is None else among("t.id", track_ids),
    ]
    filters = [*(f for f in found if f), *_of_music(db, genre_id, year_from, year_to, format)]
    if not missing:
        return List("tracks t", "t.id", _TRACK_PRESENT, filters, _TRACK_ORDERS)
    # Their own index finds them. The indexes of orders and ranges hold the other tracks only.
    filters = [replace(f, ids=None if f.ids and "missing_since" in f.ids.text else f.ids, count="") for f in filters]
    filters.append(Filter(ALWAYS, Sql("SELECT id FROM tracks WHERE missing_since IS NOT NULL")))
    present = "t.missing_since IS NOT NULL"
    orders = {name: replace(order, walked="", condition=present) for name, order in _TRACK_ORDERS.items()}
    return List("tracks t", "t.id", present, filters, orders)


def _of_music(
    db: sqlite3.Connection, genre_id: int | None, year_from: int | None, year_to: int | None, format: str | None
) -> list[Filter]:
    """Return the filters of tracks for what they are."""
    present = "SELECT id FROM tracks WHERE missing_since IS NULL"
    found = [
        _link("track_genres", "track_id", "genre_id", "t.id", genre_id, "SELECT track_count FROM genres WHERE id = ?"),
        between("t.year", year_from, year_to, present),
        _equals("t.format", _known_format(db, format), f"{present} AND format = ?"),
    ]
    return [f for f in found if f]


def _equals(column: str, value: Any, ids: str = "") -> Filter | None:
    if value is None:
        return None
    count = f"SELECT count(*) FROM ({ids})" if "missing_since" in ids else ""
    return Filter(Sql(f"+{column} = ?", (value,)), Sql(ids, (value,)) if ids else None, count=count)


def _link(  # noqa: PLR0917 - the names of a table and its columns
    table: str, to: str, by: str, id: str, value: int | None, count: str = ""
) -> Filter | None:
    """Return the filter for rows that a table links to a value; `count` is that of the filter."""
    if value is None:
        return None
    test = f"EXISTS (SELECT 1 FROM {table} x WHERE x.{to} = {id} AND x.{by} = ?)"
    return Filter(Sql(test, (value,)), Sql(f"SELECT {to} FROM {table} WHERE {by} = ?", (value,)), count=count)


def _credit(artist_id: int | None, role: Role | None) -> Filter | None:
    if artist_id is None:
        return None
    in_role, values = ("", (artist_id,)) if role in {None, "any"} else (" AND {}role = ?", (artist_id, role))
    test = f"EXISTS (SELECT 1 FROM track_artists x WHERE x.track_id = t.id AND +x.artist_id = ?{in_role.format('x.')})"
    ids = f"SELECT track_id FROM track_artists WHERE artist_id = ?{in_role.format('')}"
    return Filter(Sql(test, values), Sql(ids, values))


def _known_format(db: sqlite3.Connection, name: str | None) -> str | None:
    """Return a format as the library writes it ("FLAC" for "flac"); an unknown one as it is."""
    if name is None:
        return None
    known = db.execute(
        "WITH RECURSIVE formats (name) AS (SELECT min(format) FROM tracks WHERE missing_since IS NULL UNION ALL "
        "SELECT (SELECT min(format) FROM tracks WHERE format > name AND missing_since IS NULL) FROM formats "
        "WHERE name IS NOT NULL) SELECT name FROM formats WHERE name IS NOT NULL"
    )
    return next((row["name"] for row in known if row["name"].casefold() == name.casefold()), name)


# --- albums ----------------------------------------------------------------------------------------------------------

_ALBUM_ID = Column("b.id", int)
ALBUM_PRESENT = "EXISTS (SELECT 1 FROM tracks t WHERE t.album_id = b.id AND t.missing_since IS NULL)"
_HALF_AMONG = (
    "SELECT h.album_id FROM json_each(?) j CROSS JOIN tracks h ON h.id = j.value AND h.missing_since IS NULL "
    "WHERE h.album_id IS NOT NULL GROUP BY h.album_id HAVING 2 * count(*) >= "
    "(SELECT count(*) FROM tracks o WHERE o.album_id = h.album_id AND o.missing_since IS NULL)"
)
_ALBUM_ORDERS = {
    "artist": Order(
        (
            Column("o.sort_name", str), Column("o.id", int), Column("b.year", int, nullable=True),
            Column("b.sort_title", str), _ALBUM_ID,
        ),
        "artists o INDEXED BY artists_sort_name CROSS JOIN albums b INDEXED BY albums_artist ON b.artist_id = o.id",
        "albums b CROSS JOIN artists o ON o.id = b.artist_id",
        ALBUM_PRESENT,
    ),
    **{
        name: Order((column, _ALBUM_ID), f"albums b INDEXED BY albums_{index}", "albums b", ALBUM_PRESENT)
        for name, index, column in (
            ("title", "sort_title", Column("b.sort_title", str)),
            ("year", "year", Column("b.year", int, nullable=True)),
            ("added", "added", Column("b.added_at", float)),
        )
    },
}  # fmt: skip


def albums(
    db: sqlite3.Connection,
    *,
    artist_id: int | None = None,
    genre_id: int | None = None,
    year_from: int | None = None,
    year_to: int | None = None,
    format: str | None = None,
    added_after: float | None = None,
    compilation: bool | None = None,
    track_ids: Sequence[int] | None = None,
) -> List:
    """Return the list of the albums that fulfil all these filters; `artist_id` is an artist of the album itself.

    An album has a genre or a format if one of its tracks has it. `track_ids`: half of its tracks are among these.
    """
    found = [
        _link("album_artists", "album_id", "artist_id", "b.id", artist_id),
        _link("album_genres", "album_id", "genre_id", "b.id", genre_id, "SELECT album_count FROM genres WHERE id = ?"),
        between("b.added_at", added_after, None, "SELECT id FROM albums WHERE true", exclusive=True),
        between("b.year", year_from, year_to, "SELECT id FROM albums WHERE true"),
        _album_format(_known_format(db, format)),
        _equals("b.compilation", None if compilation is None else int(compilation)),
        None if track_ids is None else among("b.id", track_ids, _HALF_AMONG),
    ]
    return List("albums b", "b.id", ALBUM_PRESENT, [f for f in found if f], _ALBUM_ORDERS)


def _album_format(name: str | None) -> Filter | None:
    if name is None:
        return None
    test = "EXISTS (SELECT 1 FROM tracks x WHERE x.album_id = b.id AND x.missing_since IS NULL AND +x.format = ?)"
    ids = "SELECT album_id FROM tracks WHERE format = ? AND missing_since IS NULL"
    return Filter(Sql(test, (name,)), Sql(ids, (name,)))


# --- artists ---------------------------------------------------------------------------------------------------------

_ARTIST_ID = Column("a.id", int)
_HAS_ALBUM = (
    "EXISTS (SELECT 1 FROM album_artists c CROSS JOIN tracks t ON t.album_id = c.album_id "
    "WHERE c.artist_id = a.id AND t.missing_since IS NULL)"
)
_HAS_ANY_ROLE = "EXISTS (SELECT 1 FROM artist_roles r WHERE r.artist_id = a.id)"
_HAS_ROLE = "EXISTS (SELECT 1 FROM artist_roles r WHERE r.artist_id = a.id AND r.role = ?)"
_ARTIST_ORDERS = {
    "name": Order((Column("a.sort_name", str), _ARTIST_ID), "artists a INDEXED BY artists_sort_name", "artists a"),
    "added": Order((Column("a.added_at", float), _ARTIST_ID), "artists a INDEXED BY artists_added", "artists a"),
}


def artists(
    db: sqlite3.Connection,
    *,
    role: Role | None = None,
    genre_id: int | None = None,
    year_from: int | None = None,
    year_to: int | None = None,
    format: str | None = None,
    added_after: float | None = None,
) -> List:
    """Return the list of the artists of a role; without a role those of tracks and those of albums.

    One track of the artist in the role has the genre, the year and the format. The order by the number of tracks has
    only artists of one role: `artist`, unless it is given.
    """
    filters = []
    if role is None:
        filters.append(Filter(Sql(f"({_HAS_ROLE} OR {_HAS_ALBUM})", ("artist",))))
    elif role == "any":
        filters.append(Filter(Sql(f"({_HAS_ANY_ROLE} OR {_HAS_ALBUM})")))
    elif role == "album_artist":
        filters.append(Filter(Sql(_HAS_ALBUM), Sql("SELECT artist_id FROM album_artists"), selects_more=True))
    else:
        ids = "SELECT artist_id FROM artist_roles WHERE role = ?"
        filters.append(Filter(Sql(_HAS_ROLE, (role,)), Sql(ids, (role,))))
    added = between("a.added_at", added_after, None, "SELECT id FROM artists WHERE true", exclusive=True)
    filters += [added] if added else []
    credits = "album_artists" if role == "album_artist" else "track_artists"
    in_role = ALWAYS if role in {"any", "album_artist"} else Sql("c.role = ?", (role or "artist",))
    filters += _with_track(
        credits, "artist_id", "a.id", _of_music(db, genre_id, year_from, year_to, format), in_role, tracks_each=40
    )
    counted_role = "artist" if role in {None, "any", "album_artist"} else role
    by_tracks = Order(
        (Column("r.track_count", int), Column("r.artist_id", int)),
        "artist_roles r INDEXED BY artist_roles_count CROSS JOIN artists a ON a.id = r.artist_id",
        "artists a CROSS JOIN artist_roles r ON r.artist_id = a.id",
        f"r.role = '{counted_role}'",
    )
    return List("artists a", "a.id", "true", filters, {**_ARTIST_ORDERS, "tracks": by_tracks})


def _with_track(
    table: str, owner: str, id: str, of_tracks: Sequence[Filter], condition: Sql = ALWAYS, *, tracks_each: int
) -> list[Filter]:
    """Return filters for the artists or genres that have one track on which some filters of tracks agree.

    `table` has the column `owner`, and links it to tracks or albums, under the name c with a condition. `tracks_each`:
    about how many tracks each has.
    """
    on = "t.album_id = c.album_id" if table == "album_artists" else "t.id = c.track_id"
    conditions = [condition, Sql(_TRACK_PRESENT)]
    where = all_of([*conditions, *(f.test for f in of_tracks)])
    test = f"EXISTS (SELECT 1 FROM {table} c CROSS JOIN tracks t ON {on} WHERE c.{owner} = {id} AND {where.text})"
    filters: list[Filter] = []
    for f in of_tracks:
        if f.ids:
            others = all_of([*conditions, *(other.test for other in of_tracks if other is not f)])
            ids = (
                f"WITH i (id) AS ({f.ids.text}) SELECT c.{owner} FROM i CROSS JOIN tracks t ON t.id = i.id "
                f"CROSS JOIN {table} c ON {on} WHERE {others.text}"
            )
            # One condition tests all of them.
            tested = ALWAYS if filters else Sql(test, where.values)
            filters.append(Filter(tested, Sql(ids, f.ids.values + others.values), f.ids, test_rows=tracks_each))
    return filters


# --- genres ----------------------------------------------------------------------------------------------------------

_GENRE_ID = Column("g.id", int)


def genres(
    db: sqlite3.Connection, *, year_from: int | None = None, year_to: int | None = None, format: str | None = None
) -> List:
    """Return the list of the genres that have a track of some years and a format.

    They are few, so an order needs no index. To test each reads (all tracks / such tracks) of it, so that is quicker
    unless such tracks are rare.
    """
    filters = _with_track(
        "track_genres", "genre_id", "g.id", _of_music(db, None, year_from, year_to, format), tracks_each=10_000
    )
    few = few_ids(db, filters, math.isqrt(largest_id(db, "genres g") * largest_id(db, "tracks t")))
    filters = [f if f is few else replace(f, ids=None) for f in filters]
    columns = {
        "name": Column("g.sort_name", str),
        "tracks": Column("g.track_count", int),
        "albums": Column("g.album_count", int),
    }
    present = "g.track_count > 0"
    orders = {name: Order((column, _GENRE_ID), "", "genres g", present) for name, column in columns.items()}
    return List("genres g", "g.id", present, filters, orders)
