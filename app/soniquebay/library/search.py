"""The full-text index (SQLite FTS5) over title, artist and album of the tracks."""

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

MAX_RANKED_HITS = 1000  # more hits are not sorted by relevance: a word of a whole library has no better ones
MAX_COUNTED_HITS = 10_000


@dataclass(frozen=True, slots=True)
class SearchHits:
    """Ids of the tracks found, best first, and their number, counted up to `MAX_COUNTED_HITS`."""

    ids: list[int]
    total: int


def add(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Add tracks that are not in the index; missing ones are skipped."""
    db.execute(
        "INSERT INTO search (rowid, title, artist, album) "
        "SELECT t.id, t.title, t.credit || ' ' || (SELECT group_concat(DISTINCT c.name || ' ' || a.name) "
        "FROM track_artists c JOIN artists a ON a.id = c.artist_id WHERE c.track_id = t.id) "
        "|| CASE WHEN b.credit <> t.credit THEN ' ' || b.credit ELSE '' END, coalesce(b.title, '') "
        "FROM json_each(?) j JOIN tracks t ON t.id = j.value LEFT JOIN albums b ON b.id = t.album_id "
        "WHERE t.missing_since IS NULL",
        (json.dumps(list(ids)),),
    )


def remove(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Remove tracks from the index; ids that are not in it are skipped."""
    db.execute("DELETE FROM search WHERE rowid IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))


def find(db: sqlite3.Connection, text: str, limit: int, offset: int) -> SearchHits:
    """Return the tracks whose title, artist and album together contain every word.

    The last word is a prefix if it has two letters or more.
    """
    words = re.findall(r"\w+", text)
    if not words:
        return SearchHits([], 0)
    # Quoted, so that nothing a person types is FTS5 syntax. A single letter is no prefix: half the library would match.
    match = " ".join(f'"{word}"' for word in words) + ("*" if len(words[-1]) > 1 else "")
    (total,) = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)", (match, MAX_COUNTED_HITS)
    ).fetchone()
    # Ranking reads every hit, so a large number of hits is sorted by id instead.
    order = "rank, rowid" if total <= MAX_RANKED_HITS else "rowid"
    rows = db.execute(
        f"SELECT rowid FROM search WHERE search MATCH ? ORDER BY {order} LIMIT ? OFFSET ?", (match, limit, offset)
    )
    return SearchHits([row["rowid"] for row in rows], total)
