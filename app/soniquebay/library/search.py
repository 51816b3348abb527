"""The full-text index over title, artist and album: kept beside the tracks, asked by words."""

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

RANKED = 1000  # hits that are put in order of relevance; a word that a whole library shares has no better ones
COUNTED = 10_000  # hits that are counted; more are "at least"


@dataclass(frozen=True, slots=True)
class SearchHits:
    """Ids of the tracks found, best first, and how many there are (`COUNTED` at the most)."""

    ids: list[int]
    total: int


def add(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Index tracks that are not in the index."""
    db.execute(
        "INSERT INTO search (rowid, title, artist, album) "
        "SELECT t.id, t.title, coalesce(t.credit, a.name) || "
        "CASE WHEN o.name <> a.name THEN ' ' || o.name ELSE '' END, coalesce(b.title, '') "
        "FROM json_each(?) j JOIN tracks t ON t.id = j.value JOIN artists a ON a.id = t.artist_id "
        "LEFT JOIN albums b ON b.id = t.album_id LEFT JOIN artists o ON o.id = b.artist_id "
        "WHERE t.missing_since IS NULL",
        (json.dumps(list(ids)),),
    )


def remove(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Take tracks out of the index; ones that are not in it are passed over."""
    db.execute("DELETE FROM search WHERE rowid IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))


def find(db: sqlite3.Connection, text: str, limit: int, offset: int) -> SearchHits:
    """Return the tracks whose title, artist and album together hold every word, the last one as a beginning.

    A beginning has two letters at the least.
    """
    words = re.findall(r"\w+", text)
    if not words:
        return SearchHits([], 0)
    # Each word in quotes: what a person types is never the syntax of the index. One letter is a word and no beginning:
    # half the library begins with it.
    match = " ".join(f'"{word}"' for word in words) + ("*" if len(words[-1]) > 1 else "")
    (total,) = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)", (match, COUNTED)
    ).fetchone()
    # Relevance reads every hit, so many are taken in the order of their ids.
    order = "rank, rowid" if total <= RANKED else "rowid"
    rows = db.execute(
        f"SELECT rowid FROM search WHERE search MATCH ? ORDER BY {order} LIMIT ? OFFSET ?", (match, limit, offset)
    )
    return SearchHits([row["rowid"] for row in rows], total)
