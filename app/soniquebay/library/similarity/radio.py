"""What a radio plays next: tracks that sound like something, other ones each time, and from artist to artist."""

import random
from collections.abc import Collection, Sequence

from soniquebay.library.similarity.artists import Artists, varied

MAX_CONSIDERED_TRACKS = 1000  # the nearest, of which a radio plays some
_MIN_CHANCE = 0.75  # a similarity counts between this share and all of it, by chance
_SPARE = 3  # so many times as many tracks are chosen, in order to keep an artist apart from himself


def next_tracks(
    found: Sequence[tuple[int, float]], artists: Artists, limit: int, seed: int | None, heard: Sequence[int]
) -> list[int]:
    """Return the ids of at most `limit` of the tracks `found`, in the order in which they are to be played.

    `found` has ids and similarities (0 to 1). `heard` are the tracks that were played, the last one at the end: none of
    them is returned. The same seed returns the same tracks. A track has no artist in common with the one before, also
    not the first one with the last that was heard; only where no other is left, an artist follows himself.
    """
    chance = random.Random(seed)  # noqa: S311 - it keeps no secret
    known = set(heard)
    drawn = [(track_id, similarity * chance.uniform(_MIN_CHANCE, 1)) for track_id, similarity in found]
    fresh = sorted((row for row in drawn if row[0] not in known), key=lambda row: -row[1])
    left = varied(fresh, artists, _SPARE * limit)
    before: Collection[int] = artists.get(heard[-1], frozenset()) if heard else frozenset()
    played: list[int] = []
    while left and len(played) < limit:
        track_id = next((i for i in left if not artists.get(i, frozenset()).intersection(before)), left[0])
        left.remove(track_id)
        played.append(track_id)
        before = artists.get(track_id, frozenset())
    return played
