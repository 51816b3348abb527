"""The places of tracks on the map, in the database, and when they are due to be made anew.

A layout is the map as a whole; it has a number. New tracks are added to the present layout without moving the others.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from soniquebay.audio.feature_schema import FEATURE_VERSION, MUSICAL_KEYS
from soniquebay.library.queries import WITH_GONE
from soniquebay.library.similarity.vectors import COMPARABLE, COMPARABLE_VERSIONS, compared_version
from soniquebay.sqlite import plain_cursor

ALGORITHM_VERSION = 1  # raise it when `map_layout` places tracks elsewhere: the whole map is then made anew
MAX_COORDINATE = 65_535
MAX_NAMED_ARTISTS = 1000  # those with the most tracks: a map has no room for more names
_MAX_NEW_SHARE = 0.2  # of all tracks; with more of them the map is made anew

# Track, artist, first genre or 0, x, y, year or 0, number of the musical key or 0, beats a minute or 0.
Point = tuple[int, int, int, int, int, int, int, int]


class OutdatedLayoutError(Exception):
    """Another layout was begun or finished meanwhile."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do for the map."""

    layout: int
    """Number of the present layout; 0 if there is none."""
    analysed: int
    """Tracks with a vector."""
    unplaced: int
    """Those of them without a place."""
    is_outdated: bool
    """The present layout was made by another release, from other vectors or by other rules."""

    @property
    def is_new_layout_due(self) -> bool:
        """Whether all places are to be made anew."""
        return self.analysed > 0 and (self.is_outdated or self.unplaced > _MAX_NEW_SHARE * self.analysed)


def plan(db: sqlite3.Connection) -> Plan:
    """Return what there is to do. Missing tracks do not count."""
    state = db.execute("SELECT layout, feature_version, algorithm_version FROM map_state").fetchone()
    # What has a place has a vector (vectors.store), so the numbers need not be compared track by track.
    analysed, placed = db.execute(
        f"{WITH_GONE} SELECT (SELECT count(*) FROM vectors WHERE {COMPARABLE_VERSIONS}) "
        f"- (SELECT count(*) FROM vectors INDEXED BY vectors_failed WHERE data IS NULL AND {COMPARABLE_VERSIONS}) "
        f"- (SELECT count(*) FROM gone JOIN vectors ON track_id = id WHERE {COMPARABLE}), "
        "(SELECT count(*) FROM map_places WHERE layout = ?1) "
        "- (SELECT count(*) FROM gone JOIN map_places ON track_id = id AND layout = ?1)",
        (state["layout"],),
    ).fetchone()
    # A layout may be of newer vectors than can be compared now: an older track came back, and is analysed soon.
    is_comparable = (compared_version(db) or FEATURE_VERSION) <= state["feature_version"] <= FEATURE_VERSION
    is_outdated = not is_comparable or state["algorithm_version"] != ALGORITHM_VERSION
    return Plan(state["layout"], analysed, max(0, analysed - placed), is_outdated)


def begin(db: sqlite3.Connection) -> int:
    """Return the number of a new layout, which is not shown before it is finished. One that was begun ends here."""
    (layout,) = db.execute("UPDATE map_state SET begun = max(begun, layout) + 1 RETURNING begun").fetchone()
    db.execute("DELETE FROM map_places WHERE layout <> (SELECT layout FROM map_state)")
    return int(layout)


def store(db: sqlite3.Connection, layout: int, places: Iterable[tuple[int, int, int]]) -> int:
    """Store places, each an id of a track with x and y, and return how many; tracks that are gone are skipped.

    Raises `OutdatedLayoutError` unless the layout is the present one or the last that was begun.
    """
    _check(db, layout)
    cursor = db.executemany(
        "INSERT OR REPLACE INTO map_places (track_id, layout, x, y) SELECT id, ?4, ?2, ?3 FROM tracks WHERE id = ?1",
        ((track_id, x, y, layout) for track_id, x, y in places),
    )
    return cursor.rowcount


def finish(db: sqlite3.Connection, layout: int, feature_version: int, algorithm_version: int) -> None:
    """Show a layout from now on, and delete the one before. Raises `OutdatedLayoutError`, like `store`."""
    _check(db, layout)
    db.execute(
        "UPDATE map_state SET layout = ?, feature_version = ?, algorithm_version = ?",
        (layout, feature_version, algorithm_version),
    )
    db.execute("DELETE FROM map_places WHERE layout < ?", (layout,))


def placed(db: sqlite3.Connection, layout: int) -> list[tuple[int, int, int]]:
    """Return the ids of all tracks that have a place in a layout, with x and y, in the order of the ids."""
    return _plain(db, "SELECT track_id, x, y FROM map_places WHERE layout = ? ORDER BY track_id", (layout,))


def points(db: sqlite3.Connection) -> list[Point]:
    """Return the points of the map in the order of the tracks' ids. Missing tracks have none."""
    numbers: dict[str | None, int] = {None: 0, **{key: number for number, key in enumerate(MUSICAL_KEYS, start=1)}}
    rows = _plain(
        db,
        "SELECT p.track_id, t.artist_id, coalesce((SELECT g.genre_id FROM track_genres g WHERE g.track_id = t.id "
        "ORDER BY g.position LIMIT 1), 0), p.x, p.y, coalesce(t.year, 0), v.musical_key, "
        "coalesce(min(round(v.bpm), 255), 0) FROM map_places p JOIN tracks t ON t.id = p.track_id "
        "LEFT JOIN vectors v ON v.track_id = p.track_id "
        "WHERE p.layout = (SELECT layout FROM map_state) AND t.missing_since IS NULL ORDER BY p.track_id",
    )
    return [(*row[:6], numbers[row[6]], int(row[7])) for row in rows]


def names(db: sqlite3.Connection) -> dict[str, list[tuple[int, str]]]:
    """Return ids and names of the genres on the map, and of at most `MAX_NAMED_ARTISTS` artists: most tracks first."""
    on_map = (
        "map_places p JOIN tracks t ON t.id = p.track_id AND t.missing_since IS NULL "
        "AND p.layout = (SELECT layout FROM map_state)"
    )
    return {
        "genres": _plain(
            db,
            f"SELECT g.id, g.name FROM {on_map} JOIN track_genres tg ON tg.track_id = t.id "
            "JOIN genres g ON g.id = tg.genre_id GROUP BY g.id ORDER BY count(*) DESC, g.id",
        ),
        "artists": _plain(
            db,
            f"SELECT a.id, a.name FROM {on_map} JOIN artists a ON a.id = t.artist_id "
            "GROUP BY a.id ORDER BY count(*) DESC, a.id LIMIT ?",
            (MAX_NAMED_ARTISTS,),
        ),
    }


def _check(db: sqlite3.Connection, layout: int) -> None:
    state = db.execute("SELECT layout, begun FROM map_state").fetchone()
    if layout < 1 or layout not in {state["layout"], state["begun"]}:
        raise OutdatedLayoutError(f"layout {layout} is neither the present one nor the one that was begun last")


def _plain(db: sqlite3.Connection, query: str, values: Sequence[object] = ()) -> list[Any]:
    cursor = plain_cursor(db)
    return cursor.execute(query, values).fetchall()
