"""Whom tracks credit as their artists."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

Artists = Mapping[int, frozenset[int]]  # of each track; a track without a credit is not there


def credited(db: sqlite3.Connection, track_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """Return the ids of the artists that tracks credit in the role `artist`, by the ids of the tracks."""
    cursor = db.cursor()
    cursor.row_factory = None  # plain tuples are faster
    cursor.execute(
        "SELECT c.track_id, c.artist_id FROM json_each(?) j "
        "CROSS JOIN track_artists c ON c.track_id = j.value AND c.role = 'artist'",
        (json.dumps(list(track_ids)),),
    )
    found: dict[int, set[int]] = {}
    for track_id, artist_id in cursor:
        found.setdefault(track_id, set()).add(artist_id)
    return {track_id: frozenset(artist_ids) for track_id, artist_ids in found.items()}
