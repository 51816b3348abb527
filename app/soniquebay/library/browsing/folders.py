"""What lies in a folder. Folders have no rows: they are the beginnings of the paths of tracks."""

import sqlite3
from dataclasses import dataclass, field

from soniquebay.library.catalogue.sort_keys import sort_key

_FIRST_BETWEEN = """
SELECT t.path, t.id, t.credit AS artist, t.added_at, t.album_id, b.cover_sha256 AS cover
FROM tracks t LEFT JOIN albums b ON b.id = t.album_id
WHERE t.path >= ? AND t.path < ? AND t.missing_since IS NULL ORDER BY t.path LIMIT 1
"""


@dataclass(slots=True)
class Listing:
    """What lies in a folder: the names of its folders, each with the first track below it, and its tracks."""

    folders: list[tuple[str, sqlite3.Row]] = field(default_factory=list)
    track_ids: list[int] = field(default_factory=list)


def read(db: sqlite3.Connection, folder: str) -> Listing:
    """Return what lies in a folder (an encoded path). Each of its folders costs one step in the index of paths."""
    prefix = f"{folder}/"
    begin, end = prefix, f"{folder}0"  # "0" follows "/"
    found = Listing()
    while (row := db.execute(_FIRST_BETWEEN, (begin, end)).fetchone()) is not None:
        name, slash, _ = row["path"][len(prefix) :].partition("/")
        if slash:
            found.folders.append((name, row))
            begin = f"{prefix}{name}0"
        else:
            parts = db.execute(
                "SELECT id FROM tracks WHERE path = ? AND missing_since IS NULL ORDER BY part", (row["path"],)
            )
            found.track_ids += [part["id"] for part in parts]
            begin = row["path"] + "\0"
    found.folders.sort(key=lambda pair: sort_key(pair[0]))
    return found


def count_below(db: sqlite3.Connection, folder: str) -> int:
    """Return how many tracks lie in a folder (an encoded path) and below it."""
    row = db.execute(
        # The index of paths alone does not tell which tracks are missing. That of the missing ones does, and is short.
        "SELECT (SELECT count(*) FROM tracks WHERE path > ?1 AND path < ?2) "
        "- (SELECT count(*) FROM tracks WHERE missing_since IS NOT NULL AND path > ?1 AND path < ?2)",
        (f"{folder}/", f"{folder}0"),
    ).fetchone()
    return int(row[0])


def last_change(db: sqlite3.Connection) -> float:
    """Return when the folders may have changed last (Unix seconds): when the last scan ended, or began; 0 for none."""
    row = db.execute("SELECT max(coalesce(finished_at, started_at)) FROM scan_sessions").fetchone()
    return float(row[0] or 0)
