"""A list of similar tracks is not filled by one artist where others are as near."""

import numpy as np

from soniquebay.library.similarity.artists import Artists, varied


def chosen(found: list[tuple[int, float]], artists: Artists, limit: int) -> list[int]:
    result = varied(found, artists, limit)
    assert len(result) == len(set(result)) == min(limit, len(found))
    return result


def test_others_come_between_where_they_are_nearly_as_similar() -> None:
    one = {track_id: frozenset([1]) for track_id in range(20)}
    found = [(n, 0.5 - n / 1000) for n in range(20)]  # all by one artist
    others = [(100 + n, 0.45 - n / 1000) for n in range(20)]  # each by another one
    artists = one | {track_id: frozenset([track_id]) for track_id, _ in others}
    mixed = chosen(sorted(found + others, key=lambda place: -place[1]), artists, 20)
    assert mixed[:4] == [0, 100, 1, 101] or mixed[:4] == [0, 100, 101, 1]
    assert sum(track_id < 20 for track_id in mixed) <= 4
    far = [(track_id, similarity / 10) for track_id, similarity in others]
    assert chosen(found + far, artists, 20) == [*range(20)]


def test_every_artist_of_a_credit_counts() -> None:
    guest = {1: frozenset([1]), 2: frozenset([2, 1]), 3: frozenset([3])}
    assert chosen([(1, 0.5), (2, 0.49), (3, 0.48)], guest, 3) == [1, 3, 2]
    assert chosen([(1, 0.5), (2, 0.49), (3, 0.48)], {}, 3) == [1, 2, 3]


def test_a_list_has_what_there_is() -> None:
    assert chosen([], {}, 5) == []
    assert chosen([(1, 0.0), (2, 0.0)], {1: frozenset([1]), 2: frozenset([1])}, 5) == [1, 2]


def test_each_place_goes_to_what_counts_most() -> None:
    """Among all that are left, and not only among the next ones."""
    chance = np.random.default_rng(3)
    found = [(n, float(s)) for n, s in enumerate(sorted(chance.random(60), reverse=True))]
    artists = {n: frozenset(chance.choice(8, chance.integers(1, 3)).tolist()) for n in range(60)}
    heard = dict.fromkeys(range(8), 0)
    left = dict(found)
    for track_id in chosen(found, artists, 60):
        counts = {n: s * 0.9 ** max(heard[a] for a in artists[n]) for n, s in left.items()}
        assert counts[track_id] == max(counts.values())
        del left[track_id]
        for artist in artists[track_id]:
            heard[artist] += 1
