"""Finding items in the library again: after a merge, after a purge, and in a library that was made anew.

A row of the library is known by its id together with the time at which it was added. The library gives no id twice, but
another file in its place does: one that was made anew, or an older copy. So `detach` runs before anything is answered.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from soniquebay.library.catalogue.names import normalised_name
from soniquebay.listeners import items
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.items import Kind

ITEMS_PER_TRANSACTION = 500  # a visitor's own change gets its turn in between
_TABLE: dict[Kind, str] = {"track": "library.tracks", "album": "library.albums", "artist": "library.artists"}
_SAME_SOUND_SECONDS = 0.5  # between two lengths that readers of different releases state for one file
_SAME_RECORDING_SECONDS = 3.0  # between two files of one recording; encoders add silence at the ends


def detach(database: ListenersDatabase) -> int:
    """Note which items are no longer in the library, or have their id from another library; return how many."""
    detached = 0
    for kind, table in _TABLE.items():
        rows = database.reader().execute(
            f"SELECT i.id FROM items i LEFT JOIN {table} t ON t.id = i.library_id AND t.added_at = i.added_at "
            "WHERE i.kind = ? AND i.library_id IS NOT NULL AND t.id IS NULL",
            (kind,),
        )
        for part in _parts([row["id"] for row in rows]):
            with database.transaction() as db:
                db.executemany("UPDATE items SET library_id = NULL WHERE id = ?", [(i,) for i in part])
            detached += len(part)
    return detached


def reattach(database: ListenersDatabase, after_track_id: int = 0) -> int:
    """Find detached items in the library again, and return how many were found.

    By its recording or title a track is only found among those with larger ids than `after_track_id`: to look for that
    all of them are read.
    """
    reader = database.reader()
    found = _attach(database, "track", _find_tracks(reader, after_track_id))
    # These are found by their tracks, too.
    found += _attach(database, "album", _find_albums(reader))
    return found + _attach(database, "artist", _find_artists(reader))


def refresh(database: ListenersDatabase) -> None:
    """Store anew what items are found by, where the library says something else now."""
    for kind, differing in _DIFFERING.items():
        rows = database.reader().execute(differing).fetchall()
        for part in _parts(rows):
            now = items.read_known(database.reader(), kind, [row["library_id"] for row in part])
            with database.transaction() as db:
                for row in part:
                    if row["library_id"] in now:
                        items.update(db, row["id"], now[row["library_id"]])


def forget_unused(db: sqlite3.Connection) -> None:
    """Delete the items on which nothing hangs any more."""
    used = " UNION ALL ".join(f"SELECT item_id FROM {table}" for table in _KEPT if table != "plays")
    for condition in ("kind <> 'track'", "id NOT IN (SELECT sample_id FROM items WHERE sample_id IS NOT NULL)"):
        # What hangs on plays hangs on play counts, too.
        db.execute(f"DELETE FROM items WHERE id NOT IN ({used}) AND {condition}")


# What differs between items and the library; and the samples that do not lead to their album or artist.
_DIFFERING: dict[Kind, str] = {
    "track": """
SELECT i.id, i.library_id FROM items i CROSS JOIN library.tracks t ON t.id = i.library_id
LEFT JOIN library.albums b ON b.id = t.album_id
WHERE i.kind = 'track' AND (i.title IS NOT t.title OR i.artist IS NOT t.credit OR i.album IS NOT b.title
    OR i.mbid IS NOT t.mbid OR i.path IS NOT t.path OR i.part IS NOT t.part OR i.fingerprint IS NOT t.fingerprint
    OR i.duration IS NOT t.duration)
""",
    "album": """
SELECT i.id, i.library_id FROM items i CROSS JOIN library.albums b ON b.id = i.library_id
LEFT JOIN items s ON s.id = i.sample_id LEFT JOIN library.tracks t ON t.id = s.library_id
WHERE i.kind = 'album' AND (i.title IS NOT b.title OR i.artist IS NOT b.credit OR i.mbid IS NOT b.mbid
    OR t.album_id IS NOT b.id)
""",
    "artist": """
SELECT i.id, i.library_id FROM items i CROSS JOIN library.artists a ON a.id = i.library_id
LEFT JOIN items s ON s.id = i.sample_id LEFT JOIN library.tracks t ON t.id = s.library_id
LEFT JOIN library.albums b ON b.id = t.album_id
WHERE i.kind = 'artist' AND (i.title IS NOT a.name OR i.mbid IS NOT a.mbid OR NOT CASE i.sample_role
    WHEN 'artist' THEN t.artist_id IS a.id WHEN 'album_artist' THEN b.artist_id IS a.id
    ELSE EXISTS (SELECT 1 FROM library.track_artists c WHERE c.track_id = t.id AND c.artist_id = a.id) END)
""",
}


def _parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    upcoming = iter(rows)
    while part := list(islice(upcoming, ITEMS_PER_TRANSACTION)):
        yield part


def _attach(database: ListenersDatabase, kind: Kind, found: Mapping[int, int]) -> int:
    for part in _parts(found.items()):
        now = items.read_known(database.reader(), kind, [library_id for _, library_id in part])
        with database.transaction() as db:
            for item_id, library_id in part:
                other = items.id_of(db, kind, library_id)
                if other is not None:
                    _merge(db, item_id, other)
                elif library_id in now:
                    items.update(db, item_id, now[library_id])
    return len(found)


# --- tracks ----------------------------------------------------------------------------------------------------------

_LOST = "i.kind = 'track' AND i.library_id IS NULL"
_CANDIDATE = """
i.id, t.id AS library_id, t.fingerprint IS i.fingerprint AS same_fingerprint, t.mbid IS i.mbid AS same_mbid,
t.title = i.title AND t.credit IS i.artist AS same_title, t.path = i.path AND t.part = i.part AS same_place,
abs(t.duration - i.duration) AS difference, t.path, i.path AS path_before, t.missing_since IS NOT NULL AS is_missing,
EXISTS (SELECT 1 FROM items o WHERE o.kind = 'track' AND o.library_id = t.id) AS is_taken
"""
_BY_INDEX = f"""
SELECT {_CANDIDATE} FROM items i CROSS JOIN library.tracks t ON t.path = i.path AND t.part = i.part WHERE {_LOST}
UNION SELECT {_CANDIDATE} FROM items i CROSS JOIN library.tracks t ON t.fingerprint = i.fingerprint WHERE {_LOST}
"""
_BY_READING = f"""
SELECT {_CANDIDATE} FROM library.tracks t CROSS JOIN items i INDEXED BY items_lost_by_mbid ON i.mbid = t.mbid
WHERE t.id > ?1 AND {_LOST}
UNION SELECT {_CANDIDATE} FROM library.tracks t CROSS JOIN items i INDEXED BY items_lost_by_title ON i.title = t.title
WHERE t.id > ?1 AND {_LOST} AND i.artist IS t.credit
"""


def _find_tracks(db: sqlite3.Connection, after_track_id: int) -> dict[int, int]:
    """Return the ids of tracks in the library by those of detached items."""
    if db.execute(f"SELECT 1 FROM items i WHERE {_LOST} LIMIT 1").fetchone() is None:
        return {}
    candidates: dict[int, list[sqlite3.Row]] = {}
    for rows in (db.execute(_BY_INDEX), db.execute(_BY_READING, (after_track_id,))):
        for row in rows:
            if _likeness(row):
                candidates.setdefault(row["id"], []).append(row)
    taken: set[int] = set()
    found: dict[int, int] = {}
    # The surest ones first: of two copies of a file each gets one of those that are there.
    for item_id in sorted(candidates, key=lambda i: min(_unlikeness(row, taken) for row in candidates[i])):
        best = min(candidates[item_id], key=lambda row: _unlikeness(row, taken))
        found[item_id] = best["library_id"]
        taken.add(best["library_id"])
    return found


def _likeness(row: sqlite3.Row) -> int:
    """Return how surely a track of the library is the one that an item was; 0: it is not."""
    if row["same_fingerprint"] or (row["same_place"] and row["difference"] < _SAME_SOUND_SECONDS):
        return 3
    if row["difference"] < _SAME_RECORDING_SECONDS and (row["same_mbid"] or row["same_title"]):
        return 2
    # A file in the place of another one is the same track for the library, too.
    return 1 if row["same_place"] else 0


def _unlikeness(row: sqlite3.Row, taken: set[int]) -> tuple[Any, ...]:
    """Return the place of a candidate in the order in which they are chosen."""
    return (
        -_likeness(row),
        not row["same_place"],
        row["is_taken"] or row["library_id"] in taken,
        row["path"].rpartition("/")[2] != row["path_before"].rpartition("/")[2],
        row["is_missing"],
        row["library_id"],
    )


# --- albums and artists ----------------------------------------------------------------------------------------------


def _find_albums(db: sqlite3.Connection) -> dict[int, int]:
    lost = _lost(db, "album", "t.album_id")
    found = {}
    named = _named(db, lost, "library.albums", "normalised_title", "credit")
    for item in lost:
        same = [
            row
            for row in named.get(normalised_name(item["title"]), ())
            if _same_mbid(item, row)
            or (not _other_mbid(item, row) and normalised_name(row["credit"]) == normalised_name(item["artist"] or ""))
        ]
        best = _best(item, same)
        if best is not None:
            found[item["id"]] = best
    return found


def _find_artists(db: sqlite3.Connection) -> dict[int, int]:
    lost = _lost(
        db,
        "artist",
        "CASE i.sample_role WHEN 'artist' THEN t.artist_id WHEN 'album_artist' THEN b.artist_id ELSE "
        "(SELECT min(c.artist_id) FROM library.track_artists c WHERE c.track_id = t.id AND c.role = i.sample_role "
        "HAVING count(DISTINCT c.artist_id) = 1) END",
    )
    found = {}
    named = _named(db, lost, "library.artists", "normalised_name", "name")
    for item in lost:
        by_id = db.execute("SELECT id, mbid FROM library.artists WHERE mbid = ?", (item["mbid"],)).fetchall()
        same = [row for row in named.get(normalised_name(item["title"]), ()) if not _other_mbid(item, row)]
        best = _best(item, by_id or same)
        if best is not None:
            found[item["id"]] = best
    return found


def _lost(db: sqlite3.Connection, kind: Kind, leads_to: str) -> list[sqlite3.Row]:
    """Return the detached items of a kind; `leads_to` is where its sample leads."""
    return db.execute(
        f"SELECT i.id, i.title, i.artist, i.mbid, {leads_to} AS leads_to FROM items i "
        "LEFT JOIN items s ON s.id = i.sample_id LEFT JOIN library.tracks t ON t.id = s.library_id "
        "LEFT JOIN library.albums b ON b.id = t.album_id WHERE i.kind = ? AND i.library_id IS NULL",
        (kind,),
    ).fetchall()


def _named(
    db: sqlite3.Connection, lost: Sequence[sqlite3.Row], table: str, normalised: str, column: str
) -> dict[str, list[sqlite3.Row]]:
    """Return the rows of a table by their normalised names, which are those of the items."""
    rows: dict[str, list[sqlite3.Row]] = {}
    names = json.dumps(sorted({normalised_name(item["title"]) for item in lost}))
    for row in db.execute(
        f"SELECT t.id, t.mbid, t.{normalised} AS normalised, t.{column} FROM json_each(?) j "
        f"CROSS JOIN {table} t ON t.{normalised} = j.value",
        (names,),
    ):
        rows.setdefault(row["normalised"], []).append(row)
    return rows


def _same_mbid(item: sqlite3.Row, row: sqlite3.Row) -> bool:
    return item["mbid"] is not None and item["mbid"] == row["mbid"]


def _other_mbid(item: sqlite3.Row, row: sqlite3.Row) -> bool:
    return None not in {item["mbid"], row["mbid"]} and item["mbid"] != row["mbid"]


def _best(item: sqlite3.Row, same: Sequence[sqlite3.Row]) -> int | None:
    """Return the id of the most likely row: one that says the same, or else the one to which the sample leads."""
    if not same:
        return None if item["leads_to"] is None else int(item["leads_to"])
    best = min(same, key=lambda row: (not _same_mbid(item, row), row["id"] != item["leads_to"], row["id"]))
    return int(best["id"])


# --- two items that are one now --------------------------------------------------------------------------------------

_KEPT = ("stars", "ratings", "play_counts", "plays", "bookmarks", "playlist_entries", "play_queue_entries")


def _merge(db: sqlite3.Connection, old: int, new: int) -> None:
    """Give the item `new` what hangs on the item `old`, and delete that one.

    The older star, the newer rating and the newer bookmark stay, and plays add up.
    """
    both = {"old": old, "new": new}
    for statement in (
        "INSERT INTO stars SELECT :new, user_id, kind, starred_at FROM stars WHERE item_id = :old "
        "ON CONFLICT DO UPDATE SET starred_at = min(starred_at, excluded.starred_at)",
        "INSERT INTO ratings SELECT :new, user_id, kind, rating, rated_at FROM ratings WHERE item_id = :old "
        "ON CONFLICT DO UPDATE SET rating = excluded.rating, rated_at = excluded.rated_at "
        "WHERE excluded.rated_at > rated_at",
        "INSERT INTO play_counts SELECT :new, user_id, kind, play_count, last_played_at FROM play_counts "
        "WHERE item_id = :old ON CONFLICT DO UPDATE SET play_count = play_count + excluded.play_count, "
        "last_played_at = coalesce(max(last_played_at, excluded.last_played_at), last_played_at, "
        "excluded.last_played_at)",
        "INSERT INTO bookmarks SELECT :new, user_id, position_ms, comment, created_at, changed_at FROM bookmarks "
        "WHERE item_id = :old ON CONFLICT DO UPDATE SET position_ms = excluded.position_ms, "
        "comment = excluded.comment, changed_at = excluded.changed_at WHERE excluded.changed_at > changed_at",
        "UPDATE OR IGNORE plays SET item_id = :new WHERE item_id = :old",
        "UPDATE playlist_entries SET item_id = :new WHERE item_id = :old",
        "UPDATE play_queue_entries SET item_id = :new WHERE item_id = :old",
        "UPDATE items SET sample_id = :new WHERE sample_id = :old",
        *(f"DELETE FROM {table} WHERE item_id = :old" for table in ("stars", "ratings", "play_counts", "bookmarks")),
        "DELETE FROM plays WHERE item_id = :old",
        "DELETE FROM items WHERE id = :old",
    ):
        db.execute(statement, both)
