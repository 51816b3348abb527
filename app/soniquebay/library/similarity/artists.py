"""Whom tracks credit as their artists, and lists that are not filled by one of them."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence

from soniquebay.sqlite import plain_cursor

Artists = Mapping[int, frozenset[int]]  # of each track; a track without a credit is not there

_REPEATED_ARTIST_FACTOR = 0.9  # by which each song of an artist reduces how much the similarity of the next one counts


def credited(db: sqlite3.Connection, track_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """Return the ids of the artists that tracks credit in the role `artist`, by the ids of the tracks."""
    cursor = plain_cursor(db)
    cursor.execute(
        "SELECT c.track_id, c.artist_id FROM json_each(?) j "
        "CROSS JOIN track_artists c ON c.track_id = j.value AND c.role = 'artist'",
        (json.dumps(list(track_ids)),),
    )
    found: dict[int, set[int]] = {}
    for track_id, artist_id in cursor:
        found.setdefault(track_id, set()).add(artist_id)
    return {track_id: frozenset(artist_ids) for track_id, artist_ids in found.items()}


def varied(found: Sequence[tuple[int, float]], artists: Artists, limit: int) -> list[int]:
    """Return the ids of at most `limit` of some tracks, the most similar first, but not all of one artist.

    `found` has ids and similarities (0 to 1), the most similar first. The similarity of a track counts 0.9 for each
    track before it that has an artist in common with it. So others come between where they are nearly as similar, and
    an artist to whom nobody is similar still fills the list.
    """
    heard: Counter[int] = Counter()
    left = dict(found)
    chosen: list[int] = []
    while left and len(chosen) < limit:
        best, best_score = -1, -1.0
        for track_id, similarity in left.items():
            if similarity <= best_score:
                break  # those that follow are less similar still
            repeats = max((heard[artist_id] for artist_id in artists.get(track_id, ())), default=0)
            score = similarity * _REPEATED_ARTIST_FACTOR**repeats
            if score > best_score:
                best, best_score = track_id, score
        del left[best]
        heard.update(artists.get(best, ()))
        chosen.append(best)
    return chosen
