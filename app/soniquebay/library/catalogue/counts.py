"""Numbers of tracks by artist and role, by genre, and by album and genre.

Whatever is removed, moved or missing is taken into account by triggers (migration 0011). What is added is counted here,
for many tracks at once: most tracks of a batch have the same few artists and genres.
"""

import json
import sqlite3
from collections.abc import Iterable

_TRACKS = "FROM json_each(?) j CROSS JOIN tracks t ON t.id = j.value AND t.missing_since IS NULL"


def count_credits(db: sqlite3.Connection, track_ids: Iterable[int]) -> None:
    """Count the credits of tracks that had none before."""
    db.execute(
        "INSERT INTO artist_roles (artist_id, role, track_count) "
        f"SELECT c.artist_id, c.role, count(DISTINCT c.track_id) {_TRACKS} "
        "CROSS JOIN track_artists c ON c.track_id = t.id WHERE true GROUP BY 1, 2 "
        "ON CONFLICT (artist_id, role) DO UPDATE SET track_count = track_count + excluded.track_count",
        (json.dumps(list(track_ids)),),
    )


def count_genres(db: sqlite3.Connection, track_ids: Iterable[int]) -> None:
    """Count the genres of tracks that had none before."""
    ids = json.dumps(list(track_ids))
    db.execute(
        "UPDATE genres SET track_count = track_count + new.tracks FROM "
        f"(SELECT g.genre_id, count(*) AS tracks {_TRACKS} CROSS JOIN track_genres g ON g.track_id = t.id "
        "GROUP BY 1) new WHERE new.genre_id = genres.id",
        (ids,),
    )
    db.execute(
        "INSERT INTO album_genres (album_id, genre_id, track_count) "
        f"SELECT t.album_id, g.genre_id, count(*) {_TRACKS} CROSS JOIN track_genres g ON g.track_id = t.id "
        "WHERE t.album_id IS NOT NULL GROUP BY 1, 2 "
        "ON CONFLICT (album_id, genre_id) DO UPDATE SET track_count = track_count + excluded.track_count",
        (ids,),
    )
