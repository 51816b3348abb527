"""Items: the tracks, albums and artists on which something of a user hangs, and what they are found again by.

An item has an id of its own, which outlives the library's. `reattach.py` finds the row of an item in the library again.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

Kind = Literal["track", "album", "artist"]

_TRACK = """
SELECT t.id AS library_id, t.added_at, t.title, t.credit AS artist, b.title AS album, t.mbid, t.path, t.part,
       t.fingerprint, t.duration
FROM json_each(?) j CROSS JOIN library.tracks t ON t.id = j.value LEFT JOIN library.albums b ON b.id = t.album_id
"""
_ALBUM = """
SELECT b.id AS library_id, b.added_at, b.title, b.credit AS artist, b.mbid, (SELECT t.id FROM library.tracks t
    WHERE t.album_id = b.id ORDER BY t.missing_since, t.disc_no, t.track_no LIMIT 1) AS sample
FROM json_each(?) j CROSS JOIN library.albums b ON b.id = j.value
"""
_ARTIST = """
SELECT a.id AS library_id, a.added_at, a.name AS title, a.mbid,
       coalesce((SELECT json_array(t.id, 'artist') FROM library.tracks t WHERE t.artist_id = a.id
                 ORDER BY t.missing_since LIMIT 1),
                (SELECT json_array(t.id, 'album_artist') FROM library.albums b
                 JOIN library.tracks t ON t.album_id = b.id
                 WHERE b.artist_id = a.id LIMIT 1),
                (SELECT json_array(c.track_id, c.role) FROM library.track_artists c WHERE c.artist_id = a.id LIMIT 1)
       ) AS sample
FROM json_each(?) j CROSS JOIN library.artists a ON a.id = j.value
"""
_SELECT: dict[Kind, str] = {"track": _TRACK, "album": _ALBUM, "artist": _ARTIST}


class UnknownItemError(LookupError):
    """The library has no track, album or artist with an id. The text says which."""


@dataclass(frozen=True, slots=True)
class Item:
    """A track, album or artist as the library has it now. What a kind does not have is None."""

    kind: Kind
    library_id: int
    added_at: float
    """Unix seconds."""
    title: str
    artist: str | None = None
    album: str | None = None
    mbid: str | None = None
    path: str | None = None
    part: int | None = None
    fingerprint: int | None = None
    duration: float | None = None
    """Seconds."""
    sample: "Item | None" = None
    """A track of the album or artist."""
    sample_role: str | None = None
    """In which the artist is credited there: `artist` for the first one of the track."""


_COLUMNS = [f.name for f in fields(Item) if f.name != "sample"] + ["sample_id"]


def read(db: sqlite3.Connection, kind: Kind, ids: Iterable[int]) -> list[Item]:
    """Return the items of ids of the library, in their order, from a reader. Raises `UnknownItemError`."""
    ids = list(ids)
    found = read_known(db, kind, ids)
    for i in ids:
        if i not in found:
            raise UnknownItemError(f"no {kind} {i}")
    return [found[i] for i in ids]


def read_known(db: sqlite3.Connection, kind: Kind, ids: Iterable[int]) -> dict[int, Item]:
    """Return the items of those ids that the library has, by id."""
    rows = [dict(row) for row in db.execute(_SELECT[kind], (json.dumps(list(dict.fromkeys(ids))),))]
    for row in rows:
        if kind == "artist" and row["sample"]:
            row["sample"], row["sample_role"] = json.loads(row["sample"])
    wanted = [row["sample"] for row in rows if row.get("sample")]
    samples = read_known(db, "track", wanted) if wanted else {}
    return {row["library_id"]: Item(kind, **{**row, "sample": samples.get(row.get("sample") or 0)}) for row in rows}


def get_or_add(db: sqlite3.Connection, items: Sequence[Item]) -> list[int]:
    """Return the ids of items, which are added where they are new."""
    known: dict[tuple[Kind, int], int] = {}
    for kind in {item.kind for item in items}:
        known.update(((kind, i), item_id) for i, item_id in ids_of(db, kind, [j.library_id for j in items]).items())
    for item in items:
        if (item.kind, item.library_id) not in known:
            sample_id = None
            if item.sample:
                [sample_id] = get_or_add(db, [item.sample])
                known["track", item.sample.library_id] = sample_id  # it may be one of `items`
            known[item.kind, item.library_id] = _insert(db, item, sample_id)
    return [known[item.kind, item.library_id] for item in items]


def _insert(db: sqlite3.Connection, item: Item, sample_id: int | None) -> int:
    names, places = ", ".join(_COLUMNS), ", ".join(f":{name}" for name in _COLUMNS)
    cursor = db.execute(f"INSERT INTO items ({names}) VALUES ({places})", _values(item, sample_id))
    return int(cursor.lastrowid or 0)


def update(db: sqlite3.Connection, item_id: int, item: Item) -> None:
    """Store what an item is found by now."""
    sample_id = get_or_add(db, [item.sample])[0] if item.sample else None
    changes = ", ".join(f"{name} = :{name}" for name in _COLUMNS)
    db.execute(f"UPDATE items SET {changes} WHERE id = :id", {**_values(item, sample_id), "id": item_id})


def _values(item: Item, sample_id: int | None) -> dict[str, Any]:
    return {name: getattr(item, name) for name in _COLUMNS if name != "sample_id"} | {"sample_id": sample_id}


def ids_of(db: sqlite3.Connection, kind: Kind, library_ids: Iterable[int]) -> dict[int, int]:
    """Return the ids of the items of ids of the library; those that are no items are left out."""
    rows = db.execute(
        "SELECT i.library_id, i.id FROM json_each(?) j CROSS JOIN items i ON i.kind = ? AND i.library_id = j.value",
        (json.dumps(list(dict.fromkeys(library_ids))), kind),
    )
    return {row["library_id"]: row["id"] for row in rows}


def id_of(db: sqlite3.Connection, kind: Kind, library_id: int) -> int | None:
    """Return the id of the item of an id of the library; None where nothing hangs on it."""
    return ids_of(db, kind, [library_id]).get(library_id)
