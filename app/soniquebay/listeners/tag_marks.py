"""Taking over what the tags of files say: ratings, play counts and stars, where a user has none yet."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from soniquebay.listeners import items, stars
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.items import Item
from soniquebay.listeners.ratings import MAX_RATING, MIN_RATING

TRACKS_PER_TRANSACTION = 500  # a user's own change gets its turn in between
MAX_PLAY_COUNT = 1_000_000  # tags may state anything
_PER_CENT_OF_STAR = 100 / MAX_RATING

_TO_IMPORT = """
WITH said AS (
    SELECT f.track_id AS id, t.album_id, CASE WHEN r.item_id IS NULL THEN f.tags ->> '$.rating' END AS rating,
           CASE WHEN p.item_id IS NULL THEN f.tags ->> '$.play_count' END AS play_count,
           CASE WHEN s.item_id IS NULL THEN f.tags ->> '$.loved' END AS loved
    FROM library.file_tags f CROSS JOIN library.tracks t ON t.id = f.track_id
    LEFT JOIN items i ON i.kind = 'track' AND i.library_id = t.id
    LEFT JOIN ratings r ON r.item_id = i.id AND r.user_id = ?1
    LEFT JOIN play_counts p ON p.item_id = i.id AND p.user_id = ?1
    LEFT JOIN stars s ON s.item_id = i.id AND s.user_id = ?1
    WHERE f.track_id > ?2 AND t.missing_since IS NULL
)
SELECT * FROM said WHERE coalesce(rating, play_count, loved) IS NOT NULL ORDER BY id LIMIT ?3
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """For how many tracks something was taken over."""

    ratings: int
    play_counts: int
    stars: int


def stars_of(per_cent: str | None) -> int | None:
    """Return a rating from 1 to 5 for one of tags, from 0 to 100; None without one. Half a star is rounded up."""
    number = _digits(per_cent)
    return min(max(int(number / _PER_CENT_OF_STAR + 0.5), MIN_RATING), MAX_RATING) if number else None


def import_marks(database: ListenersDatabase, user_id: int, at: float) -> Imported:
    """Give a user the ratings, play counts and stars of the tags, at a time (Unix seconds), where the user has none.

    What was taken over before is not taken over again. The plays count for album and artists, too, as others do.
    """
    reader = database.reader()
    rated = played = starred = last_id = 0
    while rows := reader.execute(_TO_IMPORT, (user_id, last_id, TRACKS_PER_TRANSACTION)).fetchall():
        last_id = rows[-1]["id"]
        ratings = {row["id"]: found for row in rows if (found := stars_of(row["rating"]))}
        counts = {row["id"]: min(found, MAX_PLAY_COUNT) for row in rows if (found := _digits(row["play_count"]))}
        loved = [row["id"] for row in rows if row["loved"]]
        tracks = items.read_known(reader, "track", {*ratings, *counts, *loved})
        related = _related(reader, [row for row in rows if row["id"] in counts])
        with database.transaction() as db:
            rated += _rate(db, user_id, {tracks[i]: n for i, n in ratings.items() if i in tracks}, at)
            played += _count(db, user_id, {tracks[i]: n for i, n in counts.items() if i in tracks}, related)
            starred += _star(db, user_id, [tracks[i] for i in loved if i in tracks], at)
    return Imported(rated, played, starred)


def _digits(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else 0


def _related(db: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> dict[int, list[Item]]:
    """Return the album and the artists of tracks, by the ids of these."""
    credited = db.execute(
        "SELECT DISTINCT c.track_id, c.artist_id FROM json_each(?) j CROSS JOIN library.track_artists c "
        "ON c.track_id = j.value WHERE c.role = 'artist'",
        (json.dumps([row["id"] for row in rows]),),
    ).fetchall()
    albums = items.read_known(db, "album", {row["album_id"] for row in rows if row["album_id"] is not None})
    artists = items.read_known(db, "artist", {row["artist_id"] for row in credited})
    related = {row["id"]: [albums[row["album_id"]]] if row["album_id"] in albums else [] for row in rows}
    for row in credited:
        if row["artist_id"] in artists:
            related[row["track_id"]].append(artists[row["artist_id"]])
    return related


def _rate(db: sqlite3.Connection, user_id: int, stars: Mapping[Item, int], at: float) -> int:
    done = db.executemany(
        "INSERT INTO ratings (item_id, user_id, kind, rating, rated_at) VALUES (?, ?, 'track', ?, ?) "
        "ON CONFLICT DO NOTHING",
        [(i, user_id, n, at) for i, n in zip(items.get_or_add(db, [*stars]), stars.values(), strict=True)],
    )
    return done.rowcount if stars else 0


def _star(db: sqlite3.Connection, user_id: int, loved: Sequence[Item], at: float) -> int:
    item_ids = items.get_or_add(db, loved)
    before = db.total_changes
    stars.add(db, user_id, item_ids, at)
    return db.total_changes - before


def _count(
    db: sqlite3.Connection, user_id: int, counts: Mapping[Item, int], related: Mapping[int, Iterable[Item]]
) -> int:
    played = 0
    for item, item_id in zip(counts, items.get_or_add(db, [*counts]), strict=True):
        done = db.execute(
            "INSERT INTO play_counts (item_id, user_id, kind, play_count) VALUES (?, ?, 'track', ?) "
            "ON CONFLICT DO NOTHING",
            (item_id, user_id, counts[item]),
        )
        if not done.rowcount:
            continue  # the user has heard it meanwhile
        played += 1
        others = [*related[item.library_id]]
        db.executemany(
            "INSERT INTO play_counts (item_id, user_id, kind, play_count) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET play_count = play_count + excluded.play_count",
            [
                (i, user_id, other.kind, counts[item])
                for i, other in zip(items.get_or_add(db, others), others, strict=True)
            ],
        )
    return played
